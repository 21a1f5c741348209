#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of ca at one syscall of 'malote-ca erase'.  Whatever was on disk by then, ca starts again
# by itself, the pair is there or it is gone, the command can be repeated, and everybody else's
# stored mail opens.  KILL_POINTS=all takes every syscall, a number that many of them (default 3);
# SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "only root may trace a process that is not dumpable"
command -v strace >/dev/null || skip "no strace"

pairs() {
    grep -c '^mailbox ' "$D/ca/chaves.txt" || true
}
has_pairs() {
    [ "$(pairs)" -eq "$1" ]
}
back() {
    ca list >/dev/null 2>&1
}
trace() {
    : >"$T/tracer.log"
    strace -o "$T/trace" "$@" -p "$(child_of "$SERVER" ca)" 2>"$T/tracer.log" &
    TRACER=$!
    STARTED+=("$TRACER")
    wait_for 5 grep -q attached "$T/tracer.log"
}
fresh_server() {
    rm -rf "$D"
    cp -a "$T/origin" "$D"
    rm -rf "$T/home-maria"
    cp -a "$T/origin-maria" "$T/home-maria"
    start_server
}
erase() {
    ca erase joao --yes >"$T/erase.out" 2>&1
}

start_server
join joao maria ana
wait_for 15 has_pairs 3
send ana maria "must be read"
stop_server
cp -a "$D" "$T/origin"
cp -a "$T/home-maria" "$T/origin-maria"

fresh_server
trace -e trace=all
erase || { cat "$T/erase.out"; fail "joao could not be erased"; }
has_pairs 2
stop_server
wait "$TRACER" || true
# strace counts the calls of each name: "pwrite64 3" is the third.
sed -nE 's/^([a-z0-9_]+)\(.*/\1/p' "$T/trace" | awk '{ print $1, ++seen[$1] }' >"$T/all"
total=$(wc -l <"$T/all")
[ "$total" -gt 30 ] || fail "only $total syscalls seen"
grep -q '^rename' "$T/all" || fail "no rename was seen"

SEED=${SEED:-$RANDOM}
KILL_POINTS=${KILL_POINTS:-3}
[ "$KILL_POINTS" != all ] || KILL_POINTS=$total
echo "seed $SEED, of $total syscalls"
shuf -n "$KILL_POINTS" --random-source=<(yes "$SEED") "$T/all" >"$T/points"

kills=0
while read -r call nth; do
    point="$call $nth"
    fresh_server
    trace -e trace=all -e "inject=$call:signal=KILL:when=$nth"
    erase || true
    # It may be killed after the answer only, and the next question is the one that fails.
    wait_for 15 back
    case $(pairs) in
    2 | 3) ;;
    *) fail "point $point: $(pairs) pairs" ;;
    esac
    wait_for 15 erase
    has_pairs 2 || fail "point $point: $(pairs) pairs after the second try"
    ! grep -q '^mailbox joao ' "$D/ca/chaves.txt" || fail "point $point: the pair is there"
    [ ! -e "$D/ca/chaves.txt.next" ] || fail "point $point: something was left over"
    listen maria --count 1
    wait_for 15 heard maria "must be read"
    stop_server
    start_server
    back || fail "point $point: no ca after a restart"
    stop_server
    grep -q 'killed by SIGKILL' "$T/trace" || continue
    kills=$((kills + 1))
done <"$T/points"
[ "$kills" -gt 0 ] || fail "nothing was ever killed"
echo "$kills kills survived"
