#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Receipts for other people's mail and for none, a flood of them, notes of what nobody said, records
# that are malformed, more streams than a server remembers, a receiver that never reads: the others
# notice nothing.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
for name in ana bia mallory; do
    is "$(interop peer join "$(invite "$name")" "$name" "$T/py-$name")" "issued 0"
done
remember
for scenario in receipts_for_others receipts_for_nothing read_flood bad_records many_streams \
    never_reads; do
    interop mail "$scenario" "$T/py-ana" "$T/py-bia" "$T/py-mallory" >"$T/out" 2>&1 ||
        fail "$scenario: $(tail -n 4 "$T/out")"
done
unharmed
