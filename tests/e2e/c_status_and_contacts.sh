#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# status says who and where; contacts lists with whom there were messages.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --realm example.org
join maria joao
# nobody yet is said, and not where a program reads names
expect 0 as maria contacts
is "$(wc -c <"$T/out")" 0
has "$T/err" "no contacts yet"
expect 0 ca pending
is "$(wc -c <"$T/out")" 0
has "$T/err" "nobody waits for approval"
# the server's log says sizes and times in words
has "$T/server.log" "a mailbox holds 1000000 messages and 1 GiB, 25 % of them of one sender, for 30 days"
as maria status </dev/null >"$T/out"
has "$T/out" maria
has "$T/out" example.org
has "$T/out" 127.0.0.1
# what lies at the server is not here, and is not said not to exist
send maria joao hello
expect 0 as joao status
grep -qE "^messages +0 here not shown yet \(malote listen shows and fetches\)$" "$T/out" ||
    fail "$(cat "$T/out")"
expect 0 as joao status --json
has "$T/out" '"unshown":0'
listen joao --count 2
send maria joao again
wait "$LISTENER"
has <(as maria contacts </dev/null) joao
has <(as joao contacts </dev/null) maria
