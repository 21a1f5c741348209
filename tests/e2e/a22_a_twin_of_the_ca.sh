#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 22: another CA with the same name and serial, and certificates with the victim's name,
# serial and validity: its key decides, on both sides.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
join maria
interop peer adopt "$T/home-maria" "$T/py-maria"
remember
hostile_clients 22 'CERT_FOREIGN|CERT_SIGNATURE' "$URL"
hostile_servers 22 "$T/py-maria" "$D/ca/chaves.txt" "$T/pass"
unharmed
