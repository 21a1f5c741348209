#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 5: an enrolled attacker puts its own certificate, signature or Finished where the
# victim's was, shows a certificate without its key, asks for one over somebody else's key.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
hostile_clients 5 'AUTH|REQUEST' "$URL"
unharmed
