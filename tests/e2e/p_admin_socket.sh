#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ca.sock: 0600-like in a directory of 0700; another user is turned away by SO_PEERCRED.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
[ -S "$D/ca.sock" ] || fail "no ca.sock"
ca list >/dev/null
[ "$(id -u)" -eq 0 ] || exit 0
# even with the way opened, the socket knows who asks
chmod 755 "$T"
cp "$(command -v malote-ca)" "$T/malote-ca"
chmod 755 "$T/malote-ca"
chmod 711 "$D"
chmod 666 "$D/ca.sock"
status=0
setpriv --reuid=65534 --regid=65534 --clear-groups timeout 20 "$T/malote-ca" --data "$D" list \
    >"$T/out" 2>"$T/err" </dev/null || status=$?
chmod 700 "$D"
[ "$status" -ne 0 ] || fail "somebody else lists the CA"
[ ! -s "$T/out" ] || fail "and sees something"
serves
