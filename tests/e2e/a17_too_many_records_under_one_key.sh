#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 17: 2^20 records under one key are taken, the next one is refused: by the server from a
# client, by the client from a server.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
interop sessions overruns "$T/py-mallory" >"$T/out"
has "$T/out" "alert protocol (sealed)"
wait_for 5 grep -q "connection $(head -c 8 "$T/out") .* ended: MLT_ERR_REKEY" "$T/server.log"
unharmed

interop_start "$T/relay.out" peer relay python.test 1 worn_out
wait_for 10 grep -q malote:// "$T/relay.out"
as ana join "$(cat "$T/relay.out")" --name ana </dev/null
expect 4 as ana listen --count 1 --timeout 60
has "$T/err" "beyond its limits"
wait_for 5 grep -q "^verdict: worn_out: alert protocol (sealed)" "$T/relay.out"
