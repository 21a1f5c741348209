#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malote-ca erase: what was stored for a name is gone for good and its senders hear of it; what is
# sent later is stored as ever.  While maloted runs, and while it does not.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

lines_of() { # NAME: its pairs in the keystore
    grep -c "^mailbox $1 " "$D/ca/chaves.txt" || true
}
has_pair() {
    [ "$(lines_of "$1")" -eq 1 ]
}
is_told() {
    as maria status >"$T/status" 2>&1 </dev/null
    grep -q "erased the mailbox" "$T/status"
}
gets_nothing() {
    expect 7 as joao listen --json --count 1 --timeout 2s
    hasnt "$T/out" '"text"'
}
gets() {
    listen joao --count 1
    wait_for 15 heard joao "$1"
    wait "$LISTENER" || fail "the listener ended with status $?"
}

start_server
join maria joao
wait_for 15 has_pair joao
wait_for 15 has_pair maria
send maria joao "before the erasure"

# Not by mistake, and not of nobody.
expect 2 ca erase joao
one_line "$T/err"
has "$T/err" "--yes"
expect 1 ca erase nobody --yes
one_line "$T/err"
expect 2 ca erase --yes
has_pair joao

old=$(grep "^mailbox joao " "$D/ca/chaves.txt")
expect 0 ca erase joao --yes
is "$(cat "$T/out")" "joao: erased"
hasnt "$D/ca/chaves.txt" "$old" # a new pair may be there already
has_pair maria
wait_for 15 is_told
gets_nothing

send maria joao "after the erasure"
gets "after the erasure"
has_pair joao

# On the files alone: net hears of it at its next start, and again it goes on.
send maria joao "before the server was stopped"
stop_server
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" --json erase joao --yes
is "$(cat "$T/out")" '{"type":"erased","name":"joao"}'
is "$(lines_of joao)" 0
start_server
wait_for 15 is_told
gets_nothing
send maria joao "after the start"
gets "after the start"
send joao maria "and the other way round"
listen maria --count 1
wait_for 15 heard maria "and the other way round"
hasnt "$T/server.log" " error:"
