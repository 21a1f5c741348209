#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of net: clients are back within 5 seconds, by themselves.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao
net=$(child_of "$SERVER" net)
ca_pid=$(child_of "$SERVER" ca)
kill -KILL "$net"
begun=$(date +%s%N)
again() { as maria send joao "after net" </dev/null >/dev/null 2>&1; }
wait_for 10 again
wait_for 10 heard joao "after net"
took=$((($(date +%s%N) - begun) / 1000000))
[ "$took" -lt 5000 ] || fail "it took $took ms"
[ "$(child_of "$SERVER" net)" != "$net" ]
is "$(child_of "$SERVER" ca)" "$ca_pid"
serves
