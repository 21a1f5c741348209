#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The second implementation joins the real server: with the first invite, with one bound to a name,
# with keys of two sizes, by approval; once certified it logs in, and gets the same certificate when
# it asks again.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
is "$(interop peer join "$URL" maria "$T/py-maria")" "issued 0"
[[ $(interop peer status "$T/py-maria") == "logged in, "* ]] || fail "maria cannot log in"
is "$(interop peer join "$(invite joao)" joao "$T/py-joao" 3072)" "issued 0"
is "$(interop peer join "$(invite --count 1)" ana "$T/py-ana")" "issued 0"
for name in joao ana; do
    interop peer status "$T/py-$name" >"$T/out"
done

# the same key again, with its used invite and without any
cp "$T/py-maria/certificate" "$T/first"
is "$(interop peer join "$URL" maria "$T/py-maria")" "issued 0"
cmp "$T/first" "$T/py-maria/certificate"
is "$(interop peer join "${URL%/*}" maria "$T/py-maria")" "issued 0"
cmp "$T/first" "$T/py-maria/certificate"

# others are refused, each with its reason
is "$(interop peer join "$URL" pedro "$T/py-pedro")" "refused 3"
is "$(interop peer join "${URL%/*}" pedro "$T/py-pedro")" "refused 4"
is "$(interop peer join "$(invite pedro)" paulo "$T/py-paulo")" "refused 3"
is "$(interop peer join "$(invite --count 1)" maria "$T/py-other")" "refused 1"
is "$(interop peer join "$(invite --count 1)" relay "$T/py-relay")" "refused 2"
is "$(interop peer join "$(invite --count 1)" maria.silva "$T/py-maria")" "refused 6"
for name in pedro paulo other relay; do
    [ ! -e "$T/py-$name" ] || fail "a certificate for $name"
done
is "$(certified | wc -l)" 3

# what a stranger's tool makes of the certificate
openssl x509 -inform DER -in "$T/py-joao/certificate" -noout -subject >"$T/out"
has "$T/out" "CN = joao"
serves

# with an administrator's approval: first pending, then the certificate
stop_server
start_server --enrol approve
plain="malote://127.0.0.1:$PORT/$(interop peer pin "$T/py-maria")"
is "$(interop peer join "$plain" rita "$T/py-rita")" "pending 0"
is "$(interop peer join "$plain" rita "$T/py-rita")" "pending 0"
ca approve rita "$(interop peer fingerprint "$T/py-rita")" >"$T/out"
is "$(interop peer join "$plain" rita "$T/py-rita")" "issued 0"
[[ $(interop peer status "$T/py-rita") == "logged in, "* ]] || fail "rita cannot log in"
