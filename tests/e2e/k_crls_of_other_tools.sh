#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rows 21, 22, 24 and 52: revocation lists that other tools make with our CA's own key.  One that
# `openssl ca` makes by our profile is read; what it, GnuTLS and python-cryptography make by theirs,
# or with one thing wrong in it, is refused, and for the reason that it should be.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

for tool in openssl certtool; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done

make_pki "$T/pki"
cd -- "$T/pki"

says() { # FILE WANTED...
    is "$1: $(read_crl ca.der "$1" | cut -d' ' -f2-)" "$1: ${*:2}"
}

# ---- openssl ca ----

cat >ca.cnf <<'END'
[ca]
default_ca = own
[own]
database = index.txt
crlnumber = crlnumber
default_crl_days = 7
default_md = sha256
crl_extensions = profile
[profile]
authorityKeyIdentifier = keyid:always
[with_issuer]
authorityKeyIdentifier = keyid:always, issuer:always
[with_alternative]
authorityKeyIdentifier = keyid:always
issuerAltName = email:ca@malote.internal
[without_key_id]
issuerAltName = email:ca@malote.internal
[partial]
authorityKeyIdentifier = keyid:always
issuingDistributionPoint = critical, @users
[users]
onlyuser = TRUE
[delta]
authorityKeyIdentifier = keyid:always
deltaCRL = critical, DER:020101
END
echo 1A2B >crlnumber
: >index.txt
PSS=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32)

openssl_list() { # OUT OPTION...
    local out=$1
    shift
    openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -out "$T/pem" "$@" \
        >"$T/out" 2>&1 || { cat "$T/out"; fail "openssl ca -gencrl $*"; }
    openssl crl -in "$T/pem" -outform DER -out "$out"
}

openssl_list empty.der "${PSS[@]}"
says empty.der MLT_OK 6699 0
for name in client server; do
    openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke "$name.pem" \
        -crl_reason "$([ $name = client ] && echo keyCompromise || echo superseded)" \
        >"$T/out" 2>&1 || { cat "$T/out"; fail "openssl ca -revoke"; }
done
openssl_list two.der "${PSS[@]}"
says two.der MLT_OK 6700 2
openssl_list month.der "${PSS[@]}" -crldays 30
says month.der MLT_OK 6701 2

openssl_list longer.der "${PSS[@]}" -crldays 31
openssl_list pkcs1.der
openssl_list salt_of_20.der -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20
openssl_list sha384.der "${PSS[@]}" -md sha384
openssl_list with_issuer.der "${PSS[@]}" -crlexts with_issuer
openssl_list with_alternative.der "${PSS[@]}" -crlexts with_alternative
openssl_list without_key_id.der "${PSS[@]}" -crlexts without_key_id
openssl_list partial.der "${PSS[@]}" -crlexts partial
openssl_list delta.der "${PSS[@]}" -crlexts delta
sed -i 's/^crlnumber/#crlnumber/' ca.cnf
openssl_list without_number.der "${PSS[@]}"
sed -i 's/^crl_extensions/#crl_extensions/' ca.cnf
openssl_list version_1.der "${PSS[@]}"
for name in longer pkcs1 salt_of_20 sha384 with_issuer with_alternative without_key_id partial \
    delta without_number version_1; do
    says "$name.der" MLT_ERR_CRL
done

# Another CA of the same name, by its own key id and by ours (row 22).
sed -i 's/^#//' ca.cnf
openssl ca -config ca.cnf -cert twin.pem -keyfile twin.key -gencrl -out "$T/pem" "${PSS[@]}" \
    >"$T/out" 2>&1
openssl crl -in "$T/pem" -outform DER -out twin.der
says twin.der MLT_ERR_CRL_FOREIGN
says bad_crl/twin_ca.der MLT_ERR_CRL_SIGNATURE
says bad_crl/issuer_printable.der MLT_ERR_CRL_FOREIGN

# ---- certtool: RSA-PKCS#1, and a number of its own ----

printf 'crl_next_update = 7\ncrl_number = 7\n' >template
certtool --generate-crl --load-ca-privkey ca.key --load-ca-certificate ca.pem \
    --load-certificate client.pem --template template --outder --outfile certtool.der \
    >"$T/out" 2>&1 || { cat "$T/out"; fail "certtool --generate-crl"; }
says certtool.der MLT_ERR_CRL

# ---- python-cryptography ----

/usr/bin/python3 - <<'END'
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

with open("ca.key", "rb") as f:
    key = load_pem_private_key(f.read(), None)
with open("ca.pem", "rb") as f:
    ca = x509.load_pem_x509_certificate(f.read())
now = datetime.datetime(2026, 11, 23)
made = (
    x509.CertificateRevocationListBuilder()
    .issuer_name(ca.subject)
    .last_update(now)
    .next_update(now + datetime.timedelta(7))
    .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
    .add_extension(x509.CRLNumber(7), False)
    .sign(key, hashes.SHA256())
)
with open("python.der", "wb") as f:
    f.write(made.public_bytes(encoding=x509.base.serialization.Encoding.DER))
END
# Its key id is the one of SHA-1, which no CA of ours has.
says python.der MLT_ERR_CRL_FOREIGN

# ---- bytes ----

head -c 300 two.der >cut.der
cat two.der empty.der >two_of_them.der
openssl crl -in two.der -inform DER -out two.pem
cp two.pem of_pem.der
: >nothing.der
head -c 100000 /dev/zero >zeros.der
for name in cut two_of_them of_pem nothing zeros; do
    says "$name.der" MLT_ERR_ENCODING
done
says client.der MLT_ERR_CRL
while read -r name wanted; do
    says "bad_crl/$name.der" "$wanted"
done <bad_crl/expected.txt
