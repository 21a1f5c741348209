#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S8: what our CA issues is read and verified by PKIX tools that know nothing of malote: OpenSSL
# in strict mode, GnuTLS and NSS.  Forgeries that need no knowledge of our profile they refuse too.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

for tool in openssl certtool certutil vfychain; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done

make_pki "$T/pki"
cd -- "$T/pki"
mkdir "$T/nss"
certutil -N -d "sql:$T/nss" --empty-password
certutil -A -d "sql:$T/nss" -n malote -t CT,C,C -i ca.pem

CLIENT_AUTH=1.3.6.1.5.5.7.3.2
SERVER_AUTH=1.3.6.1.5.5.7.3.1

by_openssl() { # FILE sslclient|sslserver
    openssl verify -x509_strict -check_ss_sig -no-CApath -no-CAstore -CAfile ca.pem -purpose "$2" "$1"
}

by_gnutls() { # FILE PURPOSE
    certtool --verify --verify-profile=medium --verify-purpose="$2" \
        --load-ca-certificate ca.pem --infile "$1"
}

# Usage 0 is a TLS client.  A server's key of ours only signs, for which NSS has no usage: it
# demands keyEncipherment of every RSA server.
by_nss() { # FILE
    vfychain -d "sql:$T/nss" -a -u 0 "$1"
}

verifies() { # COMMAND...
    "$@" >"$T/out" 2>&1 || { cat "$T/out"; fail "does not verify: $*"; }
}

refuses() { # COMMAND...
    ! "$@" >"$T/out" 2>&1 || { cat "$T/out"; fail "verifies: $*"; }
}

verifies by_openssl client.pem sslclient
verifies by_openssl server.pem sslserver
verifies by_gnutls client.pem $CLIENT_AUTH
verifies by_gnutls server.pem $SERVER_AUTH
verifies by_nss client.pem

# The roles are told apart by their standard purposes as well.
refuses by_openssl client.pem sslserver
refuses by_openssl server.pem sslclient
refuses by_gnutls client.pem $SERVER_AUTH
refuses by_gnutls server.pem $CLIENT_AUTH
refuses by_nss server.pem

for name in twin_ca twin_ca_own_key_id other_realm intermediate leaf_signs_leaf leaf_poses_as_ca \
    expired not_signed address_other_realm address_subdomain unknown_critical; do
    refuses by_openssl "bad/$name.pem" sslclient
    refuses by_gnutls "bad/$name.pem" $CLIENT_AUTH
    refuses by_nss "bad/$name.pem"
done

# Each can also print every part of it; GnuTLS and NSS stumble over arcs beyond 64 bits.
role=1.2.840.113556.1.8000.2554.57411.23035.27320.19085.38797.378319.9098608
for name in client server; do
    certtool --certificate-info --infile "$name.pem" >"$T/out"
    hasnt "$T/out" error
    has "$T/out" "$role."
    certutil -A -d "sql:$T/nss" -n "$name" -t ,, -i "$name.pem"
    certutil -L -d "sql:$T/nss" -n "$name" >"$T/out"
    hasnt "$T/out" UNSUPPORTED
    has "$T/out" "$role."
    openssl x509 -in "$name.pem" -noout -text >"$T/out"
    has "$T/out" "$role."
done
openssl req -in request.der -inform DER -noout -verify >"$T/out" 2>&1
has "$T/out" "verify OK"
