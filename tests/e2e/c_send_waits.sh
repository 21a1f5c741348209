#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# send --wait stored|delivered|read: how long each waits, what it says, and what Ctrl-C and
# --timeout leave behind.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao

# state WANTED REASON: the line of send --json
state() {
    one_line "$T/out"
    if [ -n "$2" ]; then
        grep -qE "\"state\":\"$1\",\"reason\":\"$2\"\}$" "$T/out" || fail "$(cat "$T/out")"
    else
        grep -qE "\"state\":\"$1\"\}$" "$T/out" || fail "$(cat "$T/out")"
    fi
}

# nobody listens: stored, at once, and silently where no terminal is
for wait in "" "--wait stored"; do
    # shellcheck disable=SC2086  # words
    expect 0 as maria send joao one $wait --json
    state stored ""
    is "$(wc -c <"$T/err")" 0
done
timeout 30 pty_run --timeout 20 -- malote --home "$T/home-maria" send joao "at a terminal" \
    >"$T/tty" || fail "status $? at a terminal"
has "$T/tty" "stored: joao gets it when they listen"

# delivered, in time and not
expect 5 as maria send joao two --wait delivered --timeout 1 --json
state stored "the time that --timeout gave is over"
one_line "$T/err"
has "$T/err" "stored by the server for joao, and not known to be delivered: the time that --timeout gave is over"
expect 0 as joao listen --count 4

# Ctrl-C
waiting() { # WAIT TEXT: in the background
    : >"$T/waiting.err"
    timeout -k 5 60 malote --home "$T/home-maria" send joao "$2" --wait "$1" --json \
        >"$T/waiting.out" 2>"$T/waiting.err" </dev/null &
    SENDER=$!
    STARTED+=("$SENDER")
}
ended() { # STATUS: what it said is in $T/out and $T/err then
    local status=0
    wait "$SENDER" || status=$?
    is "$status" "$1"
    mv "$T/waiting.out" "$T/out"
    mv "$T/waiting.err" "$T/err"
}
is_stored() { # TEXT
    as maria outbox list </dev/null | grep -q "stored     $1$"
}
waiting delivered "text 1"
wait_for 10 is_stored "text 1"
kill -TERM "$SENDER"
ended 5
state stored interrupted
one_line "$T/err"
has "$T/err" "stored by the server for joao, and not known to be delivered: interrupted"

# the same typed
status=0
timeout 30 pty_run --timeout 20 --on "stored: joao" '\x03' -- \
    malote --home "$T/home-maria" send joao "by hand" --wait delivered >"$T/tty" || status=$?
is "$status" 5
has "$T/tty" "stored by the server for joao, and not known to be delivered: interrupted"

# waits past stored, until somebody listens; over a server that stops meanwhile, too
waiting delivered "text 2"
wait_for 10 is_stored "text 2"
stop_server
wait_for 10 grep -q "trying to come back" "$T/waiting.err"
start_server
expect 0 as joao listen --count 3
ended 0
state delivered ""

# read: by who tells, and only after it was asked for
waiting read "text 3"
listen joao --tell-read --count 1
wait "$LISTENER" || fail "the listener ended with status $?"
ended 0
state read ""
expect 0 as maria history joao --count 1
has "$T/out" "read       text 3"

listen joao --count 1
expect 5 as maria send joao three --wait read --timeout 3 --json
state delivered "the time that --timeout gave is over"
# (said by the way: where it is read as fast as it is delivered, there is no between)
has "$T/err" "delivered to joao; waiting until it is read, which only 'malote listen --tell-read' tells"
has "$T/err" "delivered to joao, and not known to be read: the time that --timeout gave is over"
wait "$LISTENER" || fail "the listener ended with status $?"

# not asked for, not told
listen joao --tell-read --count 1
expect 0 as maria send joao four
wait "$LISTENER" || fail "the listener ended with status $?"
expect 0 as maria status
expect 0 as maria history joao --count 1
has "$T/out" "delivered  four"

# refused for good, and said so
expect 1 as maria send nobody hello --wait delivered --json
state refused "nobody of that name is known to the server"
one_line "$T/err"
has "$T/err" "not delivered to nobody: nobody of that name is known to the server; it is not sent again [id "

# stopped before anybody answered: kept, as when nobody is there
net=$(child_of "$SERVER" net)
kill -STOP "$net"
waiting stored "text 4"
is_kept() { # TEXT
    as maria outbox list </dev/null | grep -q "waiting    $1$"
}
wait_for 10 is_kept "text 4"
kill -TERM "$SENDER"
ended 5
state outbox interrupted
one_line "$T/err"
has "$T/err" "kept in the outbox for joao (the next send, listen, chat or status sends it): interrupted"
kill -CONT "$net"
stop_server
expect 5 as maria send joao "text 5" --wait delivered --json
state outbox "cannot be reached"
one_line "$T/err"

# dropped by another command while it waits: in the outbox, and when it is too late
start_server
expect 0 as maria status
kill -STOP "$(child_of "$SERVER" net)"
waiting stored "text 6"
wait_for 10 is_kept "text 6"
expect 0 as maria outbox drop --all
kill -CONT "$(child_of "$SERVER" net)"
ended 1
one_line "$T/err"
has "$T/err" "the message to joao was dropped from the outbox by another command"
waiting delivered "text 7"
wait_for 10 is_stored "text 7"
expect 0 as maria outbox drop --all
has "$T/err" "may still be delivered: 1"
kill -TERM "$SENDER"
ended 5
state stored interrupted

for arguments in "--wait tomorrow" "--wait" "--timeout x" "--timeout 0" "--timeout"; do
    # shellcheck disable=SC2086  # words
    expect 2 as maria send joao hi $arguments
    one_line "$T/err"
done
