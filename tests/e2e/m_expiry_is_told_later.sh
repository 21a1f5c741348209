#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A message that nobody came for: it goes, and its sender hears of it at whatever command is next.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --mailbox-life 2s
join maria joao
expect 0 as maria send joao "too late for this"
is_told() {
    as maria status >"$T/status" 2>&1 </dev/null
    grep -qF "waited for too long" "$T/status"
}
wait_for 20 is_told
# Told once, kept in the history, and not delivered any more.
as maria status >"$T/status" 2>&1 </dev/null
hasnt "$T/status" "waited for too long"
has "$T/status" "did not arrive"
expect 7 as joao listen --json --count 1 --timeout 2s
hasnt "$T/out" "too late for this"

# Another life holds for what is stored already, too.
stop_server
start_server --mailbox-life 1d
expect 0 as maria send joao "for a day"
stop_server
start_server --mailbox-life 1s
wait_for 20 is_told
has "$T/status" "'for a day'"
expect 7 as joao listen --json --count 1 --timeout 1s
