#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 41: the passphrase is in no argument, environment, log or file, and there is no way
# to give it there.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
secret=$(cat "$T/pass")
for pid in "$SERVER" "$(child_of "$SERVER" net)" "$(child_of "$SERVER" ca)"; do
    for file in cmdline environ; do
        ! tr '\0' '\n' <"/proc/$pid/$file" | grep -qF "$secret" || fail "it is in $file of $pid"
    done
done
! grep -rqF "$secret" "$D" "$T/server.log" || fail "it is in a file"
stop_server

expect 2 maloted --data "$D" --listen 127.0.0.1:0 --passphrase "$secret"
MALOTE_PASSPHRASE=$secret PASSPHRASE=$secret expect 2 maloted --data "$D" --listen 127.0.0.1:0

# a descriptor works, and so does systemd's directory of credentials
exec 9<"$T/pass"
: >"$T/server.out" # what the one before said is not what this one says
maloted --data "$D" --listen 127.0.0.1:0 --passphrase-fd 9 >"$T/server.out" 2>>"$T/server.log" </dev/null &
SERVER=$!
STARTED+=("$SERVER")
exec 9<&-
wait_for 20 server_is_up
stop_server
mkdir -m 700 "$T/credentials"
cp "$T/pass" "$T/credentials/passphrase"
: >"$T/server.out"
CREDENTIALS_DIRECTORY=$T/credentials maloted --data "$D" --listen 127.0.0.1:0 >"$T/server.out" \
    2>>"$T/server.log" </dev/null &
SERVER=$!
STARTED+=("$SERVER")
wait_for 20 server_is_up
PORT=$(sed -n 's/^listening on .*://p' "$T/server.out")
serves
