#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S16: forward-secret, mutual, downgrade-proof.  A recorded conversation replayed says nothing;
# a changed bit in any message of the handshake ends it.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
# ServerHello: version, random, p, g; ServerAuth: Ys, ciphertext; ClientHello: random, Yc; ClientAuth
for place in down:0:5 down:0:10 down:0:60 down:0:424 down:1:50 down:1:500 up:0:10 up:0:60 up:1:30; do
    proxy --flip "$place"
    name=f$(tr -dc 'a-z0-9' <<<"$place")
    status=0
    as "$name" join "$(url_via "$(invite "$name")" "$PROXY")" --name "$name" >"$T/out" 2>"$T/err" \
        </dev/null || status=$?
    [ "$status" -ne 0 ] || fail "a flipped bit at $place, and the handshake went on"
    one_line "$T/err"
    kill "$PROXY_PID"
done
ca list >"$T/list"
hasnt "$T/list" fdown
hasnt "$T/list" fup

# what one client said, said again by somebody else
proxy --record "$T/wire"
as maria join "$(url_via "$URL" "$PROXY")" --name maria </dev/null
is "$(grep -c . <(raw_peer "127.0.0.1:$PORT" hex "$(hex_of -N 424 "$T/wire.0.up")"))" 1
serves
