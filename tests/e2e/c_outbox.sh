#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A message that cannot be sent is kept, said to be kept, listed, and sent by whatever command
# connects next; what is dropped is not sent, and its recipient sees the gap.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
expect 0 as maria outbox list
is "$(wc -c <"$T/out")" 0
listen joao --count 1
send maria joao "the first"
wait "$LISTENER" || fail "the listener ended with status $?"
stop_server

# kept: one line that says so, exit 5; JSON says so too
expect 5 as maria send joao "kept one"
one_line "$T/err"
has "$T/err" "kept in the outbox for joao (the next send, listen, chat or status sends it): cannot reach 127.0.0.1 port $PORT: "
hasnt "$T/err" "try again"
is "$(wc -c <"$T/out")" 0
expect 5 as maria send joao $'kept two\n\e[2Jof two lines' --json
one_line "$T/err"
one_line "$T/out"
grep -qE '^\{"type":"sent","to":"joao","id":"[0-9a-f]{32}","state":"outbox","reason":"[^"]+"\}$' \
    "$T/out" || fail "$(cat "$T/out")"
two=$(grep -oE '[0-9a-f]{32}' "$T/out")
status=0
as maria send nobody - <<<"for nobody" 2>"$T/err" || status=$?
is "$status" 5
expect 3 as maria status --json
has "$T/out" '"outbox":3,"stored":0,"failed":0,"logged_in":false'

# listed, without a server: a line each, nothing a terminal obeys, and the whole text in JSON
expect 0 as maria outbox list
is "$(wc -l <"$T/out")" 3
grep -qE "^$two  ([0-9-]+ )?[0-9:]+  joao  waiting    kept two \.\.\.$" "$T/out" || fail "$(cat "$T/out")"
expect 0 as maria outbox list --json
is "$(wc -l <"$T/out")" 3
grep -qE "^\{\"type\":\"outbox\",\"to\":\"joao\",\"id\":\"$two\",\"time\":\"[^\"]+\",\"state\":\"outbox\",\"text\":\"kept two\\\\n\\\\u001B\[2Jof two lines\"\}$" "$T/out" ||
    fail "$(cat "$T/out")"

# the newline at the end of a text is not more of it
expect 0 as maria outbox list
grep -qE '  nobody  waiting    for nobody$' "$T/out" || fail "$(cat "$T/out")"

# dropped: by id, by name; not what is not there
expect 2 as maria outbox drop "${two//?/0}"
one_line "$T/err"
expect 2 as maria outbox drop ana
one_line "$T/err"
expect 0 as maria outbox drop "$two"
has "$T/err" "one message dropped"
expect 2 as maria outbox drop "$two"
expect 0 as maria outbox list
is "$(wc -l <"$T/out")" 2
expect 5 as maria send joao "kept three"

# any command sends: this one is asked about something else
start_server
expect 0 as maria status
grep -qE '^outbox +0 to be sent, 2 stored' "$T/out" || fail "$(cat "$T/out")"
# and says what came to nothing, once, in one line
one_line "$T/err"
grep -qE "the message of [0-9: -]+ to nobody, 'for nobody', was not delivered: nobody of that name" "$T/err" ||
    fail "$(cat "$T/err")"
grep -qE '^failed +1 ' "$T/out" || fail "$(cat "$T/out")"
expect 0 as maria status
is "$(wc -c <"$T/err")" 0
expect 0 as maria outbox list
is "$(wc -l <"$T/out")" 3
grep -qE '  nobody  refused    \(nobody of that name is known to the server\)  for nobody$' "$T/out" ||
    fail "$(cat "$T/out")"

# what the server has stored cannot be called back, and that is said
expect 0 as maria outbox drop joao
has "$T/err" "2 messages dropped"
has "$T/err" "stored by the server already, and may still be delivered: 2"
expect 0 as maria outbox drop --all
has "$T/err" "one message dropped"
expect 0 as maria outbox list
is "$(wc -c <"$T/out")" 0
expect 0 as maria outbox drop --all

# once each, in order, and the gap is shown where it is
expect 0 as joao listen --count 2 --json
is "$(sed 's/.*"text":"\([^"]*\)".*/\1/' "$T/out" | tr '\n' ,)" "kept one,kept three,"
has <(sed -n 2p "$T/out") '"missing":1'
hasnt <(sed -n 1p "$T/out") missing
expect 0 as joao history maria
is "$(grep -c '^-- one message of maria is missing here$' "$T/out")" 1

# what was dropped too late is known to have arrived all the same
all_delivered() {
    expect 0 as maria status
    expect 0 as maria history joao --json
    [ "$(grep -c '"state":"delivered"' "$T/out")" -eq 3 ]
}
wait_for 10 all_delivered
has "$T/out" "\"id\":\"$two\""
has <(grep "$two" "$T/out") '"state":"dropped"'

for arguments in "" "list joao" "list --all" "drop" "drop --all joao" "drop joao ana" "fly" \
    "drop joao --json" "--fly"; do
    # shellcheck disable=SC2086  # words
    expect 2 as maria outbox $arguments
    one_line "$T/err"
done
expect 4 as stranger outbox list
one_line "$T/err"
