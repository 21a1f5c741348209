#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run fuzz [SECONDS] [TARGET...]: every fuzz target, or those named (join_url or fuzz_join_url),
# for so long each, two at a time, starting from their kept corpora.  One line a target; exit 1 if
# any found something.  What is new stays below build/fuzz; ./run fuzz --merge [TARGET...] takes what
# of it adds coverage into the kept corpora, the smallest inputs first.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

BIN=${FUZZ_BIN:-build/asan/tests/fuzz} # another build's programs, for whoever works beside others
GROWN=${FUZZ_GROWN:-build/fuzz}
KEPT=tests/fuzz/corpus
AT_ONCE=2
MOST_INPUTS=200 # of a kept corpus
MOST_BYTES=200000

all_targets() {
    local source
    for source in tests/fuzz/fuzz_*.c; do
        basename "$source" .c
    done
}

fuzz() { # TARGET OPTION...: with the limits that every input has to keep
    local target=$1
    shift
    timeout -k 5 $((seconds + 120)) "$BIN/$target" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$GROWN/$target/" "$@"
}

number() { # LOG PATTERN: the last number behind it
    grep -oE "$2[ ]*[0-9]+" "$1" | tail -n 1 | grep -oE '[0-9]+$' || echo '?'
}

# One line says how it went; a finding is followed by what the sanitizer said.
run_one() { # TARGET
    local target=$1 log=$GROWN/$1.log status=0 input
    mkdir -p "$GROWN/$target"
    rm -f "$GROWN/$target.failed"
    touch "$GROWN/$target.start"
    fuzz "$target" -max_total_time="$seconds" -print_final_stats=1 "$GROWN/$target" \
        "$KEPT/${target#fuzz_}" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -eq 0 ]; then
        echo "ok $target: $(number "$log" number_of_executed_units:) executions," \
            "$(number "$log" average_exec_per_sec:) a second, $(number "$log" cov:) edges," \
            "$(number "$log" peak_rss_mb:) MB"
        return
    fi
    touch "$GROWN/$target.failed"
    # An older finding lies there too, and is tried again as part of the corpus.
    input=$(find "$GROWN/$target" -maxdepth 1 -newer "$GROWN/$target.start" \
        -regextype posix-extended -regex '.*/(crash|timeout|oom|leak)-.*' -print -quit)
    echo "not ok $target: status $status; the input: ${input:-none was left}; the log: $log"
    tail -n 40 "$log" | sed 's/^/    | /'
}

run_all() { # TARGET...
    local target
    trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
    for target in "$@"; do
        while [ "$(jobs -rp | wc -l)" -ge "$AT_ONCE" ]; do
            wait -n || true
        done
        run_one "$target" &
    done
    wait
    trap - EXIT
    for target in "$@"; do
        [ ! -e "$GROWN/$target.failed" ] || return 1
    done
}

# The inputs below build/fuzz that reach something new, the smallest first, within the bounds.
merge() { # TARGET
    local target=$1 kept=$KEPT/${1#fuzz_} count bytes input size
    local fresh=$GROWN/$target.fresh
    rm -rf "$fresh"
    mkdir -p "$fresh" "$kept"
    cp "$kept"/* "$fresh/" 2>/dev/null || true
    fuzz "$target" -merge=1 "$fresh" "$GROWN/$target" >"$GROWN/$target.merge.log" 2>&1
    count=$(find "$kept" -type f | wc -l)
    bytes=$(find "$kept" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')
    while read -r size input; do
        [ ! -e "$kept/${input##*/}" ] || continue
        [ $((bytes += size)) -le "$MOST_BYTES" ] && [ $((count += 1)) -le "$MOST_INPUTS" ] || break
        cp "$input" "$kept/"
    done < <(find "$fresh" -type f -printf '%s %p\n' | sort -n)
    echo "$target: $(find "$kept" -type f | wc -l) inputs kept"
}

main() {
    local merging='' target
    seconds=30
    if [ "${1:-}" = --merge ]; then
        merging=1
        shift
    elif [[ ${1:-} =~ ^[0-9] ]]; then
        seconds=$1
        shift
    fi
    if [[ ! $seconds =~ ^[1-9][0-9]{0,5}$ ]]; then
        echo "./run fuzz: '$seconds' is not a number of seconds" >&2
        exit 2
    fi
    local targets=()
    for target in "$@"; do
        target=fuzz_${target#fuzz_}
        targets+=("$target")
        [[ $target == */* || ! -f tests/fuzz/$target.c ]] || continue
        echo "./run fuzz: no target '${target#fuzz_}'; there are:" \
            "$(all_targets | sed 's/^fuzz_//' | tr '\n' ' ')" >&2
        exit 2
    done
    # shellcheck disable=SC2207  # names without blanks
    [ $# -gt 0 ] || targets=($(all_targets))
    set -- "${targets[@]}"
    [ -n "${FUZZ_BIN:-}" ] || build_targets asan
    mkdir -p "$GROWN"
    if [ -z "$merging" ]; then
        run_all "$@"
        return
    fi
    for target in "$@"; do
        merge "$target"
    done
}

main "$@"
