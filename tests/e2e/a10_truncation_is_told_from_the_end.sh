#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 10: the connection cut at many places of the conversation: the client says that it
# was cut, and never that all went well; the recipient gets the message whole or not at all, and
# what was not answered is kept.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
proxy --record "$T/wire"
join maria joao
listen joao
rehome maria via "$PROXY"
as via send joao "the whole message" </dev/null
up=$(stat -c %s "$T/wire.0.up")
down=$(stat -c %s "$T/wire.0.down")
last=$(awk '$1 == 0 && $2 == "down" && $4 == 16 { at = $6 + $5 + 4 } END { print at }' "$T/wire.frames")
kill "$PROXY_PID"

cut_at() { # DIRECTION OFFSET
    local status=0
    proxy --cut "$1:-:$2"
    rehome maria via "$PROXY"
    timeout 40 malote --home "$T/home-via" send joao "cut $1 $2" >"$T/out" 2>"$T/err" </dev/null ||
        status=$?
    kill "$PROXY_PID"
    if [ "$status" -eq 0 ]; then
        # only where the answer had arrived before the cut
        grep -qF "cut $1 $2" "$T/heard-joao" || fail "cut at $1 $2: silent success, nothing delivered"
    else
        [ "$status" -eq 5 ] || { cat "$T/err"; fail "cut at $1 $2: exit $status"; }
        one_line "$T/err"
        has "$T/err" "kept in the outbox for joao"
    fi
}
for at in 0 1 3 4 100 420 423 424 425 600 8000 8649 8652 8656 8700; do
    [ "$at" -ge "$up" ] || cut_at up "$at"
done
for at in 0 2 4 40 430 433 434 500 1500 2500 $((down - 60)) $((down - 38)); do
    [ "$at" -ge "$down" ] || cut_at down "$at"
done
[ "$last" -gt 0 ]

# a listener whose line is cut says so too
proxy --cut "down:3:10"
rehome joao ear "$PROXY"
status=0
timeout 40 malote --home "$T/home-ear" listen --count 1 --timeout 3 >"$T/out" 2>"$T/err" </dev/null &
ear=$!
STARTED+=("$ear")
sleep 1
as maria send joao "for a cut line" </dev/null >/dev/null 2>&1 || true
wait "$ear" || status=$?
[ "$status" -ne 0 ] || grep -q "for a cut line" "$T/out" || fail "the listener saw nothing and ended well"
serves
