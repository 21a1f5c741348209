#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Through the real server, Python to malote and malote to Python: text, the empty and the largest
# body, receipts and outcomes.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria
is "$(interop peer join "$(invite joao)" joao "$T/py-joao")" "issued 0"

listen maria --count 4
for text in "bom dia, maria" 'olá ☂ "quoted" \ back' ""; do
    interop peer send "$T/py-joao" maria "$text" >"$T/sent"
    [[ $(cat "$T/sent") == "delivered 0 "* ]] || fail "not delivered: $(cat "$T/sent")"
    has "$T/heard-maria" "$(cut -d ' ' -f 3 "$T/sent")" # the id
done
[[ $(interop peer fill "$T/py-joao" maria 65536) == "delivered 0 "* ]] || fail "the largest body"
wait "$LISTENER" || fail "the listener ended with status $?"
large=$(printf 'x%.0s' $(seq 65536))
for text in "bom dia, maria" 'ol\u00E1 \u2602 \"quoted\" \\ back' "" "$large"; do
    heard maria "$text" || fail "not heard: ${text:0:40}"
done
is "$(grep -c '"from":"joao"' "$T/heard-maria")" 4

# nobody of that name; somebody who is away, and gets it later
is "$(interop peer send "$T/py-joao" nobody hello | cut -d ' ' -f 1-2)" "refused 1"
is "$(interop peer send "$T/py-joao" maria "for later" | cut -d ' ' -f 1-2)" "stored 0"
listen maria --count 1
wait "$LISTENER" || fail "the listener ended with status $?"
heard maria "for later" || fail "not heard: for later"

interop_start "$T/py.out" peer listen "$T/py-joao" 4
wait_for 10 grep -q listening "$T/py.out"
as maria send joao "bom dia, joao" </dev/null >"$T/out"
as maria send joao "olá ☂" </dev/null >"$T/out"
head -c 65536 /dev/zero | tr '\0' y | as maria send joao - >"$T/out"
is "$(interop peer send "$T/py-joao" joao "to myself" | cut -d ' ' -f 1-2)" "delivered 0"
wait "$INTEROP" || fail "the Python listener ended with status $?"
printf '%s\n' listening "maria 1 bom dia, joao" "maria 2 olá ☂" "maria 3 65536 bytes" \
    "joao 1 to myself" >"$T/expected"
diff "$T/py.out" "$T/expected"
serves
