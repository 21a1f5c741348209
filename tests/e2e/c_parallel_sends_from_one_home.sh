#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# listen in one process and 20 parallel sends from the same home: all succeed, each arrives once,
# and in the order of their numbers; also when nobody listens, and when the server was away.
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

# One stream: what joao got from maria, in the order in which it came, has numbers rising by one.
in_order() { # HOW MANY
    python3 - "$T/home-joao/malote.db" "$1" <<'CODE' || fail "not in order"
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT epoch, number, gap FROM messages WHERE ours = 0 AND peer = 'maria' ORDER BY row")
rows = list(rows)
print(rows)
assert [n for _, n, _ in rows] == list(range(1, int(sys.argv[2]) + 1))
assert len({e for e, _, _ in rows}) == 1 and not any(g for _, _, g in rows)
CODE
}
in_order 20

# many PREFIX STATUS: 20 at once, each to end with that status
many() {
    local n pid status
    senders=()
    for n in $(seq 20); do
        as maria send joao "$1 $n." </dev/null >"$T/send-$n.out" 2>&1 &
        senders+=($!)
    done
    for n in $(seq 20); do
        status=0
        wait "${senders[$((n - 1))]}" || status=$?
        [ "$status" -eq "$2" ] || { cat "$T/send-$n.out"; fail "$1 $n: exit $status"; }
    done
}
kill "$LISTEN_MARIA"
wait_for 10 gone "$LISTEN_MARIA"
many stored 0
stop_server
many kept 5
expect 3 as maria status --json
has "$T/out" '"outbox":20,"stored":20,"failed":0'
start_server
expect 0 as maria status --json
has "$T/out" '"outbox":0,"stored":40,"failed":0'
expect 0 as joao listen --count 40 --json
is "$(sed 's/.*"text":"//' "$T/out" | sort -u | wc -l)" 40
in_order 60
listen maria
LISTEN_MARIA=$LISTENER
send joao maria "and back"
wait_for 10 heard maria "and back"
kill "$LISTEN_MARIA"
