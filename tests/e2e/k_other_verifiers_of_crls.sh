#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A revocation list as our CA signs it is read, verified and obeyed by PKIX tools that know nothing
# of malote: OpenSSL in strict mode, GnuTLS, NSS and python-cryptography; so is the CA's key and
# certificate as PKCS#12.  Lists that are bad for anyone, not for our profile alone, they refuse.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

for tool in openssl certtool certutil crlutil vfychain pk12util; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done

make_pki "$T/pki"
cd -- "$T/pki"

nss() { # NAME: a database of its own that trusts our CA
    mkdir "$T/$1"
    certutil -N -d "sql:$T/$1" --empty-password
    certutil -A -d "sql:$T/$1" -n malote -t CT,C,C -i ca.pem
}

by_openssl() { # LIST CERTIFICATE
    openssl verify -x509_strict -no-CApath -no-CAstore -CAfile ca.pem -crl_check -CRLfile "$1" "$2"
}

by_gnutls() { # LIST CERTIFICATE
    certtool --verify --verify-profile=medium --load-ca-certificate ca.pem --load-crl "$1" \
        --infile "$2"
}

by_nss() { # DATABASE CERTIFICATE: a TLS client's, with a fresh list or not at all
    vfychain -d "sql:$T/$1" -pp -g leaf -m crl -s requireFreshInfo -a -u 0 "$2"
}

verifies() { # COMMAND...
    "$@" >"$T/out" 2>&1 || { cat "$T/out"; fail "does not verify: $*"; }
}

refuses() { # WORD COMMAND...: and says why
    local word=$1
    shift
    ! "$@" >"$T/out" 2>&1 || { cat "$T/out"; fail "verifies: $*"; }
    grep -qi -- "$word" "$T/out" || { cat "$T/out"; fail "refused, not as $word: $*"; }
}

for list in crl crl_empty; do
    verifies openssl crl -in "$list.pem" -noout -CAfile ca.pem
    has "$T/out" "verify OK"
    verifies certtool --verify-crl --load-ca-certificate ca.pem --infile "$list.pem"
    verifies by_openssl "$list.pem" client.pem
    verifies by_gnutls "$list.pem" client.pem
    nss "$list"
    verifies crlutil -I -i "$list.der" -d "sql:$T/$list"
    verifies by_nss "$list" client.pem
done
refuses revoked by_openssl crl.pem revoked.pem
refuses revoked by_gnutls crl.pem revoked.pem
refuses revoked by_nss crl revoked.pem
verifies by_openssl crl_empty.pem revoked.pem
verifies by_gnutls crl_empty.pem revoked.pem
verifies by_nss crl_empty revoked.pem

# They can print every part of it.
openssl crl -in crl.pem -noout -text >"$T/out"
has "$T/out" "Key Compromise"
openssl crl -in crl.pem -noout -crlnumber >"$T/out"
has "$T/out" "0x1267"
certtool --crl-info --infile crl.pem >"$T/out"
has "$T/out" "CRL Number (not critical): 1267"
crlutil -L -d "sql:$T/crl" -n malote >"$T/out"
has "$T/out" "CRL reason code"

# What a tool without our profile can see for itself.
nss bad
for name in twin_ca not_signed one_bit_of_a_serial by_a_leaf pkcs1_sha1; do
    case $name in
    pkcs1_sha1) ;;
    *)
        refuses . by_openssl "bad_crl/$name.pem" client.pem
        openssl crl -in "bad_crl/$name.pem" -noout -CAfile ca.pem >"$T/out" 2>&1 || true
        has "$T/out" "verify failure"
        refuses . certtool --verify-crl --load-ca-certificate ca.pem --infile "bad_crl/$name.pem"
        ;;&
    *) refuses SEC_ERROR crlutil -I -i "bad_crl/$name.der" -d "sql:$T/bad" ;;
    esac
done
for name in unknown_critical indirect; do
    refuses . by_openssl "bad_crl/$name.pem" client.pem
done

/usr/bin/python3 - <<'END'
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import pkcs12


def read(name):
    with open(name, "rb") as f:
        return f.read()


pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
ca = x509.load_der_x509_certificate(read("ca.der"))
revoked = x509.load_der_x509_certificate(read("revoked.der"))
crl = x509.load_der_x509_crl(read("crl.der"))
assert crl.issuer == ca.subject
assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 4711
assert [entry.serial_number for entry in crl] == [revoked.serial_number]
reason = crl[0].extensions.get_extension_for_class(x509.CRLReason).value.reason
assert reason == x509.ReasonFlags.key_compromise
ca.public_key().verify(crl.signature, crl.tbs_certlist_bytes, pss, hashes.SHA256())
key, certificate, more = pkcs12.load_key_and_certificates(read("ca.p12"), b"what make_pki says")
assert certificate == ca and not more
assert key.public_key().public_numbers() == ca.public_key().public_numbers()
END

phrase='what make_pki says'
openssl pkcs12 -in ca.p12 -passin "pass:$phrase" -noenc -info >"$T/out" 2>"$T/err"
is "$(grep -c 'Iteration 600000' "$T/err")" 3
has "$T/err" "MAC: sha256"
hasnt "$T/err" "RC2"
hasnt "$T/err" "DES"
openssl pkey -in "$T/out" -pubout -out "$T/pub"
openssl x509 -in ca.pem -noout -pubkey -out "$T/wanted"
cmp -s "$T/pub" "$T/wanted" || fail "not the CA's key"
refuses "mac verify" openssl pkcs12 -in ca.p12 -passin pass:another -noenc
verifies certtool --p12-info --inder --infile ca.p12 --password "$phrase"
verifies pk12util -l ca.p12 -d "sql:$T/bad" -W "$phrase"
