#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S1: the first run makes data directory, keystore and CA; later runs load them; a wrong
# passphrase or a damaged keystore is a clear refusal.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
[ -n "$URL" ] || fail "no join URL on the first run"
hasnt "$T/server.log" "malote://"
is "$(stat -c %a "$D")" 700
[ -s "$D/ca/chaves.txt" ] || fail "no keystore"
is "$(stat -c %a "$D/ca/chaves.txt")" 600
as maria join "$URL" --name maria </dev/null
stop_server

start_server
[ -z "$URL" ] || fail "a second run prints a join URL"
as maria status </dev/null
stop_server
[[ $(tail -n 1 "$T/server.log") == *"Z maloted info: stopped" ]] || fail "not a word of its end"
is "$(grep -c 'Z maloted info: stopping: SIGTERM$' "$T/server.log")" 2

# another passphrase: exit 4, one line, and the keystore stays as it was
cp "$D/ca/chaves.txt" "$T/before"
(umask 077 && echo another >"$T/wrong")
expect 4 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/wrong"
grep -qi passphrase "$T/err" || fail "no word of the passphrase"
cmp "$D/ca/chaves.txt" "$T/before"

# one changed letter in the middle of the last line
size=$(stat -c %s "$D/ca/chaves.txt")
at=$((size - 100))
byte=$(od -An -tu1 -j "$at" -N 1 "$D/ca/chaves.txt" | tr -d ' ')
# shellcheck disable=SC2059
printf "$(printf '\\%03o' $((byte ^ 1)))" |
    dd of="$D/ca/chaves.txt" bs=1 seek="$at" conv=notrunc status=none
expect 6 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass"
grep -qi damaged "$T/err" || fail "no word of the damage: $(cat "$T/err")"

# put back, all is well again
cat "$T/before" >"$D/ca/chaves.txt"
start_server
serves
