#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Somebody who is not connected: the sender is told so plainly, and the exit code is 1.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
expect 1 as maria send joao "are you there"
one_line "$T/err"
grep -qi 'away\|not connected' "$T/err" || fail "not plain: $(cat "$T/err")"
expect 1 as maria send joao "are you there" --json
grep -qE '^\{"type":"sent","to":"joao","id":"[0-9a-f]{32}","state":"refused"' "$T/out" ||
    fail "not the JSON line: $(cat "$T/out")"
listen joao --count 1
send maria joao "now you are"
wait_for 10 heard joao "now you are"
hasnt "$T/heard-joao" "are you there"
