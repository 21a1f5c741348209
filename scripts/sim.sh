#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run sim [SECONDS] [SEED]: the relay's and the clients' decisions on a virtual clock, world after
# world (default: 60 s, a seed of chance), and half a day of a small fleet whose certificates have
# ten minutes; then the same with each bug that can be planted around them, which has to be found.
# ./run sim --fleet [MINUTES] [SEED]: the fleet alone, for so many virtual minutes (default: a week,
# which takes three real ones).  "ok WHAT" or "not ok WHAT" a line; exit 1 if any is not.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

FLEET_ONLY=no
FLEET=(--fleet 720 --people 6)
if [ "${1:-}" = --fleet ]; then
    FLEET_ONLY=yes
    shift
    FLEET=(--fleet "${1:-10080}" --people 20)
fi
SECONDS_OF_IT=${1:-60}
SEED=${2:-$((RANDOM * 32768 + RANDOM))}
PLANTED_SIZE=15000     # smaller worlds: a bug shows in the first ones
PLANTED_EVENTS=1000000 # and here at the latest

if [ $# -gt 2 ] || ! [[ $SECONDS_OF_IT =~ ^[1-9][0-9]{0,5}$ ]] || ! [[ $SEED =~ ^[0-9]{1,15}$ ]]; then
    echo "./run sim: it takes [--fleet] and two numbers, not '$*'" >&2
    exit 2
fi

# SIM_BIN: another build's program, for whoever works beside others.
[ -n "${SIM_BIN:-}" ] || build_tests
SIM=${SIM_BIN:-build/gcc}/tests/sim/sim
FAILED=0

run_worlds() {
    local out
    if out=$(timeout -k 5 $((SECONDS_OF_IT + 300)) "$SIM" --seed "$SEED" \
        --seconds "$SECONDS_OF_IT" 2>&1); then
        echo "ok sim ${out#ok: }" | paste -sd ' ' | tr -s ' '
    else
        echo "not ok sim ${out//$'\n'/; }"
        FAILED=1
    fi
}

run_fleet() {
    local out
    if out=$(timeout -k 5 3600 "$SIM" --seed "$SEED" "${FLEET[@]}" 2>&1); then
        echo "ok sim fleet ${out#ok: }" | paste -sd ' ' | tr -s ' '
    else
        echo "not ok sim fleet ${out//$'\n'/; }"
        FAILED=1
    fi
}

# Every bug found is one that the promises forbid, and not that nothing ends.
find_planted() { # PLANT FILE OPTION...: FILE of tests/sim notices it
    local out
    if out=$(timeout -k 5 300 "$SIM" --seed "$SEED" "${@:3}" --plant "$1" 2>&1); then
        echo "not ok sim does not find $1: ${out//$'\n'/; }"
        FAILED=1
    elif ! grep -qE "^not ok: (.*/)?tests/sim/($2)\.c:" <<<"$out"; then
        echo "not ok sim finds something else than $1: ${out//$'\n'/; }"
        FAILED=1
    else
        echo "ok sim finds $1"
    fi
}

if [ "$FLEET_ONLY" = no ]; then
    run_worlds
    for plant in $("$SIM" --plants); do
        find_planted "$plant" judge --size "$PLANTED_SIZE" --events "$PLANTED_EVENTS"
    done
fi
run_fleet
for plant in $("$SIM" --fleet 1 --plants); do
    find_planted "$plant" 'people|server|fleet' --fleet 360 --people 6
done
exit "$FAILED"
