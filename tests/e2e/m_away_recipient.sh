#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Somebody who is not connected: his messages are stored, the sender's command ends well, and they
# come in order when he listens.  Where there are no mailboxes the sender is told plainly.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
has "$T/server.log" "mailboxes with mail: 0, messages in them: 0"
join maria joao ana
expect 0 as maria send joao "first"
expect 0 as maria send joao "second" --json
grep -qE '^\{"type":"sent","to":"joao","id":"[0-9a-f]{32}","state":"stored"' "$T/out" ||
    fail "not the JSON line: $(cat "$T/out")"
expect 0 as ana send joao "from ana"
is "$(stat -c %a "$D/net/mail.db")" 600
for text in first second "from ana"; do
    ! grep -qaF "$text" "$D"/net/mail.db* || fail "'$text' lies open in mail.db"
done

listen joao --count 4
wait_for 10 heard joao "from ana"
is "$(grep -c '"type":"message"' "$T/heard-joao")" 3
grep -o '"text":"[a-z]*d*"' "$T/heard-joao" | head -n 2 | diff - \
    <(printf '"text":"first"\n"text":"second"\n') || fail "not in order: $(cat "$T/heard-joao")"
# From now on he is here: it goes straight to him.
expect 0 as maria send joao "live" --wait delivered
wait "$LISTENER" || fail "the listener ended with status $?"
stop_server

LISTEN=127.0.0.1:$PORT
start_server --mailbox-messages 0
has "$T/server.log" "mailboxes with mail: 0, messages in them: 0"
expect 1 as maria send joao "nobody keeps this"
one_line "$T/err"
has "$T/err" "not connected"
listen joao --count 1
expect 0 as maria send joao "now you are"
wait_for 10 heard joao "now you are"
hasnt "$T/heard-joao" "nobody keeps this"
