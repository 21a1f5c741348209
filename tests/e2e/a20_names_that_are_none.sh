#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 20: homographs, bidi, zero width, case, NFD, dots and spaces at the ends: one form of
# a name, compared as bytes; the same answer from every place where one is typed.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --enrol open
names=(Maria MARIA 'maria ' ' maria' 'maria.' '.maria' 'maria..silva' 'maria-_silva' 'ma ria'
    'mаria' 'joão' $'joa\xcc\x83o' $'maria\xe2\x80\x8b' $'\xe2\x80\xaeairam' 'maria@home'
    'maria/../joao' '../maria' 'a23456789012345678901234567890123' $'maria\n' $'maria\x01' ''
    relay server admin root ca malote postmaster '-maria' '_maria' $'mar\xff\xfeia' '*' '%' "o'neil")
for name in "${names[@]}"; do
    shown=$(printf %q "$name")
    expect 2 malote --home "$T/home-x" join "$URL" --name="$name"
    one_line "$T/err"
    ! LC_ALL=C grep -qP '[\x01-\x08\x0b-\x1f\x7f]|\xe2\x80[\x8b\xae]|\xff' "$T/err" ||
        fail "raw bytes of $shown reached the terminal"
    status=0
    ca invite -- "$name" >"$T/out" 2>&1 || status=$?
    [ "$status" -ne 0 ] || fail "an invite for $shown"
done
join maria
status=0
for name in Maria 'maria ' $'maria\n'; do
    expect 2 as maria send "$name" hello
done
certified >"$T/list"
is "$(wc -l <"$T/list")" 1
serves
