#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A receiver that is stopped: his senders are told "stored", others notice nothing, net's memory
# stays where it was, and when he goes on all of it comes, once and in order.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

rss() { # of net, in KiB
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(child_of "$SERVER" net)/status"
}

start_server
join joao maria ana pedro
listen joao --count 151
STUCK=$LISTENER
as ana send joao "he is here" --wait delivered </dev/null
before=$(rss)
kill -STOP "$STUCK"
# 150 messages of 60,000 bytes: four times what may lie in memory for him.
large=$(head -c 60000 /dev/zero | tr '\0' x)
for i in $(seq 150); do
    echo "$i $large"
done | timeout -k 5 60 malote --home "$T/home-maria" chat joao >"$T/chat.out" 2>"$T/chat.err" ||
    fail "chat ended with status $?: $(tail -n 2 "$T/chat.err")"
has "$T/chat.err" "the server stores what you write"
is "$(as maria outbox list --json </dev/null | grep -c '"stored"')" 150
after=$(rss)
echo "net: $before KiB before, $after KiB with 9 MB for a receiver that is stopped"

listen pedro --count 1
as ana send pedro "nobody else notices" --wait delivered </dev/null
wait "$LISTENER" || fail "pedro heard nothing"

kill -CONT "$STUCK"
wait "$STUCK" || fail "the listener ended with status $?: $(tail -n 2 "$T/listen-joao.log")"
grep -o '"text":"[0-9]* x' "$T/heard-joao" | grep -o '[0-9]*' | diff - <(seq 150) ||
    fail "not all, once, in order"
