#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 49: whatever is asked of the real ca over ca.sock, or by clients through net, all that
# it signed is within the table of PROTOCOL.md 11 and has its leaf, and openssl accepts it.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --enrol open
is "$(interop peer join "$URL" mallory "$T/py-mallory")" "issued 0"
join maria
certified >"$T/before"
processes=$(child_of "$SERVER" ca)
interop ca_door sock "$D" >"$T/out"
has "$T/out" "invites: 13000"
is "$(certified | diff - "$T/before")" ""
interop ca_door net "$URL" 50 >"$T/out"
[ "$(grep -cE ' (alert|refused)$' "$T/out")" -ge 13 ] || fail "$(cat "$T/out")"
is "$(child_of "$SERVER" ca)" "$processes"
ca list --json | sed -n 's/.*"name":"\([^"]*\)".*/\1/p' | sort -u >"$T/names"
is "$(tr '\n' ' ' <"$T/names")" "again mallory maria odd "
# what is taken back is in the list, and the list is as much within its table as all else
ca revoke odd --reason key-compromise >/dev/null
ca reissue again >/dev/null
serves
stop_server

interop read_store "$D" "$T/pass" >"$T/store"
is "$(sed -n 's/^leaf [0-9]* client //p' "$T/store" | sort -u | tr '\n' ' ')" \
    "again h1a h1b mallory maria odd "
is "$(grep -c '^leaf [0-9]* ca' "$T/store")" 1
is "$(grep -c '^leaf [0-9]* crl' "$T/store")" 3
is "$(sed -n 's/^crl //p' "$T/store" | wc -w)" "$((1 + $(grep -cE '^leaf [0-9]* client (odd|again)$' "$T/store")))"
is "$(sed -n 's/^leaf [0-9]* server //p' "$T/store" | sort -u)" relay

mkdir "$T/signed"
interop ca_door copy "$D" "$T/signed"
openssl x509 -inform DER -in "$T/signed/ca-0.der" -out "$T/ca.pem"
is "$(find "$T/signed" -type f | wc -l)" "$(($(grep -c '^leaf ' "$T/store") - 2))" # older lists
openssl crl -inform DER -in "$T"/signed/crl-*.der -out "$T/crl.pem" -CAfile "$T/ca.pem" 2>"$T/err"
has "$T/err" "verify OK"
for certificate in "$T"/signed/server-*.der "$T"/signed/client-*.der; do
    role=${certificate##*/}
    openssl x509 -inform DER -in "$certificate" -out "$T/one.pem"
    serial=$(openssl x509 -in "$T/one.pem" -noout -serial)
    status=0
    ! grep -qi "^crl .*${serial#serial=}" "$T/store" || status=2
    expect "$status" openssl verify -x509_strict -purpose "ssl${role%%-*}" -crl_check \
        -CRLfile "$T/crl.pem" -CAfile "$T/ca.pem" "$T/one.pem"
    [ "$status" -eq 0 ] || has "$T/err" "certificate revoked"
done
