#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --enrol approve: pending has no rights; the administrator names the key the user's client shows.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --enrol approve
# the URL for everybody is that of an invite without its last part, and every start prints it
join_url=$(ca invite | grep '^malote://' | sed -E 's|/[0-9a-f]{48}$||')
is "$URL" "$join_url"
stop_server
start_server --enrol approve
is "$URL" "$join_url"
has "$T/server.out" "join URL for everybody:"
for name in maria joao; do
    status=0
    as "$name" join "$join_url" --name "$name" </dev/null >"$T/$name.out" 2>&1 || status=$?
    [ "$status" -ne 95 ]
    grep -oE '[0-9a-f]{64}' "$T/$name.out" | tail -n 1 >"$T/$name.print"
    [ -s "$T/$name.print" ] || fail "no fingerprint shown to $name: $(cat "$T/$name.out")"
done
ca pending >"$T/out"
has "$T/out" maria
has "$T/out" "$(cat "$T/maria.print")"
# not yet
status=0
as maria send maria hello </dev/null >"$T/out" 2>&1 || status=$?
[ "$status" -ne 0 ] || fail "pending, and sends"
# the right name with another key's fingerprint is refused
expect 1 malote-ca --data "$D" approve maria "$(cat "$T/joao.print")"
ca approve maria "$(cat "$T/maria.print")"
ca refuse joao
as maria join "$join_url" --name maria </dev/null
as maria status </dev/null
expect 1 as joao join "$join_url" --name joao
is "$(ca pending --json | wc -l)" 0

# an invite lets in without approval
join ines
is "$(ca pending --json | wc -l)" 0
stop_server
start_server --enrol open
is "$URL" "$join_url"
as ana join "$URL" --name ana </dev/null
stop_server
# and no start prints a right to enter twice
start_server
is "$URL" ""
