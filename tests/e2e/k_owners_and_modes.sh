#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whose files they are stays: root's malote-ca on a user's DATA, and on a DATA whose ca/ has a user of
# its own; what is written for root is root's, where that user could not write.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "only root may give files away"
chmod 755 "$T"
ME=65534
run_as() { # UID COMMAND...
    setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"
}
owners() { # DIRECTORY: who owns anything there
    find "$1" -printf '%u\n' | sort -u | tr '\n' ' '
}
(umask 077 && echo "the new one" >"$T/new")

# 1. ca/ of another user, everything around it root's: passphrases and results in a directory that
# this user cannot even enter.
mkdir -m 700 "$T/roots"
start_server --user-ca 61001 --user-net 61002
join maria
expect 0 ca backup "$T/roots/online"
stop_server
mv "$T/new" "$T/pass" "$T/roots/"
ln -s "$T/roots/new" "$T/roots/link"
expect 0 malote-ca --data "$D" --passphrase-file "$T/roots/pass" passwd \
    --new-passphrase-file "$T/roots/new"
cp "$T/roots/new" "$T/pass" && chmod 600 "$T/pass"
expect 0 offline backup "$T/roots/cold"
expect 0 offline export "$T/roots/p12" --export-passphrase-file "$T/roots/pass"
is "$(stat -c '%u %a' "$T/roots/online" "$T/roots/cold" "$T/roots/p12" | sort -u)" "0 600"
is "$(find "$D/ca" ! -uid 61001 | wc -l)" 0
is "$(find "$D/ca" -type f ! -perm 600 | wc -l)" 0
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" restore "$T/roots/cold" --accept-loss
is "$(find "$D/ca" "$D"/ca.old-* ! -uid 61001 | wc -l)" 0
is "$(stat -c '%u %a' "$D" "$D/lock" | tr '\n' ' ')" "0 700 0 600 "
start_server --user-ca 61001 --user-net 61002
expect 0 as maria status
stop_server
rm -rf "$D"
# An empty ca/ says whose it will be.
install -d -m 700 "$D"
install -d -m 700 -o 61003 -g 61003 "$D/ca"
expect 0 offline restore "$T/roots/cold"
is "$(find "$D/ca" ! -uid 61003 | wc -l)" 0
is "$(ls -d "$D"/ca.* 2>/dev/null | wc -l)" 0

# 2. DATA of a user: by himself, and by root, who leaves no file of his own there.
install -d -m 700 -o "$ME" -g "$ME" "$T/user"
install -m 600 -o "$ME" -g "$ME" "$T/pass" "$T/user/pass"
install -m 600 -o "$ME" -g "$ME" "$T/roots/pass" "$T/user/second"
install -m 600 -o "$ME" -g "$ME" "$T/roots/cold" "$T/user/cold"
cp "$(command -v malote-ca)" "$T/malote-ca" && chmod 755 "$T/malote-ca"
D=$T/user/data
mine() {
    run_as "$ME" timeout -k 5 60 "$T/malote-ca" --data "$D" --passphrase-file "$T/user/pass" \
        "$@" </dev/null
}
expect 0 mine restore "$T/user/cold"
expect 0 mine backup "$T/user/again"
expect 0 run_as "$ME" "$T/malote-ca" --passphrase-file "$T/user/pass" backup "$T/user/again" --verify
expect 0 mine passwd --rotate --new-passphrase-file "$T/user/second"
expect 0 mine restore "$T/user/again" --accept-loss
expect 0 offline passwd --new-passphrase-file "$T/roots/pass"
expect 0 offline restore "$T/user/again" --accept-loss
expect 0 offline export "$T/roots/p12.2" --export-passphrase-file "$T/roots/pass"
expect 0 offline restore "$T/user/again" --accept-loss
expect 0 offline restore "$T/user/again" --accept-loss
is "$(ls -d "$T/user/data"/ca.old-* | wc -l)" 4
is "$(owners "$T/user")" "$(id -nu "$ME") "
# Not into what is somebody else's.
expect 6 mine backup "$T/roots/mine"
expect 6 mine backup "$T/mine"
is "$(find "$T/user/data" ! -perm 600 -type f | wc -l)" 0
# Another user gets nothing.
expect 6 run_as 61009 "$T/malote-ca" --data "$D" --passphrase-fd 0 backup /tmp/malote-x
