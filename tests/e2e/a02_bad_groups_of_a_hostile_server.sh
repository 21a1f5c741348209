#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 2: weak, random, huge, one-bit-off groups and generators 0, 1, p-1: refused by look-up
# in RFC 7919's table, without arithmetic on them, and nothing of the client's is sent.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
url=$(invite maria)
for kind in p512 random2048 random3072 huge g0 g1 g5 one_bit p-1 p0 ffdhe2048; do
    : >"$T/peer"
    raw_peer serve "$kind" >"$T/peer" 2>"$T/peer.log" &
    peer=$!
    STARTED+=("$peer")
    wait_for 5 grep -q listening "$T/peer"
    port=$(sed -n 's/^listening on //p' "$T/peer")
    status=0
    before=$(date +%s%N)
    timeout 30 malote --home "$T/home-$kind" join "$(url_via "$url" "$port")" --name maria \
        >"$T/out" 2>"$T/err" </dev/null || status=$?
    took=$((($(date +%s%N) - before) / 1000000))
    # The client's own key (S5) takes up to seconds to make; judging the group takes nothing.
    [ "$took" -lt 8000 ] || fail "$kind took $took ms"
    [ "$status" -ne 0 ] && [ "$status" -lt 10 ] || fail "$kind: exit $status"
    one_line "$T/err"
    wait_for 5 gone "$peer"
    grep -qE '^(alert [0-9]+|closed) in ' "$T/peer" || fail "$kind: the client answered: $(cat "$T/peer")"
done
as maria join "$url" --name maria </dev/null
serves
