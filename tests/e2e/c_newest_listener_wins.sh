#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One receiving session an identity: the newest wins, the older is told why it ends.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao
first=$LISTENER
cp "$T/listen-joao.log" "$T/first.log"
: >"$T/second.log"
malote --home "$T/home-joao" listen --json --timeout 60 --count 1 >"$T/second" 2>"$T/second.log" </dev/null &
second=$!
STARTED+=("$second")
wait_for 10 grep -q listening "$T/second.log"
wait_for 10 gone "$first"
grep -qi 'newer\|another\|elsewhere\|replaced' "$T/listen-joao.log" ||
    fail "the older was not told: $(cat "$T/listen-joao.log")"
send maria joao "to the newest"
wait "$second"
has "$T/second" "to the newest"
