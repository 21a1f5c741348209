#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S6: the name and the RSA public key are inside the encrypted part; the CA certifies the key the
# client asked for with a signed PKCS#10.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
proxy --record "$T/wire"
url=$(invite maria.silva)
as maria join "$(url_via "$url" "$PROXY")" --name maria.silva </dev/null
name=$(printf maria.silva | hex_of)
ca show maria.silva | openssl x509 -out "$T/maria.pem"
modulus=$(openssl x509 -in "$T/maria.pem" -noout -modulus | sed 's/Modulus=//' | tr A-F a-f)
is "$(openssl rsa -in "$T/home-maria/key" -noout -modulus |
    sed 's/Modulus=//' | tr A-F a-f)" "$modulus"
for file in "$T"/wire.*.up "$T"/wire.*.down; do
    [ -s "$file" ] || fail "nothing was recorded"
    seen=$(hex_of "$file")
    [[ $seen != *"$name"* ]] || fail "the name is readable in $file"
    [[ $seen != *"${modulus:64:64}"* ]] || fail "the public key is readable in $file"
done
