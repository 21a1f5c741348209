#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 6: who holds the client's own private key and certificate, or the server's key of
# yesterday, cannot play the server to that client.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
join maria
remember
interop peer adopt "$T/home-maria" "$T/py-maria"
hostile_servers 6 "$T/py-maria" "$D/ca/chaves.txt" "$T/pass"
has "$T/err" "authentication failed" # the server's certificate without its key comes last
unharmed
