#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whoever can write ledger.db lets nobody in again: a revocation outlives the end its row was given,
# and where its row is gone no list is signed any more, which every command says; audit names it.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

write_ledger() { # SQL
    python3 - "$D/ca/ledger.db" "$1" <<'CODE'
import sqlite3
import sys

ledger = sqlite3.connect(sys.argv[1])
ledger.executescript(sys.argv[2])
CODE
    chown --reference="$D/ca" "$D/ca/"ledger.db*
}

listed() { # how many
    ca crl 2>/dev/null | openssl crl -noout -text | grep -c 'Serial Number' || true
}

start_server
join maria joao rui
expect 0 ca revoke joao
stop_server
write_ledger "UPDATE revocation SET until_s = 1"
expect 4 offline audit
has "$T/out" "can be forgotten before"
start_server
expect 0 ca revoke rui
is "$(listed)" 2
expect 1 as joao status
stop_server

write_ledger "CREATE TABLE kept AS SELECT * FROM revocation;
              DELETE FROM revocation WHERE until_s = 1; UPDATE member SET closed_s = NULL"
expect 4 offline audit
has "$T/out" "the newest revocation list has it, and it was never revoked"
start_server
expect 6 ca revoke maria
one_line "$T/err"
has "$T/err" "ledger.db was changed: a new revocation list would leave out"
is "$(listed)" 2
expect 0 ca list --json
has "$T/out" '"alarm":"crl-drops"'
expect 0 ca invites
has "$T/err" "ledger.db was changed"
has "$T/server.log" "could still be used, and ledger.db no longer says that it was revoked"
expect 1 as joao status
expect 1 as maria status # net was told before the list was tried
stop_server

# Its row put back: what was revoked meanwhile is listed with it.
write_ledger "UPDATE kept SET until_s = (SELECT not_after_s + 604800 FROM certificate AS c
              WHERE c.serial = kept.serial);
              INSERT OR IGNORE INTO revocation SELECT * FROM kept; DROP TABLE kept"
start_server
expect 0 ca revoke maria
is "$(listed)" 3
expect 0 ca audit
stop_server
