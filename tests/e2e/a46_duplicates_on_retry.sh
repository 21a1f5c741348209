#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 46: the word that a message was stored, delivered or received gets lost, at every frame
# of the connection in turn, and it is sent again: with the same id, and it stands in the
# recipient's store once.  ./run soak does the same at random, 100,000 times.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

texts() {
    as joao history --json </dev/null | sed -nE 's/.*"text":"([^"]*)".*/\1/p'
}
all_there() {
    as maria status >/dev/null 2>&1 </dev/null || return 1
    as joao listen --timeout 1 >/dev/null 2>&1 </dev/null || true
    texts >"$T/texts"
    [ -z "$(sort "$T/texts" | uniq -d)" ] || fail "twice: $(sort "$T/texts" | uniq -d)"
    diff "$T/texts" "$T/promised" >"$T/diff"
}
# through OPTION... -- NAME COMMAND...: malote over a wire that does this to it.
through() {
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    proxy --record "$T/wire" "${options[@]}"
    sed -i "s/^port .*/port $PROXY/" "$T/home-$2/server"
    STATUS=0
    as "${@:2}" >"$T/out" 2>&1 </dev/null || STATUS=$?
    sed -i "s/^port .*/port $PORT/" "$T/home-$2/server"
    kill "$PROXY_PID"
}

start_server
join maria joao
: >"$T/promised"

# Joao is away: the outcome `stored` is cut off, then everything before it in the connection.
lost=0
for frame in 0 1 2 3 4 5; do
    through --cut "down:$frame:0" --connection 0 -- maria send joao "away $frame"
    [[ $STATUS =~ ^[05]$ ]] || { cat "$T/out"; fail "frame $frame: exit $STATUS"; }
    echo "away $frame" >>"$T/promised"
    [ "$STATUS" -eq 0 ] || lost=$((lost + 1))
    expect 0 as maria status
done
[ "$lost" -gt 0 ] || fail "nothing was ever lost"
wait_for 20 all_there

# He is there: `delivered` is lost on its way back.
listen joao
for frame in 1 2 3 4; do
    through --cut "down:$frame:0" --connection 0 -- maria send joao "here $frame" --wait delivered
    [[ $STATUS =~ ^[05]$ ]] || { cat "$T/out"; fail "frame $frame: exit $STATUS"; }
    echo "here $frame" >>"$T/promised"
    expect 0 as maria status
done
kill "$LISTENER"
wait_for 10 gone "$LISTENER"
wait_for 20 all_there

# His receipts are lost: what he has in his store already is delivered to him again.
for frame in 2 3 4 5; do
    expect 0 send maria joao "receipt $frame"
    echo "receipt $frame" >>"$T/promised"
    through --cut "up:$frame:0" --connection 0 -- joao listen --timeout 1
done
wait_for 20 all_there
kept() {
    as maria outbox list --json </dev/null >"$T/outbox" && [ ! -s "$T/outbox" ]
}
wait_for 20 kept
stop_server
