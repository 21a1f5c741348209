#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S13: a certificate counts only under the pinned CA: another CA of the same name, realm and
# port is refused before the client shows its name.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
as maria join "$URL" --name maria </dev/null
url=$(invite joao)
stop_server

# the twin: same realm, same names, other keys, same port
mv "$D" "$T/true-data"
mv "$T/server.log" "$T/true.log"
start_server
expect 4 as maria send maria hello
one_line "$T/err"
expect 4 as joao join "$url" --name joao
hasnt "$T/server.log" joao
hasnt "$T/server.log" maria
stop_server

rm -rf "$D"
mv "$T/true-data" "$D"
start_server
as joao join "$url" --name joao </dev/null
serves
