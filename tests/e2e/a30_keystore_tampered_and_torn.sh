#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 30: on the real program: changed bits, cut ends, swapped and repeated lines of
# chaves.txt are refused in one line and exit 4 or 6; a torn line beyond what was committed is
# healed and logged.  (Every bit and every length: tests/unit/test_keystore.c.)
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
stop_server
K=$D/ca/chaves.txt
cp "$K" "$T/good"
lines=$(wc -l <"$K")
size=$(stat -c %s "$K")
[ "$lines" -ge 3 ]

refused() { # WHAT
    local status=0
    ! cmp -s "$K" "$T/good" || fail "$1: nothing was changed"
    timeout 30 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass" \
        >"$T/out" 2>"$T/err" </dev/null || status=$?
    [ "$status" -eq 4 ] || [ "$status" -eq 6 ] || { cat "$T/err"; fail "$1: exit $status"; }
    [ ! -s "$T/out" ] || fail "$1: it listened"
    cat "$T/good" >"$K"
}
for n in $(seq 12); do
    at=$((RANDOM * 32768 + RANDOM))
    at=$((at % (size - 1)))
    byte=$(od -An -tu1 -j "$at" -N 1 "$K" | tr -d ' ')
    # shellcheck disable=SC2059
    printf "$(printf '\\%03o' $((byte ^ (1 << (n % 7)))))" |
        dd of="$K" bs=1 seek="$at" conv=notrunc status=none
    refused "bit $((n % 7)) of byte $at"
done
for n in 1 2 $((size / 2)); do
    truncate -s "-$n" "$K"
    refused "cut by $n"
done
{ sed -n 1p "$T/good"; sed -n 3p "$T/good"; sed -n 2p "$T/good"; sed -n '4,$p' "$T/good"; } >"$K"
refused "two lines swapped"
sed '2p' "$T/good" >"$K"
refused "a line repeated"
sed '2d' "$T/good" >"$K"
refused "a line taken out"
: >"$K"
refused "an empty file"
mv "$K" "$T/away"
refused "no file, but a ledger"
rm "$K"
mv "$T/away" "$K"
cat "$T/good" >"$K"

printf 'the beginning of a li' >>"$K"
start_server
grep -qi 'torn\|cut\|residue\|crash' "$T/server.log" || fail "a torn end was not logged"
as maria status </dev/null
serves
