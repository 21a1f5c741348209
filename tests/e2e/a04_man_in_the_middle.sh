#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 4: somebody between with Diffie-Hellman keys of his own on both sides, who has the
# server's certificate and its signature, but not its key.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
url=$(invite maria)
for kind in own_values own_random own_signature; do
    : >"$T/mitm.out"
    mitm "127.0.0.1:$PORT" "$kind" >"$T/mitm.out" 2>"$T/mitm.log" &
    STARTED+=($!)
    wait_for 5 grep -q listening "$T/mitm.out"
    port=$(sed -n 's/^listening on //p' "$T/mitm.out")
    expect 4 as "maria-$kind" join "$(url_via "$url" "$port")" --name maria
    one_line "$T/err"
    wait_for 5 grep -q "^client: " "$T/mitm.out"
    has "$T/mitm.out" "client: alert"
done
hasnt "$T/server.log" maria
as maria join "$url" --name maria </dev/null
serves
