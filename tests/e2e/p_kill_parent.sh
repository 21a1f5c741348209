#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of the parent: no orphan, and the port is free within a second.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria
closed() { ! awk -v p=":$(printf '%04X' "$PORT")" '$4 == "0A" && index($2, p) { found = 1 } END { exit !found }' /proc/net/tcp; }
took=
for _ in 1 2 3; do # the machine may have something else to do
    net=$(child_of "$SERVER" net)
    ca_pid=$(child_of "$SERVER" ca)
    kill -KILL "$SERVER"
    begun=$(date +%s%N)
    wait_for 5 gone "$net"
    wait_for 5 gone "$ca_pid"
    wait_for 5 closed
    took=$((($(date +%s%N) - begun) / 1000000))
    start_server
    [ "$took" -ge 1000 ] || break
done
[ "$took" -lt 1000 ] || fail "it took $took ms"
as maria status </dev/null
serves
