#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S11: the receiver decrypts and shows, with what the server authenticated: sender and time.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao --count 1
send maria joao $'two\nlines'
wait_for 10 heard joao 'two\nlines'
wait "$LISTENER"
grep -qE '^\{"type":"message","from":"maria","id":"[0-9a-f]{32}","time":"[0-9-]{10}T[0-9:]{8}(\.[0-9]+)?Z","text":"two\\nlines"\}$' \
    "$T/heard-joao" || fail "not the line of the manual: $(cat "$T/heard-joao")"

# the plain form, to a pipe
: >"$T/plain"
: >"$T/plain.log"
malote --home "$T/home-joao" listen --count 1 --timeout 30 >"$T/plain" 2>"$T/plain.log" </dev/null &
STARTED+=($!)
wait_for 10 grep -q listening "$T/plain.log"
send maria joao "olá, joão"
wait_for 10 grep -qF "olá, joão" "$T/plain"
grep -q maria "$T/plain" || fail "it does not say who wrote"
