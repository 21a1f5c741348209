#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# reissue NAME: an invite bound to a name whose key was lost; the old key is refused from then on.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen maria --count 2
as joao send maria "to the old home" </dev/null
as joao send maria "again" </dev/null
wait_for 10 heard maria again
url=$(ca reissue maria | grep '^malote://')
as maria2 join "$url" --name maria </dev/null
listen joao --count 1
as maria2 send joao "with the new key" </dev/null
wait_for 10 heard joao "with the new key"
expect 1 as maria send joao "with the old key"
one_line "$T/err"
# what the old home has is not lost: the new one says so of what came before its time alone
as joao send maria "to the new home" </dev/null
expect 0 as maria2 listen --count 1
is "$(head -n 1 "$T/out")" "-- 2 earlier messages of joao are not here"
as joao send maria "and more" </dev/null
expect 0 as maria2 listen --count 1
hasnt "$T/out" "--"
expect 0 as maria2 history joao --json
has <(grep "to the new home" "$T/out") '"earlier":2'
is "$(grep -cE 'earlier|missing' "$T/out")" 1
# and a name never moves without it
expect 1 as thief join "$(ca invite | grep '^malote://')" --name joao
# mail waits for the new key; the old home's outbox is there to be read, and is not taken over
join ana
expect 0 as joao send ana "stored before the reissue"
sed -i "s/^port .*/port 1/" "$T/home-ana/server"
expect 5 as ana send joao "left behind"
as ana2 join "$(ca reissue ana | grep '^malote://')" </dev/null
expect 0 as ana2 listen --count 1
has "$T/out" "stored before the reissue"
expect 0 as ana2 outbox list
is "$(wc -c <"$T/out")" 0
expect 0 as ana outbox list
has "$T/out" "left behind"
