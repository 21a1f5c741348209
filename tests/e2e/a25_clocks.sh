#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 25: clocks ten years ahead and ten years behind, on client, server and CA, at a start
# and in the middle of a session.  Whoever has a wrong clock says both times and does nothing; no
# session ends for a clock that was set; and the way out works when the clock was wrong then.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

YEARS=$((3653 * 86400))

# both_times FILE: in one line of it
both_times() {
    local time="20[0-9]{2}-[01][0-9]-[0-3][0-9]T[^ ]*Z"
    cat "$1" >"$T/times"
    grep -qE "$time.*$time" "$T/times" || { cat "$T/times"; fail "it does not say both times"; }
}

own_clock wall
CLIENTS=$PATH
start_server
join maria joao
expect 0 as maria send joao "in time"
url=$(invite newcomer)

# ---- the client's clock; the server's is right ----

client_clock() { # SECONDS: of malote alone
    mkdir -p "$T/elsewhere"
    printf '%+010d' "$1" >"$T/elsewhere/now"
    sed "s|FAKETIME_TIMESTAMP_FILE=.*|FAKETIME_TIMESTAMP_FILE=$T/elsewhere/now|" "$T/clocked/malote" \
        >"$T/elsewhere/malote"
    chmod 755 "$T/elsewhere/malote"
    PATH=$T/elsewhere:$CLIENTS
}
client_clock -$YEARS
expect 4 as maria send joao "at no time"
one_line "$T/err"
both_times "$T/err"
has "$T/err" "set the clock right"
client_clock $YEARS
expect 4 as maria send joao "at no time"
one_line "$T/err"
has "$T/err" "either this machine's clock, which says 203"
has "$T/err" "or its CA has not worked for a day"
client_clock 0
expect 0 as maria status
client_clock -240 # as far as everything is backdated
expect 0 as maria send joao "four minutes late"
client_clock -1200 # and further, which is said
expect 0 as maria send joao "twenty minutes late"
one_line "$T/err"
has "$T/err" "set it right before it is an hour behind"
both_times "$T/err"
client_clock 0

# ---- a clock that is set in the middle of a session, there and here ----

client_clock 0
listen maria
ear=$LISTENER
for seconds in $YEARS -$YEARS; do
    printf '%+010d' "$seconds" 1<>"$T/elsewhere/now"
    (PATH=$CLIENTS; as joao send maria "your clock was set by $seconds" </dev/null)
    wait_for 10 heard maria "your clock was set by $seconds"
    printf '%+010d' 0 1<>"$T/elsewhere/now"
done
PATH=$CLIENTS
turn_clock $YEARS # of net and ca
before=$(grep -c "name maria ended" "$T/server.log" || true)
sleep 1 # four rounds of net's
kill -0 "$ear" || fail "a session was ended by a clock"
is "$(grep -c "name maria ended" "$T/server.log" || true)" "$before"
# the ca signs nothing any more, until it is started anew by somebody who has looked
PATH=$T/elsewhere:$CLIENTS
expect 1 as newcomer join "$url" --name newcomer
one_line "$T/err"
has "$T/err" "busy"
PATH=$CLIENTS
wait_for 10 grep -q "clock" "$T/server.log"
both_times <(grep clock "$T/server.log")
turn_clock -$YEARS
ca list >"$T/list" 2>&1 || true
has "$T/list" "clock"
expect 1 as newcomer join "$url" --name newcomer
stop_server
start_server
as newcomer join "$url" --name newcomer </dev/null >/dev/null
stop_server

# ---- at a start ----

turn_clock -$YEARS
launch_server
wait_for 20 gone "$SERVER"
status=0
wait "$SERVER" || status=$?
is "$status" 4
both_times <(tail -n 3 "$T/server.log")
has <(tail -n 3 "$T/server.log") "--accept-clock"
turn_clock $YEARS
start_server
expect 0 as maria status
stop_server
# a clock that was nine years ahead when something was signed
turn_clock $((YEARS - 366 * 86400))
start_server
join later
stop_server
# ten: the CA's own certificate is over; it does not listen, and says so
turn_clock $((366 * 86400))
launch_server
wait_for 20 grep -q "no server certificate: certificate has expired" "$T/server.log"
stop_server
# and now it is right
turn_clock -$YEARS
launch_server
wait_for 20 gone "$SERVER"
start_server --accept-clock
expect 4 as later status
both_times "$T/err"
has "$T/err" "malote-ca reissue later"
expect 0 as maria status
serves
