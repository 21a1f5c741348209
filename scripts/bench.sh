#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run bench: one JSON line a figure, and on stderr a table of them for people.  Ratios hold,
# absolute times drift with the machine.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."
. scripts/build.sh
build_targets gcc bench/bench_handshake bench/bench_record bench/bench_durable \
    bench/bench_authority src/cmd/maloted

# The fields stand in one order: bench/figure.c.
table() {
    local value='"figure":"([^"]*)","unit":"([^"]*)","value":([0-9.]+)'
    local beside='"ratio":([0-9.]+),"compared_to":"([^"]*)","compared_value":([0-9.]+)'
    printf '%-66s %-10s %10s %7s  %s\n' '' 'in' '' 'ratio' 'beside'
    while IFS= read -r line; do
        if [[ $line =~ $value,$beside ]]; then
            printf '%-66s %-10s %10s %7s  %s (%s)\n' "${BASH_REMATCH[@]:1}"
        elif [[ $line =~ $value ]]; then
            printf '%-66s %-10s %10s\n' "${BASH_REMATCH[@]:1}"
        fi
    done
}

show() { # COMMAND...
    local lines
    lines=$("$@")
    printf '%s\n' "$lines"
    table <<<"$lines" >&2
}

show build/gcc/bench/bench_handshake
show build/gcc/bench/bench_record
# On this disk: what it costs to wait for a disk is no matter of a /tmp in memory.
here=$PWD
cd build
show "$here/build/gcc/bench/bench_durable" "$here/build/gcc/src/cmd/maloted"
show "$here/build/gcc/bench/bench_authority" "$here/build/gcc/src/cmd/maloted"
