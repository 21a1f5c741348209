#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rekeying between the two implementations: the real server takes twenty REKEYs, and one that is the
# very last record a secret may seal; it says REKEY itself before its own 2^20th record.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
is "$(interop peer join "$URL" maria "$T/py-maria")" "issued 0"
for scenario in rekeys wears_out; do
    interop sessions "$scenario" "$T/py-maria" >"$T/$scenario"
done
has "$T/rekeys" "20 keys"
has "$T/wears_out" "the server changed its key"
serves
