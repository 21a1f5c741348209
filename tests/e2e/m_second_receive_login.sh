#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One identity, listening twice: the newest gets the mail, the other one is told why it ends.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
for i in $(seq 20); do
    as maria send joao "stored $i" </dev/null
done
listen joao --count 100
FIRST=$LISTENER
wait_for 10 heard joao "stored 20"
rehome joao other "$PORT"
listen other --count 1
wait "$FIRST" && fail "the first listener goes on"
grep -qi 'another\|newer\|elsewhere\|replaced' "$T/listen-joao.log" || fail "not told why: $(tail -n 2 "$T/listen-joao.log")"
as maria send joao "for the newest" --wait delivered </dev/null
wait_for 10 heard other "for the newest"
hasnt "$T/heard-joao" "for the newest"
