#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of ca at one syscall of 'malote-ca erase'.  Whatever was on disk by then, ca starts again
# by itself, the pair is there or it is gone, the command can be repeated, and everybody else's
# stored mail opens.  KILL_POINTS=all takes every syscall, a number that many of them (default 3);
# SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/syscalls.sh"

pairs() {
    grep -c '^mailbox ' "$D/ca/chaves.txt" || true
}
has_pairs() {
    [ "$(pairs)" -eq "$1" ]
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
# joao's first pair is in no file; a successor may be there at once.
is_erased() {
    ! grep -qF "$old" "$D"/ca/chaves.txt*
}

start_server
join joao maria ana
wait_for 45 has_pairs 3 # made when the machine has nothing else to do
send ana maria "must be read"
stop_server
cp -a "$D" "$T/origin"
cp -a "$T/home-maria" "$T/origin-maria"
old=$(grep -o '^mailbox joao .* ' "$D/ca/chaves.txt") # without its mac

fresh_server
trace_ca
erase || { cat "$T/erase.out"; fail "joao could not be erased"; }
is_erased || fail "the pair is there"
stop_server
choose_points 30
grep -q '^rename' "$T/all" || fail "no rename was seen"

kills=0
while read -r call nth; do
    point="$call $nth"
    fresh_server
    kill_ca_at "$call" "$nth"
    erase || true
    # It may be killed after the answer only, and the next question is the one that fails.
    wait_for 15 ca_is_back
    case $(pairs) in
    2 | 3) ;;
    *) fail "point $point: $(pairs) pairs" ;;
    esac
    wait_for 15 erase
    is_erased || fail "point $point: the pair is there"
    case $(pairs) in
    2 | 3) ;;
    *) fail "point $point: $(pairs) pairs after the second try" ;;
    esac
    [ ! -e "$D/ca/chaves.txt.next" ] || fail "point $point: something was left over"
    listen maria --count 1
    wait_for 15 heard maria "must be read"
    stop_server
    start_server
    ca_is_back || fail "point $point: no ca after a restart"
    stop_server
    was_killed || continue
    kills=$((kills + 1))
done <"$T/points"
[ "$kills" -gt 0 ] || fail "nothing was ever killed"
echo "$kills kills survived"
