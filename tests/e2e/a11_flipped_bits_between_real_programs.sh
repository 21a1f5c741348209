#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 11: bits flipped on the wire between malote and maloted, in every message of the
# handshake, in Welcome, in the message itself and in its outcome: the client says in one line
# which side refused, nothing is delivered, and the server goes on.  (Every bit of every message:
# tests/unit/test_handshake_flips.c.)
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao
. "$ROOT/tests/e2e/corruption.sh"
record_wire
baseline=$(descriptors)

flip() { # CODES DELIVERIES DIRECTION FRAME FROM
    local at=$(($5 + $(below $(($(size_of "$3" "$4") - $5)))))
    attempt "$1" "$2" --flip "$3:$4:$at:$(below 8)"
}
for _ in 1 2 3; do
    flip 4 0 down 0 4      # ServerHello: the client refuses it, or the keys it leads to
    flip 4 0 down 1 4      # ServerAuth
    flip 4 0 down 2 4      # Welcome
    flip '4|5' 0 up 0 4    # ClientHello: the server refuses it, or the client the keys
    flip 5 0 up 1 4        # ClientAuth
    flip 5 0 up 2 4        # the message
    flip 5 1 down 3 4      # its outcome: it had arrived
done
# Headers: another type or length is refused as well, or waited for until a deadline.
# (A longer record of a session is waited for until silence ends it, after 65 s: not here.)
for frame in 0 1 2; do
    attempt '4|5' 0 --flip "up:$frame:$(below $((frame < 2 ? 4 : 1))):$(below 8)"
    attempt '4|5' 0 --flip "down:$frame:$(below 4):$(below 8)"
done
unharmed "$baseline"

# An enrolment: the invite is not spent by what did not arrive whole.
url=$(invite ana)
for n in 1 2 3; do
    proxy --flip "up:1:$((4 + $(below 8224))):$(below 8)"
    expect 1 as "ana$n" join "$(url_via "$url" "$PROXY")" --name ana
    one_line "$T/err"
    kill "$PROXY_PID"
done
ca list >"$T/list"
hasnt "$T/list" ana
as ana join "$url" --name ana >"$T/out" 2>&1 </dev/null
serves
