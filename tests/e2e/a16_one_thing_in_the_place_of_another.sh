#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 16: signatures, certificates, keys and proofs made for one purpose and shown for
# another, also such as only the real CA's key could make: refused by prefix, role and context; the
# invite that they were tried on is still good.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
join maria
interop peer adopt "$T/home-maria" "$T/py-maria"
remember
url=$(invite --count 1)
hostile_clients 16 'AUTH|CERT_ROLE|CERT_PROFILE|REFUSED' "$url" "$D/ca/chaves.txt" "$T/pass"
is "$(grep -c '^proof_' "$T/verdicts")" 6
has "$T/verdicts" honest_proof
hostile_servers 16 "$T/py-maria" "$D/ca/chaves.txt" "$T/pass"
unharmed
