#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S5: the pair is made once, on the client's side, 2048 bits or more by option, and never leaves.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
proxy --record "$T/wire"
as maria join "$(url_via "$URL" "$PROXY")" --name maria </dev/null
key=$T/home-maria/key
is "$(stat -c %a "$key")" 600
is "$(stat -c %a "$T/home-maria")" 700
bits=$(openssl pkey -in "$key" -noout -text | sed -n 's/.*Private-Key: (\([0-9]*\) bit.*/\1/p')
is "$bits" 2048

# neither the server's files nor the wire hold its private prime
openssl rsa -in "$key" -noout -text 2>/dev/null >"$T/key.txt"
prime=$(awk '/^prime1:/ { on = 1; next } /^prime2:/ { on = 0 } on' "$T/key.txt" |
    tr -d ' :\n' | sed 's/^00//')
[ "${#prime}" -ge 256 ] || fail "could not read the key"
for file in "$T"/wire.*.up "$T"/wire.*.down $(find "$D" -type f); do
    [[ $(hex_of "$file") != *"$prime"* ]] || fail "the private key is in $file"
done
