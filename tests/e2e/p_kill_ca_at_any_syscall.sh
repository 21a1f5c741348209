#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 31: kill -9 of ca at one syscall of an enrolment, from the request to the saved
# mailbox pair.  Whatever was on disk by then, ca starts again by itself, the same join ends with
# one valid certificate, and the keystore holds one mailbox pair.  KILL_POINTS=all takes every
# syscall, a number that many of them (default 3); SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/syscalls.sh"

lines() {
    wc -l <"$D/ca/chaves.txt"
}
has_mailbox() {
    [ "$(lines)" -eq 4 ]
}
# A point that this enrolment never reaches is none.
killed_or_done() {
    gone "$VICTIM" || has_mailbox
}
fresh_server() {
    rm -rf "$D"
    cp -a "$T/origin" "$D"
    rm -rf "$T/home-maria"
    start_server
    URL=$(invite maria)
}
try_join() {
    as maria join "$URL" --name maria >"$T/join.out" 2>&1 </dev/null
}

start_server
stop_server
cp -a "$D" "$T/origin"

fresh_server
trace_ca
try_join || { cat "$T/join.out"; fail "maria could not join"; }
wait_for 10 has_mailbox
stop_server
choose_points 40

kills=0
while read -r call nth; do
    point="$call $nth"
    fresh_server
    VICTIM=$(child_of "$SERVER" ca)
    kill_ca_at "$call" "$nth"
    status=0
    try_join || status=$?
    wait_for 15 killed_or_done
    wait_for 10 ca_is_back
    # What was given out stands; what was not is given now.
    try_join || [ "$status" -eq 0 ] || { cat "$T/join.out"; fail "point $point: no second chance"; }
    as maria status >"$T/status.out" 2>&1 </dev/null ||
        { cat "$T/status.out"; fail "point $point: no login"; }
    is "$(ca list --json | grep -c '"name":"maria".*"state":"valid"')" 1
    wait_for 15 has_mailbox
    stop_server
    start_server
    as maria status >/dev/null </dev/null || fail "point $point: no login after a restart"
    stop_server
    was_killed || continue
    kills=$((kills + 1))
done <"$T/points"
[ "$kills" -gt 0 ] || fail "nothing was ever killed"
echo "$kills kills survived"
