#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DATA/lock: a second maloted on the same data is refused; a data path of 150 bytes works, with
# ca.sock in it.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

long=$(printf 'd%.0s' $(seq 150))
D=$T/$long
start_server
expect 6 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass"
one_line "$T/err"
ca list >/dev/null
serves
stop_server
# without the server: on the files, under the same lock, with the passphrase
expect 2 malote-ca --data "$D" list
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" list
has "$T/out" h1a
(umask 077 && echo wrong >"$T/wrong")
expect 4 malote-ca --data "$D" --passphrase-file "$T/wrong" list
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" invite offline
start_server
as offline join "$(url_via "$(cat "$T/out")" "$PORT")" --name offline </dev/null
