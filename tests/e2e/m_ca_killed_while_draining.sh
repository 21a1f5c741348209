#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ca dies while a mailbox is read: what is left comes when it is back, in order.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

COUNT=600 # three segments
start_server
join joao
is "$(interop peer join "$(invite maria)" maria "$T/py-maria")" "issued 0"
mapfile -t texts < <(seq -f 'message %g' "$COUNT")
interop peer send "$T/py-maria" joao "${texts[@]}" >"$T/sent"
is "$(grep -c '^stored' "$T/sent")" "$COUNT"

kill -9 "$(child_of "$SERVER" ca)"
listen joao --count "$COUNT"
wait_for 20 heard joao "message 10"
kill -9 "$(child_of "$SERVER" ca)" || true
wait "$LISTENER" || fail "the listener ended with status $?: $(tail -n 3 "$T/listen-joao.log")"
grep -o '"text":"message [0-9]*"' "$T/heard-joao" | diff - \
    <(seq -f '"text":"message %g"' "$COUNT") || fail "not all, once, in order"
