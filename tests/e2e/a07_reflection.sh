#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 7: its own messages sent back to either side, in the same session: refused by role
# labels in keys, MAC and signature, and by the table of steps.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
for which in hello auth; do
    got=$(timeout 30 raw_peer "127.0.0.1:$PORT" reflect "$which")
    [[ $got == alert* || $got == "frame 5"* || $got == closed* ]] || fail "reflect $which: $got"
done
# the client's own ClientHello, ClientAuth and first record come back to it
join maria joao
listen joao
for frame in 0 1 2; do
    proxy --reflect "up:$frame"
    rehome maria via "$PROXY"
    status=0
    timeout 40 malote --home "$T/home-via" send joao "mirror $frame" >"$T/out" 2>"$T/err" </dev/null ||
        status=$?
    [ "$status" -ne 0 ] || fail "frame $frame came back to its sender, who was content"
    one_line "$T/err"
    kill "$PROXY_PID"
done
hasnt "$T/heard-joao" mirror
serves
