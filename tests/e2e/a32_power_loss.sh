#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 32: the power goes, for server and clients at once, and of what was not synced nothing
# is left, or a random part of it.  The server starts again; whoever had joined logs in, and every
# message that was acknowledged or kept in the outbox by then arrives, once and in order.
# tests/fault/disk_shim.c keeps the log of what the disk was told.  KILL_POINTS=all cuts after every
# acknowledgement and at many other moments, a number that often (default 5); SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

SHIM=$ROOT/build/$BUILD/tests/fault/disk_shim.so
[ -f "$SHIM" ] || skip "no disk_shim.so in build/$BUILD"
# Where the users of net and ca can reach it.
chmod 711 "$T"
cp "$SHIM" "$T/disk_shim.so"
SHIM=$T/disk_shim.so
W=$T/world
LOG=$T/disk.log
mkdir -m 711 "$W"
python3 -B "$ROOT/tests/fault/disk_log.py" snapshot "$W" "$LOG"

recorded() {
    DISK_DIR=$W DISK_LOG=$LOG LD_PRELOAD=$SHIM "$@"
}
mal() { # NAME COMMAND...
    timeout -k 5 60 malote --home "$W/home-$1" "${@:2}" </dev/null
}
# mark WORD...: what stands from this moment on.
mark() {
    echo "$(stat -c %s "$LOG") $*" >>"$T/marks"
}
told() { # STATUS TEXT
    local status=0
    recorded mal maria send joao "$2" >"$T/out" 2>&1 || status=$?
    [ "$status" -eq "$1" ] || { cat "$T/out"; fail "sending $2: exit $status"; }
    mark "$2"
}
joined() { # NAME
    recorded mal "$1" join "$(invite "$1")" --name "$1" >"$T/out" 2>&1 ||
        { cat "$T/out"; fail "$1 could not join"; }
    mark "joined-$1"
}
texts_of() { # NAME: what its store has, in order
    mal "$1" history --json | grep -oE '"text":"m[0-9]+"' | tr -dc '0-9\n'
}

D=$W/data
recorded start_server
joined maria
joined joao
told 0 m1
told 0 m2
told 0 m3
recorded mal joao listen --count 2 --timeout 20 >"$T/out" 2>&1 || fail "joao heard nothing"
mark heard
told 0 m4
recorded mal maria status >/dev/null || fail "maria"
kill -KILL "$SERVER"
wait "$SERVER" || true
told 5 m5
told 5 m6
recorded start_server
recorded mal maria status >/dev/null || fail "maria"
recorded mal joao listen --timeout 2 >"$T/out" 2>&1 || true
told 0 m7
stop_server
is "$(tr '\n' ' ' < <(texts_of joao))" "1 2 3 4 5 6 "
size=$(stat -c %s "$LOG")

arrived() { # UPTO: every text that was promised by then
    mal maria status >/dev/null 2>&1 || return 1
    mal joao listen --timeout 1 >/dev/null 2>&1 || true
    texts_of joao >"$T/had"
    local at text
    while read -r at text; do
        [ "$at" -gt "$1" ] || [[ $text != m* ]] || grep -qx "${text#m}" "$T/had" || return 1
    done <"$T/marks"
}

# cut AT [SEED]: lives on from what the disk held then.
cut() {
    local W=$T/after-$1-${2:-0} D
    D=$W/data
    python3 -B "$ROOT/tests/fault/disk_log.py" cut "$LOG" "$1" "$W" ${2:-}
    chmod 711 "$W"
    start_server
    wait_for 20 arrived "$1"
    sort -n -u "$T/had" | cmp -s - "$T/had" || fail "joao has $(tr '\n' ' ' <"$T/had")"
    stop_server
    rm -rf "$W"
}

SEED=${SEED:-$RANDOM}
KILL_POINTS=${KILL_POINTS:-5}
RANDOM=$((SEED % 32768))
first=$(sed -n 's/ joined-joao//p' "$T/marks") # before that there is nobody to ask
{
    while read -r at _; do
        [ "$at" -lt "$first" ] || printf '%s strict\n%s %s\n' "$at" "$at" "$RANDOM"
    done <"$T/marks"
    for _ in $(seq 40); do
        echo "$((first + (RANDOM * 32768 + RANDOM) % (size - first))) $RANDOM"
    done
} >"$T/all"
[ "$KILL_POINTS" != all ] || KILL_POINTS=$(wc -l <"$T/all")
echo "seed $SEED, of $(wc -l <"$T/all") moments"
shuf -n "$KILL_POINTS" --random-source=<(yes "$SEED") "$T/all" >"$T/points"
while read -r at seed; do
    POINT="cut at $at, $seed"
    echo "$POINT"
    [ "$seed" != strict ] || seed=
    cut "$at" $seed
done <"$T/points"
echo "$KILL_POINTS power cuts survived, seed $SEED"
