#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run test [NAME...]: checks, two builds, unit programs of both, fuzz corpora and a live run of
# some fuzz targets, kills and disk errors, a small soak, a simulation, then the end-to-end
# scripts.  One line a test, the log of a failing one, and at the end exactly one line with the
# sum.  With NAMEs: what contains one of them.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

NAMES=("$@")
LOGS=build/test-logs
FUZZ_SECONDS=30 # of each target that is run live
FUZZ_LIVE=4     # of them a run, two at a time: a minute
AT_ONCE=$(($(nproc) + 1)) # unit programs and scripts, which often only wait
declare -A running=() # process id -> what judges it, and of what
passed=0 failed=0 skipped=0

# A name is a part of what a test, or a script with tests, says of itself.  One that has a word
# which stands nowhere among them is refused before anything is built.
refuse_unknown_names() {
    local name word
    for name in "${NAMES[@]}"; do
        for word in $name; do
            find tests scripts -type f -not -path '*/corpus/*' | grep -qF -- "$word" ||
                grep -rqF --exclude-dir=corpus -- "$word" tests scripts PROTOCOL.md && continue
            echo "./run test: no test is named '$name'" >&2
            exit 2
        done
    done
}
refuse_unknown_names

rm -rf "$LOGS"
mkdir -p "$LOGS"

wanted() { # ID
    [ ${#NAMES[@]} -gt 0 ] || return 0
    local name
    for name in "${NAMES[@]}"; do
        [[ $1 != *"$name"* ]] || return 0
    done
    return 1
}

# Could a test below this program or script be wanted?  Then it has to run.
wanted_within() { # ID FILE
    wanted "$1" && return 0
    local name
    for name in "${NAMES[@]}"; do
        grep -qF -- "$name" "$2" && return 0
    done
    return 1
}

pass() {
    echo "ok      $1"
    passed=$((passed + 1))
}

fail() { # ID [LOG]
    echo "not ok  $1"
    failed=$((failed + 1))
    [ -z "${2:-}" ] || sed 's/^/        | /' < <(tail -n 60 "$2" | cut -c 1-400)
}

skip() { # ID REASON
    echo "skipped $1: $2"
    skipped=$((skipped + 1))
}

# verdict ID LOG COMMAND...: one test that is one command.
verdict() {
    local id=$1 log=$LOGS/${1//[ \/]/_}.log
    shift
    wanted "$id" || return 0
    if "$@" >"$log" 2>&1 </dev/null; then
        pass "$id"
    else
        fail "$id" "$log"
    fi
}

# begin JUDGE BUILD NAME LOG ERRORS COMMAND...: COMMAND beside others.  In the order in which they
# end, JUDGE BUILD NAME STATUS says what became of them.
begin() {
    [ ${#running[@]} -lt "$AT_ONCE" ] || judge_next
    "${@:6}" >>"$4" 2>>"$5" </dev/null &
    running[$!]="$1 $2 $3"
}

judge_next() {
    local pid='' status=0 judged
    wait -n -p pid "${!running[@]}" || status=$?
    read -r -a judged <<<"${running[$pid]}"
    unset "running[$pid]"
    "${judged[@]}" "$status"
}

judge_all() {
    while [ ${#running[@]} -gt 0 ]; do
        judge_next
    done
}

# A script that prints "ok NAME" or "not ok NAME" for each of its tests.
run_lines() { # WHAT SCRIPT [ARGUMENT]
    local line log=$LOGS/$1.log
    wanted_within "$1" "$2" || return 0
    { "${@:2}" 2>&1 || true; } >"$log"
    while IFS= read -r line; do
        case $line in
        'ok '*) ! wanted "${line#ok }" || pass "${line#ok }" ;;
        'not ok '*) ! wanted "${line#not ok }" || fail "${line#not ok }" ;;
        *) fail "$1 said: $line" ;;
        esac
    done <"$log"
    grep -q '^ok ' "$log" || fail "$1 said nothing"
}

# What is written down of the protocol's vectors is what both builds make of it.
run_vectors() {
    local dir
    for dir in gcc asan; do
        verdict "vectors $dir" scripts/vectors.sh "build/$dir/tests/vectors/make_vectors"
    done
    run_lines vectors scripts/test_vectors.sh build/gcc/tests/vectors/make_vectors
}

# Other people's vectors and certificates, out of installed packages, put to our wrappers.
run_public() {
    local file line log=$LOGS/public.log some=() status=0
    if [ ${#NAMES[@]} -gt 0 ]; then
        for file in tests/public/*.py; do
            ! wanted_within "public" "$file" || some=(yes)
        done
        [ ${#some[@]} -gt 0 ] || return 0
    fi
    timeout -k 5 300 python3 -B tests/public/check.py build/asan/tests/public/oracle \
        >"$log" 2>&1 </dev/null || status=$?
    while IFS= read -r line; do
        case $line in
        'ok '*) ! wanted "public ${line#ok }" || pass "public ${line#ok }" ;;
        'not ok '*) ! wanted "public ${line#not ok }" || fail "public ${line#not ok }" ;;
        *) fail "public said: $line" ;;
        esac
    done <"$log"
    if ! grep -q '^ok ' "$log" || { [ "$status" -ne 0 ] && ! grep -q '^not ok ' "$log"; }; then
        fail "public: ended with status $status" "$log"
    fi
}

run_checks() {
    local check
    for check in layers words spdx format documents; do
        verdict "check $check" "scripts/check_$check.sh"
    done
    run_lines checks scripts/test_checks.sh
}

run_builds() {
    local dir log
    for dir in gcc asan; do
        log=$LOGS/build_$dir.log
        [ "$dir" != gcc ] || setup_dir gcc >"$log" 2>&1 || true
        if { [ "$dir" != gcc ] || meson configure build/gcc -Dtests=true; } >>"$log" 2>&1 &&
            build_targets "$dir" >>"$log" 2>&1; then
            ! wanted "build $dir" || pass "build $dir"
        else
            fail "build $dir" "$log"
        fi
    done
    mkdir -p build/bin
    build_binaries >"$LOGS/binaries.log" 2>&1 || fail "build binaries" "$LOGS/binaries.log"
}

run_unit() { # BUILD SOURCE
    local name
    name=$(basename "$2" .c)
    wanted_within "unit $1 $name" "$2" || return 0
    local log=$LOGS/unit_$1_$name.log
    begin judge_unit "$1" "$name" "$log" "$log.err" \
        env CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 300 "build/$1/tests/unit/$name"
}

# One cmocka program: each of its tests counts; so does a crash, or a test that never reported.
judge_unit() { # BUILD NAME STATUS
    local id="unit $1 $2" log=$LOGS/unit_$1_$2.log status=$3 line seen=0 bad=0 planned
    while IFS= read -r line; do
        case $line in
        *ok\ *\#\ SKIP*) seen=$((seen + 1)); skip "$id ${line##*SKIP }" "skipped itself" ;;
        'ok '*) seen=$((seen + 1)); ! wanted "$id ${line#* - }" || pass "$id ${line#* - }" ;;
        'not ok '*)
            seen=$((seen + 1)) bad=$((bad + 1))
            cat "$log.err" >>"$log"
            fail "$id ${line#* - }" "$log"
            ;;
        esac
    done < <(grep -E '^(not )?ok ' "$log" || true)
    planned=$(awk -F'\\.\\.' '/^1\.\.[0-9]+$/ { n += $2 } END { print n + 0 }' "$log")
    if [ "$seen" -eq 0 ] || [ "$seen" -ne "$planned" ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
        cat "$log.err" >>"$log"
        fail "$id: ended with status $status after $seen of $planned tests" "$log"
    fi
}

run_units() {
    verdict "check paths of PROTOCOL.md" build/gcc/tests/unit/test_steps --compare PROTOCOL.md
    verdict "check pages" scripts/check_pages.sh
    local dir source
    for dir in gcc asan; do
        for source in tests/unit/test_*.c; do
            [ -f "$source" ] || continue
            run_unit "$dir" "$source"
        done
    done
    judge_all
}

# Every kept input of every target, and half a minute of some: FUZZ_LIVE of them a run, the next
# ones with each commit and each day.  FUZZ_ROUND=N repeats a choice.
run_fuzz() {
    local source name
    for source in tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        verdict "fuzz $name corpus" replay "build/asan/tests/fuzz/$name" \
            "tests/fuzz/corpus/${name#fuzz_}"
    done
    verdict "fuzz seeds" compare_seeds
    run_fuzz_live
}

# The kept corpora hold what the generators write now, and not of a format that has gone.
compare_seeds() {
    local fresh seed bad=0
    fresh=$(mktemp -d)
    build/asan/tests/fuzz/make_seeds "$fresh" || bad=1
    build/asan/tests/fuzz/make_ipc_seeds "$fresh" || bad=1
    while IFS= read -r seed; do
        cmp -s "$fresh/$seed" "tests/fuzz/corpus/$seed" || {
            echo "tests/fuzz/corpus/$seed is not what its generator writes; after a change of" \
                "format: build/asan/tests/fuzz/make_seeds and make_ipc_seeds tests/fuzz/corpus"
            bad=1
        }
    done < <(cd "$fresh" && find . -type f -printf '%P\n')
    rm -rf "$fresh"
    return "$bad"
}

choose_live() {
    local sources=(tests/fuzz/fuzz_*.c) round=${FUZZ_ROUND:-} i name commits
    if [ ${#NAMES[@]} -gt 0 ]; then
        for name in "${sources[@]}"; do
            name=$(basename "$name" .c)
            ! [[ "${NAMES[*]}" == *fuzz_* ]] || ! wanted "fuzz $name live" || echo "$name"
        done
        return
    fi
    commits=$(git rev-list --count HEAD 2>/dev/null || echo 0)
    [ -n "$round" ] || round=$(($(date +%s) / 86400 + commits))
    echo "live fuzzing: round $round (FUZZ_ROUND=$round chooses the same)" >&2
    for ((i = 0; i < FUZZ_LIVE; i++)); do
        basename "${sources[(round * FUZZ_LIVE + i) % ${#sources[@]}]}" .c
    done
}

run_fuzz_live() {
    local chosen line name log=$LOGS/fuzz_live.log
    mapfile -t chosen < <(choose_live)
    [ ${#chosen[@]} -gt 0 ] || return 0
    { scripts/fuzz.sh "$FUZZ_SECONDS" "${chosen[@]}" 2>&1 || true; } >"$log"
    for name in "${chosen[@]}"; do
        line=$(grep -E "^(not )?ok $name: " "$log" || true)
        case $line in
        'ok '*) pass "fuzz $name live: ${line#*: }" ;;
        *) fail "fuzz $name live" "$log" ;;
        esac
    done
}

# Every kept input once; a target without any is a failure.
replay() { # PROGRAM CORPUS
    local inputs=("$2"/*)
    if [ ! -f "${inputs[0]}" ]; then
        echo "$2 holds no input"
        return 1
    fi
    timeout -k 5 120 "$1" -runs=0 -timeout=10 "$2"
}

run_script() { # BUILD SCRIPT
    local name
    name=$(basename "$2" .sh)
    wanted "e2e $1 $name" || return 0
    local log=$LOGS/e2e_$1_$name.log
    begin judge_script "$1" "$name" "$log" "$log" env BUILD="$1" timeout -k 10 180 bash "$2"
}

# A script says what it is by its exit status; 77 and a last line "skip: REASON" is a skip.
judge_script() { # BUILD NAME STATUS
    local id="e2e $1 $2" log=$LOGS/e2e_$1_$2.log
    case $3 in
    0) pass "$id" ;;
    77) skip "$id" "$(tail -n 1 "$log" | sed 's/^skip: //')" ;;
    124 | 137) echo "ended by its time limit" >>"$log"; fail "$id" "$log" ;;
    *) fail "$id" "$log" ;;
    esac
}

# Some points of each check of scripts/fault.sh, and a small soak; the seeds stand in their lines.
run_fault() {
    FAULT_BIN=build/gcc/tests/fault run_lines fault scripts/fault.sh --most 25 \
        kill errors stuck power unsynced syscalls
    run_lines planted scripts/planted.sh
    verdict "soak of 1500 messages" env SOAK_BIN=build/gcc timeout -k 10 240 \
        scripts/soak.sh --messages 1500 --clients 10
}

# Relay and clients on a virtual clock for 20 s, and bugs that it has to find; the seed stands in
# its line.
run_sim() {
    SIM_BIN=build/gcc run_lines sim scripts/sim.sh 20
}

run_scripts() {
    local script
    for script in tests/e2e/[a-z]*_*.sh; do
        [ -f "$script" ] || continue
        run_script gcc "$script"
        # Scripts that send bad input are worth most where memory errors are seen.
        ! grep -q '^# also: asan$' "$script" || run_script asan "$script"
    done
    judge_all
}

main() {
    run_checks
    run_builds
    run_vectors
    run_units
    run_public
    run_fuzz
    run_fault
    run_sim
    run_scripts
    if [ $((passed + failed)) -eq 0 ]; then
        echo "no test is named so: ${NAMES[*]}" >&2
        failed=1
    fi
    if [ "$skipped" -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ]
}

main
