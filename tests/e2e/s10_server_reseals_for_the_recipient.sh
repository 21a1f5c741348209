#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S10: the server opens the record, checks the recipient and seals the envelope anew: the bytes
# that leave are not the bytes that came, and none of them is the text.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
proxy --record "$T/wire"
for name in maria joao; do
    as "$name" join "$(url_via "$(invite "$name")" "$PROXY")" --name "$name" </dev/null
done
text="the quick brown fox jumps over the lazy dog, twice: the quick brown fox jumps over the lazy dog"
listen joao --count 1
send maria joao "$text"
wait_for 10 heard joao "$text"
sealed_up=$(awk '$2 == "up" && $4 == 16 && $5 > 120 { print $1, $6, $5 }' "$T/wire.frames")
[ -n "$sealed_up" ] || fail "no record went up"
read -r connection offset size <<<"$(tail -n 1 <<<"$sealed_up")"
middle=$(hex_of -j $((offset + 40)) -N 32 "$T/wire.$connection.up")
text=$(printf %s "brown fox" | hex_of)
for file in "$T"/wire.*.down; do
    [[ $(hex_of "$file") != *"$middle"* ]] || fail "the sender's sealed bytes were passed on"
done
for file in "$T"/wire.*.up "$T"/wire.*.down; do
    [[ $(hex_of "$file") != *"$text"* ]] || fail "the text is readable in $file"
done
