#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A child that dies again and again: after 5 restarts in a minute maloted gives up, and says so.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
for _ in $(seq 12); do
    ! gone "$SERVER" || break
    pid=$(child_of "$SERVER" net || true)
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.5
    for _ in $(seq 100); do
        gone "$SERVER" && break
        [ "$(child_of "$SERVER" net || echo "$pid")" = "$pid" ] || break
        sleep 0.1
    done
done
wait_for 10 gone "$SERVER"
status=0
wait "$SERVER" || status=$?
is "$status" 1
grep -qi 'gives\? up\|giving up' "$T/server.log" || fail "not a word about it: $(tail -n 3 "$T/server.log")"
