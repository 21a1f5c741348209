#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S12: the CA's pair: RSA-2048, larger by option, encrypted in the keystore.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria
openssl x509 -in "$T/home-maria/ca.pem" -noout -text >"$T/ca.txt"
has "$T/ca.txt" "Public-Key: (2048 bit)"
has "$T/ca.txt" "CA:TRUE, pathlen:0"
has "$T/ca.txt" "Certificate Sign, CRL Sign"
[ "$(wc -l <"$D/ca/chaves.txt")" -ge 2 ] || fail "the keystore has no entry"
hasnt "$D/ca/chaves.txt" "PRIVATE"
