#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A ledger.db of before a member enrolled is put back alone.  The CA learns of it and stops; her
# mailbox key is moved, not destroyed; and once the right ledger.db is back, with that key appended
# again, she gets what was stored.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

lines() {
    wc -l <"$D/ca/chaves.txt"
}
has_lines() {
    [ "$(lines)" -eq "$1" ]
}
says() { # TEXT
    grep -qF -- "$1" "$T/server.log"
}
# All of it in the one file, also where a busy machine had the ca process killed.
keep() { # LEDGER
    python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("SELECT * FROM meta").close()' \
        "$D/ca/ledger.db"
    cp -a "$D/ca/ledger.db" "$1"
}
put_back() { # LEDGER
    rm -f "$D/ca/ledger.db-wal" "$D/ca/ledger.db-shm"
    cp -a "$1" "$D/ca/ledger.db"
    : >"$T/server.log"
}

start_server
join ana
wait_for 15 has_lines 4
stop_server
keep "$T/older.db"
start_server
join bia
wait_for 15 has_lines 5
send ana bia "must be read"
wait_for 15 heads_agree
stop_server
keep "$T/right.db"
cp -a "$D/ca/chaves.txt" "$T/right.txt"

put_back "$T/older.db"
launch_server
wait_for 20 says "the CA has stopped issuing"
has_lines 4
cut=$(echo "$D"/ca/chaves.txt.cut-*)
is "$(stat -c %a "$cut")" 600
has "$T/server.log" "was moved to $(basename "$cut")"
stop_server

cat "$cut" >>"$D/ca/chaves.txt"
cmp "$D/ca/chaves.txt" "$T/right.txt"
put_back "$T/right.db"
start_server
listen bia --count 1
wait_for 15 heard bia "must be read"
serves
