#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A ledger.db of before a member enrolled is put back alone.  The member is told so once instead of
# being asked to log in for ever; her mailbox key is moved, not destroyed; and once the right
# ledger.db is back, with that key appended again, she gets what was stored.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

lines() {
    wc -l <"$D/ca/chaves.txt"
}
has_lines() {
    [ "$(lines)" -eq "$1" ]
}
put_back() { # LEDGER
    cp -a "$1" "$D/ca/ledger.db"
    : >"$T/server.log"
    start_server
}

start_server
join ana
wait_for 15 has_lines 4
stop_server
cp -a "$D/ca/ledger.db" "$T/older.db"
start_server
join bia
wait_for 15 has_lines 5
send ana bia "must be read"
stop_server
cp -a "$D/ca/ledger.db" "$T/right.db"
cp -a "$D/ca/chaves.txt" "$T/right.txt"

put_back "$T/older.db"
has_lines 4
cut=$(echo "$D"/ca/chaves.txt.cut-*)
is "$(stat -c %a "$cut")" 600
has "$T/server.log" "was moved to $(basename "$cut")"
expect 1 as bia listen --timeout 30
has "$T/err" "the certificate was revoked"
wait_for 5 grep -q 'name bia ended' "$T/server.log"
is "$(grep -c 'name bia ended' "$T/server.log")" 1
has "$T/server.log" "its certificate is not in the ledger"

stop_server
cat "$cut" >>"$D/ca/chaves.txt"
cmp "$D/ca/chaves.txt" "$T/right.txt"
put_back "$T/right.db"
listen bia --count 1
wait_for 15 heard bia "must be read"
serves
