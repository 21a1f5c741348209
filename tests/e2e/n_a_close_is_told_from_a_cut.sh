#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An authenticated CLOSE in both directions, and its absence: the real server answers a CLOSE,
# says why it ends a session, and reports a cut as a cut.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
is "$(interop peer join "$URL" maria "$T/py-maria")" "issued 0"
logged() { # ID TEXT
    grep -F "connection $1 " "$T/server.log" | grep -qF "$2"
}

interop sessions closes "$T/py-maria" >"$T/out"
has "$T/out" "closed 1"
wait_for 5 logged "$(head -c 8 "$T/out")" "ended: MLT_OK"

interop sessions cuts "$T/py-maria" >"$T/out"
wait_for 5 logged "$(head -c 8 "$T/out")" "ended: MLT_ERR_CUT"

[[ $(interop sessions ends_after_issue "$(invite joao)" joao) == *" closed 1" ]] ||
    fail "no CLOSE after a certificate"

# a newer login of the same identity
interop_start "$T/older" sessions waits "$T/py-maria"
older=$INTEROP
wait_for 10 grep -q 'in session' "$T/older"
interop_start "$T/newer" sessions waits "$T/py-maria"
newer=$INTEROP
wait "$older" || fail "the older one ended with status $?"
has "$T/older" "closed 2"

# the server stops
stop_server
wait "$newer" || fail "the newer one ended with status $?"
has "$T/newer" "closed 5"
start_server
serves
