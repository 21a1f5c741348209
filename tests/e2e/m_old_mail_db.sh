#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Somebody puts an older mail.db back: what was delivered since comes again, and is thrown away by
# clients that have it; what the server knew since is forgotten, and nothing else.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
expect 0 as maria send joao "stored"
stop_server
cp -a "$D/net" "$T/net"
start_server
expect 0 as joao listen --count 1
has "$T/out" "stored"
expect 0 as maria send joao "later"
expect 0 as joao listen --count 1
stop_server
rm -rf "$D/net"
mv "$T/net" "$D/net"
start_server
offered=$(grep -c "messages in them: 1$" "$T/server.log" || true)
[ "$offered" -ge 2 ] || fail "the old mailbox is not there: $(cat "$T/server.log")"
expect 7 as joao listen --count 1 --timeout 2
expect 0 as joao history --json
is "$(sed 's/.*"text":"\([^"]*\)".*/\1/' "$T/out" | tr '\n' ,)" "stored,later,"
expect 0 as maria status --json
has "$T/out" '"outbox":0,'
has "$T/out" '"failed":0'
serves
