#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chaves.txt, the leaves of ledger.db and a client's protected key, read from sections 9 and 10 of
# PROTOCOL.md alone; a changed digit or another passphrase is noticed.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
printf 'um malote de %s\n' palavras >"$T/client-pass"
join maria
timeout 60 malote --home "$T/home-joao" --passphrase-file "$T/pass" \
    join "$(invite joao)" --name joao --protect </dev/null
mailboxes() { [ "$(grep -c '^mailbox ' "$D/ca/chaves.txt")" -ge 2 ]; }
wait_for 20 mailboxes
stop_server

interop read_store "$D" "$T/pass" "$T/home-joao/key" >"$T/out"
has "$T/out" "keystore: ca-certificate/ca ca-key/ca mailbox/joao mailbox/maria"
has "$T/out" "leaf 0 ca "
has "$T/out" "leaf 1 crl 1"
has "$T/out" "leaf 2 server relay"
has "$T/out" "leaf 3 client maria"
has "$T/out" "leaf 4 client joao"
has "$T/out" "key $(openssl x509 -in "$T/home-joao/certificate.pem" -noout -pubkey |
    openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)"

K=$D/ca/chaves.txt
cp "$K" "$T/good"
for line in 1 2 4; do
    digit=$(sed -nE "${line}s/.*(.)\$/\1/p" "$T/good" | tr '0-9a-f' '1-9a-f0')
    sed -E "${line}s/.\$/$digit/" "$T/good" >"$K"
    ! cmp -s "$K" "$T/good" || fail "line $line: nothing was changed"
    expect 1 interop read_store "$D" "$T/pass"
done
cat "$T/good" >"$K"
expect 1 interop read_store "$D" "$T/client-pass"
interop read_store "$D" "$T/pass" >"$T/out"
