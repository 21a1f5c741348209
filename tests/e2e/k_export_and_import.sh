#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The CA as PKCS#12: openssl reads it, key and certificate belong together; import makes a CA of it
# in an empty DATA, which clients of the old one trust, and in which names are enrolled anew.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

(umask 077 && echo "for the other program" >"$T/p12pass")

start_server
join maria
sees_a_ledger() {
    as maria status 2>&1 </dev/null | grep -qE 'ledger +[0-9]+ entries'
}
wait_for 10 sees_a_ledger
expect 3 offline export "$T/ca.p12" --export-passphrase-file "$T/p12pass"
has "$T/err" "stop it first"
stop_server
expect 2 setsid -w malote-ca --data "$D" --passphrase-file "$T/pass" export "$T/ca.p12"
has "$T/err" "--export-passphrase-file"
expect 4 malote-ca --data "$D" --passphrase-file "$T/p12pass" export "$T/ca.p12" \
    --export-passphrase-file "$T/p12pass"
[ ! -e "$T/ca.p12" ] || fail "a file without a passphrase"
expect 0 offline export "$T/ca.p12" --export-passphrase-file "$T/p12pass"
is "$(stat -c %a "$T/ca.p12")" 600
expect 6 offline export "$T/ca.p12" --export-passphrase-file "$T/p12pass"
expect 2 offline export - --export-passphrase-file "$T/p12pass"
is "$(wc -c <"$T/out")" 0

# Another program's view.
openssl pkcs12 -in "$T/ca.p12" -passin "file:$T/p12pass" -nodes -out "$T/ca.pem" 2>"$T/err" ||
    { cat "$T/err"; fail "openssl cannot read it"; }
openssl pkcs12 -in "$T/ca.p12" -passin "file:$T/p12pass" -noout -info 2>"$T/info"
has "$T/info" "AES-256-CBC, Iteration 600000, PRF hmacWithSHA256"
openssl pkey -in "$T/ca.pem" -pubout >"$T/pub1"
openssl x509 -in "$T/ca.pem" -noout -pubkey | cmp - "$T/pub1" || fail "key and certificate differ"
CA=$(openssl pkey -pubin -in "$T/pub1" -outform DER | sha256sum | cut -d' ' -f1)
! openssl pkcs12 -in "$T/ca.p12" -passin pass:wrong -nodes >/dev/null 2>&1 || fail "any passphrase"

# Where a CA is it does not go; with a wrong passphrase nowhere; not every file is one.
expect 1 offline import "$T/ca.p12" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
has "$T/err" "there is a CA"
D=$T/imported
expect 4 offline import "$T/ca.p12" --export-passphrase-file "$T/pass" --kdf-cost 1024
expect 6 offline import "$T/ca.pem" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
[ ! -e "$D/ca" ] && [ ! -e "$D/ca.new" ] || fail "something was left"
mkfifo "$T/fifo"
expect 6 offline import "$T/fifo" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
has "$T/err" "it is not a regular file"
expect 2 offline import '' --export-passphrase-file "$T/p12pass" --kdf-cost 1024
head -c 3000000 /dev/zero >"$T/long"
expect 6 offline import "$T/long" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
has "$T/err" "is no PKCS#12 file"
# A key whose certificate is no root of ours.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/k" -out "$T/c" -subj /CN=x -days 9 2>/dev/null
openssl pkcs12 -export -inkey "$T/k" -in "$T/c" -out "$T/bad.p12" -passout "file:$T/p12pass" \
    -certpbe AES-256-CBC -keypbe AES-256-CBC -macalg sha256 -iter 600000
expect 6 offline import "$T/bad.p12" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
one_line "$T/err"
[ ! -e "$D/ca" ] && [ ! -e "$D/ca.new" ] || fail "something was left"

expect 0 offline import "$T/ca.p12" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
has "$T/out" "enrolled anew"
has "$T/out" "net still knew: 0;"
# Nothing here says who was revoked.
one_line "$T/err"
has "$T/err" "WARNING: there is no revocation list"
expect 0 offline audit
LISTEN=127.0.0.1:$PORT
start_server
URL=$(invite joao)
has <(echo "$URL") "$CA"
join joao
# A certificate of the same CA that is in no ledger any more lets nobody in.
sed -i "s/^port .*/port $PORT/" "$T/home-maria/server"
expect 1 as maria status
has "$T/err" "revoked"
serves
stop_server
