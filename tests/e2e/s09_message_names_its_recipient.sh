#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S9 and S10: an envelope in a record: it reaches the one it names, and nobody else.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao ana
listen ana --count 1
LISTEN_ANA=$LISTENER
listen joao --count 2
send maria joao "for joao"
printf 'through a pipe, ção' | as maria send joao -
wait_for 10 heard joao 'through a pipe, \u00E7\u00E3o'
wait "$LISTENER"
is "$(grep -c '"from":"maria"' "$T/heard-joao")" 2
[ ! -s "$T/heard-ana" ] || fail "ana got what was for joao"
kill "$LISTEN_ANA"

# a name nobody has: exit 1, one line
expect 1 as maria send nobody "hello"
one_line "$T/err"
