#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A lost chaves.txt: maloted says what is missing and makes no new CA; the newest backup brings it
# back.  A lost passphrase: no backup opens, but an export does; what net keeps goes on to hold.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

offline() {
    timeout -k 5 60 malote-ca --data "$D" --passphrase-file "$T/pass" "$@" </dev/null
}
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

# The key is lost.
rm "$D/ca/chaves.txt"
expect 6 cannot_start
has "$T/err" "chaves.txt"
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
has "$T/out" "with 1 revocations"
expect 0 offline audit
start_server
expect 1 as maria status
has "$T/err" "revoked"
as maria2 join "$(invite)" --name mariana >"$T/out" 2>&1 </dev/null || { cat "$T/out"; fail "join"; }
serves
stop_server
