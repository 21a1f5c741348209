#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S8: what the CA issues is X.509 v3 that any PKIX tool reads and verifies: OpenSSL, GnuTLS, NSS.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --realm example.org
as maria join "$URL" --name maria </dev/null
ca show maria | openssl x509 -out "$T/maria.pem"
cp "$T/home-maria/ca.pem" "$T/ca.pem"
cmp "$T/maria.pem" <(openssl x509 -in "$T/home-maria/certificate.pem")

openssl x509 -in "$T/maria.pem" -noout -text >"$T/text"
has "$T/text" "Version: 3"
has "$T/text" "rsassaPss"
has "$T/text" "email:maria@example.org"
is "$(openssl x509 -in "$T/maria.pem" -noout -subject -nameopt RFC2253)" "subject=CN=maria"

expect 0 openssl verify -x509_strict -CAfile "$T/ca.pem" "$T/maria.pem"
expect 0 openssl verify -x509_strict -purpose sslclient -CAfile "$T/ca.pem" "$T/maria.pem"
expect 2 openssl verify -x509_strict -purpose sslserver -CAfile "$T/ca.pem" "$T/maria.pem"
expect 0 certtool --verify --load-ca-certificate "$T/ca.pem" --infile "$T/maria.pem"

mkdir "$T/nss"
certutil -N -d "sql:$T/nss" --empty-password
certutil -A -d "sql:$T/nss" -n ca -t CT,C,C -i "$T/ca.pem"
expect 0 vfychain -d "sql:$T/nss" -u 0 -a "$T/maria.pem"

# another CA of the same name does not make it valid
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out "$T/other.pem" -days 9 \
    -subj "$(openssl x509 -in "$T/ca.pem" -noout -subject -nameopt compat | sed 's/^subject=//')" \
    2>/dev/null
expect 2 openssl verify -CAfile "$T/other.pem" "$T/maria.pem"
