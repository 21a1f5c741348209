#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S14: chaves.txt says on its first line how its key is derived, and its content is not readable.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
as maria join "$URL" --name maria </dev/null
stop_server
head -n 1 "$D/ca/chaves.txt" >"$T/first"
grep -qE 'scrypt 1024 8 1 [0-9a-f]{64} [0-9a-f]+ [0-9a-f]{64}$' "$T/first" ||
    fail "the first line does not describe itself: $(cut -c 1-60 "$T/first")"
# no key material in clear: no DER header of an RSA key, in no encoding the file uses
! grep -qE 'MII[A-Za-z0-9+/]{20}' "$D/ca/chaves.txt" || fail "base64 DER in the keystore"
hasnt "$D/ca/chaves.txt" 06092a864886f70d010101

printf '\n' >"$T/empty"
chmod 600 "$T/empty"
for wrong in "$(cat "$T/pass")x" "x" "$(head -c -2 "$T/pass")"; do
    (umask 077 && printf '%s\n' "$wrong" >"$T/wrong")
    expect 4 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/wrong"
    [ ! -s "$T/out" ] || fail "it listened"
done
status=0
timeout 30 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/empty" >"$T/out" 2>"$T/err" \
    </dev/null || status=$?
[ "$status" -eq 2 ] || [ "$status" -eq 6 ] || fail "an empty passphrase: exit $status"
start_server
as maria status </dev/null

# the floor of the cost is said loudly, and below it there is none
grep -qi 'cost' "$T/server.log" || fail "no notice of the cheap cost"
expect 2 maloted --data "$T/other" --listen 127.0.0.1:0 --passphrase-file "$T/pass" --kdf-cost 512
