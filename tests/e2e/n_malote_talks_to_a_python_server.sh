#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The real client at a server of the second implementation: it joins, sends, listens, takes REKEYs
# after every second record, says REKEY itself when its key is worn, and is told why a session ends.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# relay DEED REKEY_EVERY: URLS are its three invites.
relay() {
    interop_start "$T/relay.out" peer relay python.test 3 "$@"
    wait_for 10 has_urls
    mapfile -t URLS <"$T/relay.out"
}
has_urls() { [ "$(grep -c '^malote://' "$T/relay.out")" -eq 3 ]; }

relay none 2
as maria join "${URLS[0]}" --name maria </dev/null >"$T/out"
has "$T/out" "maria@python.test"
as joao join "${URLS[1]}" --name joao </dev/null
openssl verify -x509_strict -CAfile "$T/home-maria/ca.pem" "$T/home-maria/certificate.pem"
expect 1 as pedro join "${URLS[0]}" --name pedro # its invite is used
expect 0 as maria send joao "nobody there"
as maria status </dev/null

listen joao --count 8
for n in 1 2 3 4 5 6; do
    send maria joao "message $n" >"$T/out"
done
head -c 65536 /dev/zero | tr '\0' y | as maria send joao - >"$T/out"
wait "$LISTENER" || fail "the listener ended with status $?"
for n in 1 2 3 4 5 6; do
    heard joao "message $n" || fail "message $n"
done
heard joao "nobody there"
has "$T/relay.out" "forward: maria to joao: 65536 bytes"

listen maria --count 1
expect 0 as maria send maria "to myself"
wait "$LISTENER"
kill "$INTEROP"

relay rekeys 0
as ana join "${URLS[0]}" --name ana </dev/null
listen ana --count 5
wait "$LISTENER" || fail "the listener ended with status $?"
for n in 1 3 5 7 9; do
    heard ana "under key $n" || fail "nothing under key $n"
done
kill "$INTEROP"

relay stops 0
as bia join "${URLS[0]}" --name bia </dev/null
status=0
as bia listen --count 1 --timeout 2 </dev/null >"$T/out" 2>"$T/err" || status=$?
is "$status" 7
[ "$(grep -c 'result 2' "$T/relay.out")" -gt 1 ] || fail "it did not come back to it"
kill "$INTEROP"

relay cuts 0
as caio join "${URLS[0]}" --name caio </dev/null
expect 5 as caio send caio "into a cut line"
has "$T/err" "kept in the outbox for caio (the next send, listen, chat or status sends it): lost the connection to "
one_line "$T/err"
kill "$INTEROP"

relay pings 0
as dora join "${URLS[0]}" --name dora </dev/null
: >"$T/heard-dora"
as dora listen --json --count 1 --timeout 80 </dev/null >"$T/heard-dora"
heard dora "still here"
wait_for 5 grep -q "gone: dora rekeys 1" "$T/relay.out"
