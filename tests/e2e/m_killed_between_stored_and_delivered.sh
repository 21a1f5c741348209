#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What was said to be stored is there, whoever is killed: net, then all of the server at once.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
as maria send joao "before net dies" </dev/null
kill -9 "$(child_of "$SERVER" net)"
as maria send joao "after net died" --wait stored </dev/null ||
    wait_for 20 as maria send joao "after net died, again" </dev/null
pids=("$SERVER" "$(child_of "$SERVER" net)" "$(child_of "$SERVER" ca)")
kill -9 "${pids[@]}"
for pid in "${pids[@]}"; do
    wait_for 10 gone "$pid"
done
start_server
grep -qE 'mailboxes with mail: 1, messages in them: [23]$' "$T/server.log" || fail "not counted at start"
listen joao --timeout 20s --count 2
wait "$LISTENER" || fail "the listener ended with status $?"
heard joao "before net dies" || fail "lost: $(cat "$T/heard-joao")"
heard joao "after net died" || heard joao "after net died, again" || fail "lost: $(cat "$T/heard-joao")"
is "$(grep -c "before net dies" "$T/heard-joao")" 1
