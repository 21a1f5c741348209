#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S17: RSA certifies and wraps, AES carries: a body of 64 KiB grows by its envelope and one tag,
# not by RSA blocks, and goes through whole.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
proxy --record "$T/wire"
for name in maria joao; do
    as "$name" join "$(url_via "$(invite "$name")" "$PROXY")" --name "$name" </dev/null
done
listen joao --count 1
head -c 49152 /dev/urandom | base64 -w 0 >"$T/big"
is "$(stat -c %s "$T/big")" 65536
as maria send joao - <"$T/big"
wait "$LISTENER"
sed 's/.*"text":"//; s/"}$//' "$T/heard-joao" | tr -d '\n' | sed 's|\\/|/|g' >"$T/got"
cmp "$T/big" "$T/got"
size=$(awk '$2 == "up" && $4 == 16 { if ($5 > most) most = $5 } END { print most + 0 }' "$T/wire.frames")
[ "$size" -gt 65536 ] && [ "$size" -lt 65800 ] || fail "the record has $size bytes"

# one byte more is refused before it leaves: one line
printf x >>"$T/big"
status=0
as maria send joao - <"$T/big" >"$T/out" 2>"$T/err" || status=$?
is "$status" 2
one_line "$T/err"
