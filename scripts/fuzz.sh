#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run fuzz [SECONDS]: every fuzz target for so long, starting from its kept corpus.  What it
# finds new stays below build/fuzz; copy what is worth keeping to tests/fuzz/corpus.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

seconds=${1:-30}
case $seconds in
'' | *[!0-9]*)
    echo "./run fuzz: '$seconds' is not a number of seconds" >&2
    exit 2
    ;;
esac

build_targets asan
failed=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    grown=build/fuzz/$name
    mkdir -p "$grown"
    echo "$name: ${seconds} s"
    if ! "build/asan/tests/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$grown/" -print_final_stats=1 "$grown" \
        "tests/fuzz/corpus/${name#fuzz_}" >"$grown.log" 2>&1; then
        tail -n 40 "$grown.log"
        echo "$name: failed; the input is below $grown"
        failed=1
    else
        grep -E '^stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' "$grown.log"
    fi
done
exit "$failed"
