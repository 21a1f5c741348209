#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run test [NAME...]: checks, two builds, unit programs of both, fuzz corpora and a short live
# run of every fuzz target, then the end-to-end scripts.  One line a test, the log of a failing
# one, and at the end exactly one line with the sum.  With NAMEs: what contains one of them.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

NAMES=("$@")
LOGS=build/test-logs
FUZZ_SECONDS=90 # shared by all targets
passed=0 failed=0 skipped=0

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
    [ -z "${2:-}" ] || sed 's/^/        | /' < <(tail -n 60 "$2")
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

run_checks() {
    local check line
    for check in layers words spdx format documents; do
        verdict "check $check" "scripts/check_$check.sh"
    done
    wanted_within "checks" scripts/test_checks.sh || return 0
    { scripts/test_checks.sh 2>&1 || true; } >"$LOGS/checks.log"
    while IFS= read -r line; do
        case $line in
        'ok '*) ! wanted "${line#ok }" || pass "${line#ok }" ;;
        'not ok '*) ! wanted "${line#not ok }" || fail "${line#not ok }" ;;
        *) fail "checks said: $line" ;;
        esac
    done <"$LOGS/checks.log"
    grep -q '^ok ' "$LOGS/checks.log" || fail "checks said nothing"
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

# One cmocka program: each of its tests counts; so does a crash, or a test that never reported.
run_unit() { # BUILD SOURCE
    local name id log status=0 line seen=0 bad=0 planned
    name=$(basename "$2" .c)
    id="unit $1 $name"
    wanted_within "$id" "$2" || return 0
    log=$LOGS/unit_$1_$name.log
    CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 300 "build/$1/tests/unit/$name" \
        >"$log" 2>"$log.err" </dev/null || status=$?
    while IFS= read -r line; do
        case $line in
        ok\ *\#\ SKIP*) seen=$((seen + 1)); skip "$id ${line##*SKIP }" "skipped itself" ;;
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
    local dir source
    for dir in gcc asan; do
        for source in tests/unit/test_*.c; do
            [ -f "$source" ] || continue
            run_unit "$dir" "$source"
        done
    done
}

run_fuzz() {
    local sources=(tests/fuzz/fuzz_*.c) source name seconds program
    [ -f "${sources[0]}" ] || return 0
    seconds=$((FUZZ_SECONDS / ${#sources[@]}))
    [ "$seconds" -ge 2 ] || seconds=2
    [ "$seconds" -le 8 ] || seconds=8
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        program=build/asan/tests/fuzz/$name
        verdict "fuzz $name corpus" replay "$program" "tests/fuzz/corpus/${name#fuzz_}"
        mkdir -p "build/fuzz/$name"
        verdict "fuzz $name live" timeout -k 5 120 "$program" -max_total_time="$seconds" \
            -timeout=10 -rss_limit_mb=1024 -artifact_prefix="build/fuzz/$name/" \
            "build/fuzz/$name" "tests/fuzz/corpus/${name#fuzz_}"
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

# A script says what it is by its exit status; 77 and a last line "skip: REASON" is a skip.
run_script() { # BUILD SCRIPT
    local name id log status=0
    name=$(basename "$2" .sh)
    id="e2e $1 $name"
    wanted "$id" || return 0
    log=$LOGS/e2e_$1_$name.log
    BUILD=$1 timeout -k 10 120 bash "$2" >"$log" 2>&1 </dev/null || status=$?
    case $status in
    0) pass "$id" ;;
    77) skip "$id" "$(tail -n 1 "$log" | sed 's/^skip: //')" ;;
    124 | 137) echo "ended by its time limit" >>"$log"; fail "$id" "$log" ;;
    *) fail "$id" "$log" ;;
    esac
}

run_scripts() {
    local script
    for script in tests/e2e/[a-z]*_*.sh; do
        [ -f "$script" ] || continue
        run_script gcc "$script"
        # Scripts that send bad input are worth most where memory errors are seen.
        ! grep -q '^# also: asan$' "$script" || run_script asan "$script"
    done
}

main() {
    run_checks
    run_builds
    run_units
    run_fuzz
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
