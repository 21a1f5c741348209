#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S7: the server makes an RSA pair per client and keeps it encrypted: one more line in the
# keystore, no private key in clear in any file of the server.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
before=$(wc -l <"$D/ca/chaves.txt")
as maria join "$URL" --name maria </dev/null
more_lines() {
    [ "$(wc -l <"$D/ca/chaves.txt")" -gt "$before" ]
}
wait_for 20 more_lines
for file in $(find "$D" -type f); do
    ! grep -qa 'PRIVATE KEY' "$file" || fail "a private key in clear in $file"
    # an RSA PKCS#8 in DER, by its algorithm identifier
    [[ $(hex_of "$file") != *02010030*06092a864886f70d010101*0500048* ]] ||
        fail "a PKCS#8 key in clear in $file"
done
