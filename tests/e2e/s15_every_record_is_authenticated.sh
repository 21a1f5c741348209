#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# S15: HMAC over every record: one flipped bit anywhere in one ends the session, and nothing of
# it is delivered.  Type, ciphertext and tag; on the way up and on the way down.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao --count 1
expect 0 as maria status # with what the CA has to say: the message is the first record then
text="flip me if you can"
# up: 0 ClientHello, 1 ClientAuth, 2 the message.  down: 0, 1, 2 Welcome.
for place in up:2:0 up:2:4 up:2:20 up:2:60 up:1:100 down:2:5 down:2:40; do
    proxy --flip "$place"
    rehome maria via "$PROXY"
    status=0
    timeout 30 malote --home "$T/home-via" send joao "$text $place" >"$T/out" 2>"$T/err" </dev/null ||
        status=$?
    [ "$status" -ne 124 ] || fail "a flipped bit at $place, and the sender waits forever"
    [ "$status" -ne 0 ] || fail "a flipped bit at $place, and the sender was told it went well"
    one_line "$T/err"
    hasnt "$T/heard-joao" "$text"
    kill "$PROXY_PID"
done
send maria joao "clean"
wait_for 10 heard joao clean
hasnt "$T/heard-joao" "$text"
serves
