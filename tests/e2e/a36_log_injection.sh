#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 36: whatever others put into names, frames and addresses, a log line stays one line
# of printable characters, bounded, and holds no secret.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --enrol open
peer() { timeout 30 raw_peer "127.0.0.1:$PORT" "$@" >/dev/null || true; }
peer hex "$(printf '\x02\x00\x01\xa6\n\x1b[31mERROR root logged in\n%%n%%s' | hex_of)"
peer hex "$(printf 'GET /\r\n2026 maloted[ca] error: all is lost\r\n\r\n' | hex_of)"
raw_peer "127.0.0.1:$PORT" junk 20 >/dev/null
join maria
for name in $'joao\x1b[2J' '%s%n%n%n' $'x\nmaloted[net] error: fake'; do
    as maria send "$name" hello </dev/null >/dev/null 2>&1 || true
    ca show -- "$name" >/dev/null 2>&1 || true
done
! LC_ALL=C grep -vnE '^[ -~]*$' "$T/server.log" || fail "a byte that is not printable in the log"
! grep -q '^2026 maloted\[ca\]\|^maloted\[net\] error: fake' "$T/server.log" || fail "a forged line"
[ "$(awk '{ if (length > most) most = length } END { print most }' "$T/server.log")" -le 1024 ]
hasnt "$T/server.log" "$(cat "$T/pass")"
hasnt "$T/server.log" malote://
serves
