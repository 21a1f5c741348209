#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Is the library's binary interface still the one that was promised?
#   abi.sh [LIBRARY [BASELINE [MAP]]]   compares; exit 1 and the difference if not
#   abi.sh --write [LIBRARY]            makes the baseline anew, after an addition; refuses to when
#                                       programs linked before would no longer work
# What counts is a build by gcc with debugging information, as build/gcc is.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

write=
if [ "${1:-}" = --write ]; then
    write=yes
    shift
fi
library=${1:-build/gcc/src/client/libmalote.so.0}
baseline=${2:-tests/abi/libmalote.abi}
map=${3:-src/client/libmalote.map}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# What is exported is what the map lists, and in its order.
nm -D --defined-only "$library" | sed -n 's/^[0-9a-f]* [TDBR] \([^@]*\).*/\1/p' | sort >"$dir/exported"
sed -n 's/^ *\([A-Za-z_0-9]*\);$/\1/p' "$map" >"$dir/listed"
if ! diff -u "$dir/listed" "$dir/exported"; then
    echo "abi: $library does not export what $map lists"
    exit 1
fi

abidw --drop-private-types --headers-dir include/malote --drop-undefined-syms --no-elf-needed \
    --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash "$library" |
    sed -E "s|path='[^']*/src/|path='src/|" >"$dir/now.abi"

status=0
[ ! -f "$baseline" ] || abidiff "$baseline" "$dir/now.abi" >"$dir/report" || status=$?
incompatible=$((status & 8))
if [ "$status" -ne 0 ]; then
    cat "$dir/report"
fi
if [ -n "$write" ]; then
    if [ "$incompatible" -ne 0 ] || [ $((status & 3)) -ne 0 ]; then
        echo "abi: not written: this breaks programs linked before; keep the old name, or raise the SONAME"
        exit 1
    fi
    cp "$dir/now.abi" "$baseline"
elif [ "$status" -ne 0 ]; then
    echo "abi: $library differs from $baseline; if that is meant: scripts/abi.sh --write"
    exit 1
fi
