#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# What the real client must not take from a server it has authenticated: records that do not open,
# come out of order, are unknown, malformed, or not for a client.  Each gets the same sealed alert,
# and the client ends with one line and shows no message.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

interop_start "$T/relay.out" peer relay python.test 1 everything_wrong
wait_for 10 grep -q malote:// "$T/relay.out"
as maria join "$(head -n 1 "$T/relay.out")" --name maria </dev/null
kinds=$(sed -n '/^WRONG = /,/^}/s/^    "\([a-z0-9_]*\)": .*/\1/p' "$ROOT/tests/interop/deeds.py")
[ "$(wc -w <<<"$kinds")" -ge 36 ] || fail "only $(wc -w <<<"$kinds") kinds"

for kind in $kinds; do
    status=0
    as maria listen --json --count 1 --timeout 20 </dev/null >"$T/out" 2>"$T/err" || status=$?
    wait_for 10 grep -q "^verdict: $kind: " "$T/relay.out"
    has "$T/relay.out" "verdict: $kind: alert protocol (sealed)"
    is "$kind $status" "$kind 4"
    is "$(grep -vc listening "$T/err")" 1
    [ ! -s "$T/out" ] || fail "$kind: $(cat "$T/out")"
done

# the very same relay does nothing wrong any more
listen maria --count 1
as maria send maria "still trusted" </dev/null
wait_for 10 heard maria "still trusted"
wait "$LISTENER"
