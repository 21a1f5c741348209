#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 23: three people and all their sessions are revoked while they send as fast as they
# can.  When malote-ca returns, no session of theirs is left, no login gets in, and a second has not gone
# by; everybody else is told of the serial in that second, and loses nothing.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
PEOPLE=(ana bia clara)
for name in maria witness "${PEOPLE[@]}"; do
    is "$(interop peer join "$(invite "$name")" "$name" "$T/py-$name")" "issued 0"
done
join honest
listen honest --timeout 600

# chatter NAME: two sessions of hers, one that listens, one that sends; says when each ended
for name in "${PEOPLE[@]}"; do
    interop_start "$T/watch-$name" member watch "$T/py-$name" 1000
    interop_start "$T/chatter-$name" member chatter "$T/py-$name" maria
done
interop_start "$T/witness" member watch "$T/py-witness" "${#PEOPLE[@]}"
has_begun() { # NAME
    grep -q ^watching "$T/watch-$1" && grep -q ^sending "$T/chatter-$1"
}
for name in "${PEOPLE[@]}"; do
    wait_for 20 has_begun "$name"
done
wait_for 20 grep -q ^watching "$T/witness"

now_ms() { echo $(($(date +%s%N) / 1000000)); }
over() { # NAME
    grep -q "^closed 3 " "$T/watch-$1" && grep -q "^closed 3 " "$T/chatter-$1"
}
number=1
for name in "${PEOPLE[@]}"; do
    before=$(now_ms)
    expect 0 ca revoke "$name" --reason key-compromise
    returned=$(now_ms)
    # At once, and not after any wait of ours.
    is "$(grep -c "name $name ended: .*revoked" "$T/server.log")" 2
    expect 1 interop peer status "$T/py-$name"
    is "$(cat "$T/out")" "refused 9"
    wait_for 5 over "$name"
    number=$((number + 1))
    for ended in "$T/watch-$name" "$T/chatter-$name"; do
        lived=$(awk -v before="$before" '/^closed 3 / { printf "%d", $4 * 1000 - before }' "$ended")
        echo "a session of $name lived $lived ms of the $((returned - before)) ms that it took" \
            >>"$T/times"
        [ "$lived" -lt 5000 ] || fail "$(cat "$T/times")" # a second, where nothing else runs
    done
    wait_for 5 grep -q "^notice $number serials 1 " "$T/witness"
    told=$(awk -v before="$before" -v n="$number" \
        '/^notice / && $2 == n { printf "%d", $6 * 1000 - before }' "$T/witness")
    [ "$told" -lt 5000 ] || fail "the witness was told after $told ms"
    echo "the others were told after $told ms" >>"$T/times"
done
cat "$T/times"

# What was acknowledged to them is there, whatever became of them.
acknowledged=$(cat "$T"/chatter-* | awk '/^stored|^delivered/ { n += $2 } END { print n }')
[ "$acknowledged" -ge 20 ] || fail "only $acknowledged messages were sent meanwhile"
interop_start "$T/got" peer listen "$T/py-maria" "$acknowledged"
wait_for 30 gone "$INTEROP"
is "$(grep -cv ^listening "$T/got")" "$acknowledged"

# Nobody else noticed.
join another
send another honest "still here"
wait_for 10 heard honest "still here"
kill -0 "$LISTENER" || fail "somebody else was ended too"

# The relay's own certificates: clients refuse them from then on, and the server has a new one.
relays=$(grep -c "certified relay" "$T/server.log")
expect 0 ca revoke relay --reason key-compromise
has "$T/out" "the server makes a new key"
relay_is_new() { [ "$(grep -c "certified relay" "$T/server.log")" -gt "$relays" ]; }
wait_for 10 relay_is_new
expect 0 as honest status
serves
