#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What send and chat say of a message that was refused, of one whose fate nobody knows, and of one
# that was never sent.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao

# refused
expect 1 as maria send joao hello --json
one_line "$T/err"
has "$T/err" "not delivered to joao: not connected"
one_line "$T/out"
grep -qE '^\{"type":"sent","to":"joao","id":"[0-9a-f]{32}","state":"refused","reason":"[^"]+"\}$' \
    "$T/out" || fail "$(cat "$T/out")"

# Own ports of the connections to the server; with "unread", of those that hold bytes nobody read.
ports() {
    awk -v server=":$(printf '%04X' "$PORT")" -v what="${1:-}" \
        '$4 == "01" && substr($3, 9) == server && (what == "" || $5 !~ /:0+$/) {
            print substr($2, 10) }' /proc/net/tcp
}

holds_unread() {
    ports unread | grep -qx "$1"
}

# joao_is_deaf: his client is connected, and reads nothing any more.
joao_is_deaf() {
    wait_for 5 nobody_is_connected
    listen joao
    DEAF=$(ports)
    [[ $DEAF =~ ^[0-9A-F]+$ ]] || fail "not one connection: $DEAF"
    kill -STOP "$LISTENER"
}

# handed_on COMMAND...: joao's client has the message on its socket and ends before it reads it.
handed_on() {
    joao_is_deaf
    "$@" &
    wait_for 15 holds_unread "$DEAF"
    kill -KILL "$LISTENER"
    wait_for 10 gone "$LISTENER"
}

nobody_is_connected() {
    [ -z "$(ports)" ]
}

said_unknown() { # FILE
    one_line "$1"
    has "$1" "nobody knows whether joao got it: it was handed on"
    hasnt "$1" "not delivered"
}

sending() {
    timeout -k 5 60 malote --home "$T/home-maria" send joao hello --json \
        >"$T/sent" 2>"$T/sent.err" </dev/null
}
handed_on sending
status=0
wait $! || status=$?
is "$status" 1
said_unknown "$T/sent.err"
has "$T/sent" '"state":"unknown","reason":"it was handed on'

# the same in chat
talking() {
    echo hello | timeout -k 5 60 malote --home "$T/home-maria" chat joao \
        >"$T/chat" 2>"$T/chat.err"
}
handed_on talking
status=0
wait $! || status=$?
is "$status" 1
grep -v 'you are maria' "$T/chat.err" >"$T/chat.said"
said_unknown "$T/chat.said"

# chat ends by a signal before a line's fate is known
joao_is_deaf
mkfifo "$T/keys"
malote --home "$T/home-maria" chat joao <"$T/keys" >"$T/chat" 2>"$T/chat.err" &
CHAT=$!
STARTED+=("$CHAT")
exec 7>"$T/keys"
echo hello >&7
wait_for 15 holds_unread "$DEAF"
kill -TERM "$CHAT"
status=0
wait "$CHAT" || status=$?
exec 7>&-
is "$status" 1
has "$T/chat.err" "interrupted before the server said"
kill -KILL "$LISTENER"

# never sent: nothing on stdout
stop_server
expect 3 as maria send joao hello --json
one_line "$T/err"
is "$(wc -c <"$T/out")" 0
