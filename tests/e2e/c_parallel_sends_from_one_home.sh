#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# listen in one process and 20 parallel sends from the same home: all succeed, each arrives once.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen maria
LISTEN_MARIA=$LISTENER
listen joao --count 20
senders=()
for n in $(seq 20); do
    as maria send joao "number $n." </dev/null >"$T/send-$n.out" 2>&1 &
    senders+=($!)
done
failures=0
for n in $(seq 20); do
    wait "${senders[$((n - 1))]}" || { cat "$T/send-$n.out"; failures=$((failures + 1)); }
done
is "$failures" 0
wait "$LISTENER" || fail "the listener ended with status $?"
is "$(sed 's/.*"text":"//' "$T/heard-joao" | sort -u | wc -l)" 20
send joao maria "and back"
wait_for 10 heard maria "and back"
kill "$LISTEN_MARIA"
