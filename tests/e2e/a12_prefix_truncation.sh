#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 12: frames injected or dropped before the keys are on, or as the first under a key:
# every sequence starts at 0, the transcript holds all, and what is not known is refused.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
join maria
interop peer adopt "$T/home-maria" "$T/py-maria"
remember
hostile_clients 12 'AUTH|UNEXPECTED|TRAILING' "$URL"
hostile_servers 12 "$T/py-maria" "$D/ca/chaves.txt" "$T/pass"
unharmed
