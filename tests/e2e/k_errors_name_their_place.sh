#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One line where a file or directory of the CA is not what it should be: what failed, where, what to
# do; and not more than is known.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

DAY=86400
(umask 077 && echo "for the other program" >"$T/p12pass")
import_it() { # FILE
    offline import "$1" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
}

start_server
join maria
expect 0 ca backup "$T/backup"
stop_server
cp -a "$D" "$T/origin"

# No room to unpack in: it is the place that matters, and nothing was to be restored.
small_disk 64k
expect 6 env TMPDIR="$T/small" malote-ca --data "$D" --passphrase-file "$T/pass" \
    backup --verify "$T/backup"
one_line "$T/err"
has "$T/err" "$T/backup cannot be unpacked in $T/small/malote-verify-"
has "$T/err" "No space left"
hasnt "$T/err" "restore"
whole=$D
D=$T/small/data
expect 6 offline restore "$T/backup"
one_line "$T/err"
has "$T/err" "$T/backup cannot be unpacked in $D: No space left"
D=$whole

# ca/ itself.
rm -rf "$D/ca"
for there in link file; do
    if [ "$there" = link ]; then ln -s ../origin/ca "$D/ca"; else touch "$D/ca"; fi
    expect 6 offline restore "$T/backup" --accept-loss
    one_line "$T/err"
    has "$T/err" "cannot work in $D/ca: not private"
    rm "$D/ca"
done
ln -s "$T/origin/ca" "$D/ca"
expect 6 offline list
has "$T/err" "cannot work in $D/ca: not private"
rm "$D/ca"

# ledger.db.
cp -a "$T/origin/ca" "$D/ca"
: >"$D/ca/ledger.db"
expect 1 offline restore "$T/backup"
has "$T/err" "the ledger.db in $D/ca cannot be read (it is empty, or not there)"
rm -rf "$D/ca"
cp -a "$T/origin/ca" "$D/ca"
python3 - "$D/ca/ledger.db" <<'CODE'
import sqlite3
import sys

ledger = sqlite3.connect(sys.argv[1])
ledger.execute("DELETE FROM epoch")
ledger.commit()
CODE
chown --reference="$D/ca" "$D/ca/"ledger.db*
expect 4 offline audit
one_line "$T/err"
has "$T/err" "the epoch of the newest signed head is not in it"
rm -rf "$D/ca"
cp -a "$T/origin/ca" "$D/ca"

# Not to be written is not a file system's fault.
chmod 711 "$T"
cp -a "$T/origin" "$T/theirs"
cp "$T/pass" "$T/theirs.pass"
chown -R nobody "$T/theirs" "$T/theirs.pass"
chmod 500 "$T/theirs/ca"
expect 6 setpriv --reuid nobody --clear-groups "$BIN/malote-ca" --data "$T/theirs" \
    --passphrase-file "$T/theirs.pass" list
has "$T/err" "ledger.db cannot be used: Permission denied"
hasnt "$T/err" "Read-only"

# Another malote-ca is no maloted.
exec 9>"$D/lock"
flock 9
for verb in "restore $T/backup" "passwd --new-passphrase-file $T/p12pass"; do
    # shellcheck disable=SC2086
    expect 3 offline $verb 9>&-
    one_line "$T/err"
    has "$T/err" "maloted or another malote-ca works in $D"
done
exec 9>&-

# The cost alone.
expect 0 offline passwd --new-passphrase-file "$T/pass" --kdf-cost 2048
has "$T/out" "the passphrase is the same, and trying one now costs N = 2048"

# What openssl makes of an export.
expect 0 offline export "$T/ca.p12" --export-passphrase-file "$T/p12pass"
openssl pkcs12 -in "$T/ca.p12" -passin "file:$T/p12pass" -nodes -out "$T/pem" 2>/dev/null
openssl pkcs12 -export -in "$T/pem" -passout "file:$T/p12pass" -legacy -out "$T/legacy"
openssl pkcs12 -export -in "$T/pem" -passout "file:$T/p12pass" -nomac -out "$T/nomac"
openssl pkcs12 -export -in "$T/pem" -passout "file:$T/p12pass" -out "$T/anew"
D=$T/imported
for file in legacy nomac; do
    expect 6 import_it "$T/$file"
    one_line "$T/err"
    has "$T/err" "the algorithms of $T/$file are refused, or it has no MAC"
done

# A clock outside the CA's time makes no epoch.
own_clock wall
rm -rf "$D"
turn_clock $((-3653 * DAY))
expect 4 import_it "$T/anew"
one_line "$T/err"
has "$T/err" "the clock says $(clock_says +%Y-%m-%d)"
has "$T/err" "and this CA began at $(date -u +%Y)"
turn_clock $((2 * 3653 * DAY))
expect 4 import_it "$T/anew"
has "$T/err" "and this CA ended at"
[ ! -e "$D/ca" ] && [ ! -e "$D/ca.new" ] || fail "something was left"
turn_clock $((-3653 * DAY))
expect 0 import_it "$T/anew"
