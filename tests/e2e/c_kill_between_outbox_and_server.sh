#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of send when its message is in the outbox and the server has not answered: any later
# command sends it, and the recipient has it once.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao

kept() { # TEXT
    as maria outbox list --json </dev/null | grep -qF "\"state\":\"outbox\",\"text\":\"$1\""
}

# The server's kernel takes the connection, and nobody behind it answers.
net=$(child_of "$SERVER" net)
kill -STOP "$net"
malote --home "$T/home-maria" send joao "before any answer" >"$T/sent" 2>&1 </dev/null &
SENDER=$!
STARTED+=("$SENDER")
wait_for 10 kept "before any answer"
kill -KILL "$SENDER"
wait_for 10 gone "$SENDER"
kill -CONT "$net"
expect 0 as maria status
grep -qE '^outbox +0 to be sent, 1 stored' "$T/out" || fail "$(cat "$T/out")"

# The answer is lost: the server has the message, the sender does not know.
proxy --drop down:3
rehome maria via "$PROXY"
malote --home "$T/home-via" send joao "the answer is lost" >"$T/sent" 2>&1 </dev/null &
SENDER=$!
STARTED+=("$SENDER")
is_at_the_server() {
    as joao listen --count 2 --timeout 1 --json </dev/null >>"$T/joao" 2>/dev/null || true
    grep -qF "the answer is lost" "$T/joao"
}
: >"$T/joao"
wait_for 20 is_at_the_server
kill -KILL "$SENDER" 2>/dev/null || true # what came after the lost answer may have ended it
wait_for 10 gone "$SENDER"
sed -i "s/^port .*/port $PORT/" "$T/home-via/server"
expect 0 as via status --json
has "$T/out" '"outbox":0,'

# once each, in order; what came again is confirmed again, and not shown
expect 7 as joao listen --count 1 --timeout 1
expect 0 as joao history maria --json
is "$(sed 's/.*"text":"\([^"]*\)".*/\1/' "$T/out" | tr '\n' ,)" \
    "before any answer,the answer is lost,"
is_delivered() {
    expect 0 as via status
    as via history joao --json </dev/null | tail -n 1 |
        grep -qF '"state":"delivered","text":"the answer is lost"'
}
wait_for 10 is_delivered
