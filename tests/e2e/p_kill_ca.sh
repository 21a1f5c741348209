#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of ca: net keeps serving logins meanwhile; ca is back within 5 seconds without asking for
# the passphrase, and certifies again.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao
net=$(child_of "$SERVER" net)
back() { ca list >/dev/null 2>&1; }
took=
for try in 1 2 3; do # the machine may have something else to do
    ca_pid=$(child_of "$SERVER" ca)
    kill -KILL "$ca_pid"
    begun=$(date +%s%N)
    send maria joao "while ca is away $try"
    wait_for 5 heard joao "while ca is away $try"
    wait_for 10 back
    took=$((($(date +%s%N) - begun) / 1000000))
    [ "$(child_of "$SERVER" ca)" != "$ca_pid" ] || fail "it is the old one"
    [ "$took" -ge 5000 ] || break
done
[ "$took" -lt 5000 ] || fail "it took $took ms"
is "$(child_of "$SERVER" net)" "$net"
kill -0 "$LISTENER" || fail "the listener has gone"
serves
