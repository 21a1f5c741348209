#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of net: clients are back within 5 seconds, by themselves.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao
ca_pid=$(child_of "$SERVER" ca)
again() { as maria send joao "after $1" </dev/null >/dev/null 2>&1; }
took=
for try in 1 2 3; do # its new key is a matter of luck, and of what else the machine does
    net=$(child_of "$SERVER" net)
    kill -KILL "$net"
    begun=$(date +%s%N)
    wait_for 10 again "$try"
    wait_for 10 heard joao "after $try"
    took=$((($(date +%s%N) - begun) / 1000000))
    [ "$(child_of "$SERVER" net)" != "$net" ] || fail "it is the old one"
    [ "$took" -ge 5000 ] || break
done
[ "$took" -lt 5000 ] || fail "it took $took ms"
is "$(child_of "$SERVER" ca)" "$ca_pid"
serves
