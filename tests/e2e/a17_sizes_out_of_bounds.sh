#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 17: lengths of nothing, one too many, 2^24-1 and 2^31, in frames, sealed handshake
# messages and records: refused by their bound.  The largest numbers a message may have are taken.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
join maria
interop peer adopt "$T/home-maria" "$T/py-maria"
remember
hostile_clients 17 'RANGE|TRUNCATED|TRAILING' "$URL"
hostile_servers 17 "$T/py-maria" "$D/ca/chaves.txt" "$T/pass"
unharmed
