#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A full disk under the mailboxes: refused clearly and never acknowledged; who is here is served;
# with room again it goes on by itself, and nothing that was acknowledged is lost.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

small_disk 24m
D=$T/small/data
start_server
join maria joao pedro
expect 0 as maria send joao "while there was room"
is "$(interop peer join "$(invite ana)" ana "$T/py-ana")" "issued 0"

# All the room there is, to the last byte.
head -c 64M /dev/zero >"$T/small/filler" 2>/dev/null || true
interop peer fill "$T/py-ana" joao 60000 >"$T/sent"
has "$T/sent" "refused 5"
expect 5 as maria send joao "no room for this now"
has "$T/err" "the server cannot store messages now"

listen pedro --count 1
expect 0 as maria send pedro "live all the same" --wait delivered
wait "$LISTENER" || fail "pedro heard nothing"

rm "$T/small/filler"
is_stored() {
    as maria status >/dev/null 2>&1 </dev/null
    as maria outbox list --json >"$T/outbox" </dev/null
    [ "$(grep -c '"stored"' "$T/outbox")" -eq 2 ]
}
wait_for 20 is_stored
listen joao --count 2
wait "$LISTENER" || fail "the listener ended with status $?"
heard joao "while there was room" || fail "lost: $(cat "$T/heard-joao")"
heard joao "no room for this now" || fail "lost: $(cat "$T/heard-joao")"
serves
