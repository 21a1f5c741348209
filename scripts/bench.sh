#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run bench: one JSON line a figure, and on stderr a table of them for people.  Ratios hold,
# absolute times drift with the machine.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."
. scripts/build.sh
build_targets gcc bench/bench_handshake bench/bench_record

# The fields stand in one order: bench/figure.c.
table() {
    local value='"figure":"([^"]*)","unit":"[^"]*","value":([0-9.]+)'
    local beside='"ratio":([0-9.]+),"compared_to":"([^"]*)","compared_value":([0-9.]+)'
    printf '%-44s %10s %7s  %s\n' '' 'CPU us' 'ratio' 'beside'
    while IFS= read -r line; do
        if [[ $line =~ $value,$beside ]]; then
            printf '%-44s %10s %7s  %s (%s)\n' "${BASH_REMATCH[@]:1}"
        elif [[ $line =~ $value ]]; then
            printf '%-44s %10s\n' "${BASH_REMATCH[@]:1}"
        fi
    done
}

for program in bench_handshake bench_record; do
    lines=$("build/gcc/bench/$program")
    printf '%s\n' "$lines"
    table <<<"$lines" >&2
done
