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

# Nothing is swallowed by the change: of messages that come while listeners replace each other,
# each is shown, by one of them or the other; a line may come twice when one was about to end.
senders=()
for n in $(seq 10); do
    send maria joao "during the change $n." >"$T/send-$n.out" 2>&1 &
    senders+=($!)
done
: >"$T/all"
for n in $(seq 4); do
    malote --home "$T/home-joao" listen --json --timeout 60 >"$T/heard-$n" 2>"$T/change-$n.log" \
        </dev/null &
    STARTED+=($!)
    last=$!
    wait_for 10 grep -q listening "$T/change-$n.log"
done
for pid in "${senders[@]}"; do
    wait "$pid" || fail "a sender ended with status $?"
done
all_are_shown() {
    [ "$(cat "$T"/heard-[1-4] | grep -oE 'during the change [0-9]+' | sort -u | wc -l)" -eq 10 ]
}
wait_for 10 all_are_shown
kill "$last"
wait "$last" || fail "the newest ended with status $?"
expect 0 as joao history maria --json
is "$(grep -c 'during the change' "$T/out")" 10
