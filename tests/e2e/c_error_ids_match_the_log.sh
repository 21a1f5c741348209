#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every refusal carries an id that also stands in the server's log; what has none shows none.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
url=$(invite maria)
as maria join "$url" --name maria </dev/null
# the invite is used up; another key asks with it
expect 1 as other join "$url" --name maria
one_line "$T/err"
id=$(grep -oE '\b[0-9a-f]{8}\b' "$T/err" | tail -n 1)
[ -n "$id" ] || fail "no id in: $(cat "$T/err")"
has "$T/server.log" "$id"

# A connection that ends before the server said anything has none, and the line shows none.
proxy --cut down:0:0
rehome maria cut "$PROXY"
expect 3 as cut status
has "$T/err" "lost the connection to "
hasnt "$T/err" "[id"
