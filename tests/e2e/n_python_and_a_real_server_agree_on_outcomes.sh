#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A sender of the second implementation and the real server: one id is one message however often it
# is sent, a passing refusal keeps later numbers back, and what became of stored mail is said to
# every session and at every login until it is noted.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
for name in ana bia mallory; do
    is "$(interop peer join "$(invite "$name")" "$name" "$T/py-$name")" "issued 0"
done
for scenario in resends adopted duplicates busy notices to_every_session read; do
    interop mail "$scenario" "$T/py-ana" "$T/py-bia" "$T/py-mallory" >"$T/out" 2>&1 ||
        fail "$scenario: $(tail -n 4 "$T/out")"
done
serves
