#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 31: kill -9 at one syscall of a message's way through the mailbox, of the process that
# stores it (net), of the one that sends it, or of the one that receives it.  What was acknowledged
# arrives, once and in order; what was kept in the outbox as well.  KILL_POINTS=all takes every
# syscall of the three, a number that many of them (default 6); SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "only root may trace a process that is not dumpable"
command -v strace >/dev/null || skip "no strace"

# traced VICTIM WHO COMMAND...: malote, under strace if it is the victim.
traced() {
    local who=$2
    if [ "$VICTIM" != "$1" ]; then
        as "$who" "${@:3}"
        return
    fi
    timeout -k 5 60 strace -f -qq -o "$T/trace" "${STRACE[@]}" \
        malote --home "$T/home-$who" "${@:3}"
}

# attach: strace on net; TRACER is its pid.
attach() {
    : >"$T/tracer.log"
    strace -f -o "$T/trace" "${STRACE[@]}" -p "$(child_of "$SERVER" net)" 2>"$T/tracer.log" &
    TRACER=$!
    STARTED+=("$TRACER")
    wait_for 5 grep -q attached "$T/tracer.log"
}

history_of() { # NAME: the texts of this round, as its store has them
    as "$1" history --json </dev/null | sed -nE "s/.*\"text\":\"r$ROUND-([0-9])\".*/\1/p"
}

# try NUMBER: notes what the sender was told.
try() {
    local status=0
    traced send maria send joao "r$ROUND-$1" >"$T/send.out" 2>&1 </dev/null || status=$?
    case $status in
    0 | 5) PROMISED+=("$1") ;;
    137) [ "$VICTIM" = send ] || fail "$POINT: the sender was killed" ;;
    *) cat "$T/send.out"; fail "$POINT: exit $status" ;;
    esac
}

hear() {
    local status=0
    traced listen joao listen --count "$1" --timeout "$2" >"$T/heard" 2>&1 </dev/null || status=$?
    [[ $status =~ ^(0|3|7|137)$ ]] || { cat "$T/heard"; fail "$POINT: listen ended with $status"; }
}

# A message for somebody away, a drain, a message while he drains, and the outcome on its way back.
play() {
    try 1
    try 2
    hear 1 3
    try 3
    hear 2 3
    traced status maria status >/dev/null 2>&1 </dev/null || true
}

settled() {
    VICTIM=nobody
    as maria status >/dev/null 2>&1 </dev/null || return 1
    as joao listen --timeout 1 >/dev/null 2>&1 </dev/null || true
    local had number
    had=$(history_of joao)
    for number in "${PROMISED[@]}"; do
        grep -qx "$number" <<<"$had" || return 1
    done
}

# One round: POINT is "WHO CALL NTH", or "" for an undisturbed one that counts.
round() {
    ROUND=$((ROUND + 1))
    PROMISED=()
    VICTIM=$1
    POINT="round $ROUND, $1 $2"
    STRACE=(-e trace=all)
    [ -z "$2" ] || STRACE+=(-e "inject=${2% *}:signal=KILL:when=${2#* }")
    : >"$T/trace"
    [ "$VICTIM" != net ] || attach
    play
    if [ "$1" = net ]; then
        kill "$TRACER" 2>/dev/null || true
        wait "$TRACER" 2>/dev/null || true
    fi
    wait_for 30 settled
    # Each once, and those that came in the order in which they were sent.
    history_of joao >"$T/had"
    sort -n -u "$T/had" | cmp -s - "$T/had" ||
        fail "$POINT: the recipient has $(tr '\n' ' ' <"$T/had")"
}

start_server
join maria joao
ROUND=0
for victim in net send listen; do
    round "$victim" ""
    is "$(tr '\n' ' ' <"$T/had")" "1 2 3 "
    # strace counts the calls of each thread by themselves.
    sed -nE 's/^([0-9]+) +([a-z0-9_]+)\(.*/\1 \2/p' "$T/trace" |
        awk -v who="$victim" '{ n = ++seen[$1, $2]; if (n > most[$2]) most[$2] = n }
            END { for (call in most) for (n = 1; n <= most[call]; n++) print who, call, n }' |
        sort >>"$T/all"
done
total=$(wc -l <"$T/all")
[ "$total" -gt 300 ] || fail "only $total syscalls seen"

SEED=${SEED:-$RANDOM}
KILL_POINTS=${KILL_POINTS:-6}
[ "$KILL_POINTS" != all ] || KILL_POINTS=$total
echo "seed $SEED, of $total syscalls"
shuf -n "$KILL_POINTS" --random-source=<(yes "$SEED") "$T/all" >"$T/points"

kills=0 deaths=0
while read -r who call nth; do
    round "$who" "$call $nth"
    grep -q 'killed by SIGKILL' "$T/trace" || continue
    kills=$((kills + 1))
    [ "$who" = net ] || continue
    # Five deaths of a child within a minute and maloted gives up.
    deaths=$((deaths + 1))
    if [ "$deaths" -eq 4 ]; then
        deaths=0
        stop_server
        start_server
    fi
done <"$T/points"
[ "$kills" -gt 0 ] || fail "nothing was ever killed"
stop_server
echo "$kills kills survived, seed $SEED, of $total points"
