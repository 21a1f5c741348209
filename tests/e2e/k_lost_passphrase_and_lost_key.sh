#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A lost chaves.txt: maloted says what is missing and makes no new CA; the newest backup brings it
# back.  A lost passphrase: no backup opens, but an export does; what net keeps goes on to hold.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

cannot_start() {
    timeout -k 5 20 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass" \
        --kdf-cost 1024 </dev/null
}
start_server
join maria joao
expect 0 ca revoke maria
expect 0 ca backup "$T/newest"
stop_server
(umask 077 && echo "for the safe" >"$T/p12pass")
expect 0 offline export "$T/p12" --export-passphrase-file "$T/p12pass"
cp -a "$D" "$T/origin"

# The key is damaged: what is said names the way back, and the page has it.
printf 'x' | dd of="$D/ca/chaves.txt" bs=1 seek=700 conv=notrunc status=none
expect 6 cannot_start
grep -F "chaves.txt is damaged at line" "$T/err" >"$T/said" || fail "$(cat "$T/err")"
has "$T/said" "'malote-ca restore FILE'"
page=$(sed -nE "s/.*\('(.*)' in malote-ca\(8\)\).*/\1/p" "$T/said")
grep -qxF ".Ss $page" "$ROOT/docs/man/malote-ca.8" || fail "the page has no '$page'"

# The key is lost.
rm "$D/ca/chaves.txt"
expect 6 cannot_start
has "$T/err" "chaves.txt"
has "$T/err" "'malote-ca restore FILE'"
expect 6 offline list
has "$T/err" "'malote-ca restore FILE'"
expect 0 offline restore "$T/newest"
start_server
expect 0 as joao status
hasnt "$T/err" "restored from a backup on"
serves
stop_server

# All of ca/ is lost, and DATA is taken for a new house: the backup is the newest, so nobody notices.
rm -rf "$D" && cp -a "$T/origin" "$D" && rm -rf "$D/ca"
expect 0 offline restore "$T/newest"
expect 0 offline audit

# The passphrase is lost.
rm -rf "$D" && cp -a "$T/origin" "$D"
(umask 077 && echo "forgotten" >"$T/pass")
expect 4 offline restore "$T/newest"
expect 4 cannot_start
mv "$D/ca" "$D/ca.locked"
expect 0 offline import "$T/p12" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
has "$T/out" "revocations kept that net still knew: 1;"
expect 0 offline audit
start_server
expect 1 as maria status
has "$T/err" "revoked"
as maria2 join "$(invite)" --name mariana >"$T/out" 2>&1 </dev/null || { cat "$T/out"; fail "join"; }
serves
stop_server
