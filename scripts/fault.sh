#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run fault [--seed N] [--most N] [CHECK...]: kills, disk errors and power cuts at every point of
# what keeps messages (check.py lists the checks); --most N takes so many points of each, chosen by
# the seed.  Prints "ok WHAT" or "not ok WHAT" a line; exit 1 if any is not.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

SEED=$((RANDOM * 32768 + RANDOM))
MOST=0
FAILED=0

usage() {
    echo "./run fault: [--seed N] [--most N] [CHECK...], with checks of" \
        "kill errors stuck power unsynced syscalls real; not '$1'" >&2
    exit 2
}

number() { # OPTION VALUE
    [[ ${2:-} =~ ^[0-9]{1,9}$ ]] || usage "$1 ${2:-}"
    printf '%s' "$2"
}

check() { # PROGRAM CHECK...
    [ $# -gt 1 ] || return 0
    python3 -B tests/fault/check.py --shim "$BIN/disk_shim.so" --seed "$SEED" --most "$MOST" \
        "$BIN/$1" "${@:2}" || FAILED=1
}

# The checks, checked: each of these programs does one thing wrong, and that check finds it.
finds() { # FAULT CHECK
    local out
    if ! wanted "$2"; then
        return 0
    elif out=$(BARE=$1 python3 -B tests/fault/check.py --shim "$BIN/disk_shim.so" \
        --seed "$SEED" --most 150 "$BIN/bare_program" "$2" 2>&1); then
        echo "not ok $2 does not find the fault '$1': ${out//$'\n'/ / }"
        FAILED=1
    elif ! grep -qE '^not ok .*(acknowledged and is|half of it is there|there 2 times)' <<<"$out"; then
        echo "not ok $2 finds something else than the fault '$1': ${out//$'\n'/ / }"
        FAILED=1
    else
        echo "ok $2 finds the fault '$1'"
    fi
}

wanted() { # CHECK
    [[ " ${CHECKS[*]} " == *" $1 "* ]]
}

# The real programs: their scripts take every point instead of a few.
real() {
    local script points=$MOST
    [ "$points" -gt 0 ] || points=all
    for script in a31_kill_at_every_syscall_of_mail a31_kill_at_every_syscall_of_the_ca a32_power_loss; do
        if SEED=$SEED KILL_POINTS=$points bash "tests/e2e/$script.sh" >"$LOG" 2>&1 </dev/null; then
            echo "ok $script: $(tail -n 1 "$LOG")"
        else
            echo "not ok $script, seed $SEED:"
            sed 's/^/    | /' "$LOG"
            FAILED=1
        fi
    done
}

CHECKS=()
while [ $# -gt 0 ]; do
    case $1 in
    --seed)
        SEED=$(number "$@")
        shift
        ;;
    --most)
        MOST=$(number "$@")
        shift
        ;;
    kill | errors | stuck | power | unsynced | syscalls | real) CHECKS+=("$1") ;;
    *) usage "$1" ;;
    esac
    shift
done
[ ${#CHECKS[@]} -gt 0 ] || CHECKS=(kill errors stuck power unsynced syscalls real)

# FAULT_BIN: another build's programs, for whoever works beside others.
[ -n "${FAULT_BIN:-}" ] || build_tests
BIN=$(realpath "${FAULT_BIN:-build/gcc/tests/fault}")
finds normal power
finds early kill
finds half kill
finds twice kill
programs=()
for name in "${CHECKS[@]}"; do
    [ "$name" = real ] || programs+=("$name")
done
for name in store_program client_program; do
    check "$name" "${programs[@]}"
done
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
! wanted real || real
exit "$FAILED"
