#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What send, chat and later commands say of a message that was refused, that waits, that expired,
# and of one whose recipient is connected and deaf.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao

# refused, for good
expect 1 as maria send nobody hello --json
one_line "$T/err"
has "$T/err" "not delivered to nobody: nobody of that name is known to the server; it is not sent again [id "
one_line "$T/out"
grep -qE '^\{"type":"sent","to":"nobody","id":"[0-9a-f]{32}","state":"refused","reason":"[^"]+"\}$' \
    "$T/out" || fail "$(cat "$T/out")"
expect 0 as maria status
is "$(wc -c <"$T/err")" 0

# Own ports of the connections to the server; with "unread", of those that hold bytes nobody read.
ports() {
    awk -v server=":$(printf '%04X' "$PORT")" -v what="${1:-}" \
        '$4 == "01" && substr($3, 9) == server && (what == "" || $5 !~ /:0+$/) {
            print substr($2, 10) }' /proc/net/tcp
}

holds_unread() {
    ports unread | grep -qx "$1"
}

nobody_is_connected() {
    [ -z "$(ports)" ]
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

# stored then, and nothing is lost or said twice
sending() {
    timeout -k 5 60 malote --home "$T/home-maria" send joao "to the dying" --json \
        >"$T/sent" 2>"$T/sent.err" </dev/null
}
handed_on sending
wait $! || fail "send ended with status $?: $(cat "$T/sent.err")"
has "$T/sent" '"state":"stored"}'

talking() {
    echo "typed to the dying" | timeout -k 5 60 malote --home "$T/home-maria" chat joao \
        >"$T/chat" 2>"$T/chat.err"
}
handed_on talking
wait $! || fail "chat ended with status $?: $(cat "$T/chat.err")"
has "$T/chat.err" "joao is not listening: the server stores what you write"

# deaf and alive: stored after a while, and once he hears again he has it once
joao_is_deaf
expect 0 as maria send joao "to the deaf" --json
has "$T/out" '"state":"stored"}'
kill -CONT "$LISTENER"
wait_for 10 heard joao "to the deaf"
kill "$LISTENER"
wait "$LISTENER" || fail "the listener ended with status $?"
expect 0 as joao history maria --json
is "$(sed 's/.*"text":"\([^"]*\)".*/\1/' "$T/out" | tr '\n' ,)" \
    "to the dying,typed to the dying,to the deaf,"
expect 0 as maria outbox drop nobody
expect 0 as maria status --json
has "$T/out" '"outbox":0,"stored":0,"failed":0'

# a server that answers nothing any more: Ctrl-C, kept, and sent by the next command
net=$(child_of "$SERVER" net)
mkfifo "$T/keys"
malote --home "$T/home-maria" chat joao <"$T/keys" >"$T/chat" 2>"$T/chat.err" &
CHAT=$!
STARTED+=("$CHAT")
exec 7>"$T/keys"
wait_for 15 grep -q 'you are maria' "$T/chat.err"
kill -STOP "$net"
echo "typed to nobody" >&7
kept() {
    as maria outbox list </dev/null | grep -q "waiting    typed to nobody"
}
wait_for 10 kept
kill -TERM "$CHAT"
status=0
wait "$CHAT" || status=$?
exec 7>&-
is "$status" 5
has "$T/chat.err" "one line is kept in the outbox; the next send, listen, chat or status sends it"
kill -CONT "$net"
expect 0 as maria status --json
has "$T/out" '"outbox":0,"stored":1,'
expect 0 as joao listen --count 1

# a full mailbox, and no mailbox: final, each in its own words
stop_server
start_server --mailbox-messages 4 --mailbox-share 50
join ana
expect 0 as ana send joao one
expect 0 as ana send joao two
expect 1 as ana send joao three --json
has "$T/err" "not delivered to joao: your share of their mailbox is full; it is not sent again"
has "$T/out" '"state":"refused","reason":"your share of their mailbox is full"}'
expect 0 as maria send joao one
expect 0 as maria send joao two
join ines
expect 1 as ines send joao three
has "$T/err" "not delivered to joao: their mailbox is full; it is not sent again"
expect 0 as joao listen --count 4
stop_server
start_server --mailbox-messages 0
expect 1 as maria send joao hello
has "$T/err" "not delivered to joao: not connected, and this server keeps nothing for later"
one_line "$T/err"

# expired in the mailbox: told by the next command, whatever it is, and once
stop_server
start_server --mailbox-life 1s
expect 0 as maria send joao "good for a second"
told() {
    expect 0 as maria status
    grep -qE "the message of [0-9: -]+ to joao, 'good for a second', was not delivered: it waited for too long" "$T/err"
}
wait_for 20 told
one_line "$T/err"
expect 0 as maria status
is "$(wc -c <"$T/err")" 0
grep -qE '^failed +[0-9]+ ' "$T/out" || fail "$(cat "$T/out")"
expect 0 as maria history joao --count 1
has "$T/out" "expired    (it waited for too long)  good for a second"
stop_server
start_server

# the server says nothing of it any more: the line ends, the message goes again by the next command
proxy --cut down:3:0
rehome maria via "$PROXY"
expect 5 as via send joao "into a cut line" --json
one_line "$T/err"
has "$T/err" "kept in the outbox for joao (the next send, listen, chat or status sends it): lost the connection to 127.0.0.1: "
grep -qE '"state":"outbox","reason":"[^"]+"\}$' "$T/out" || fail "$(cat "$T/out")"
sed -i "s/^port .*/port $PORT/" "$T/home-via/server"
expect 0 as via status
expect 0 as joao listen --count 1 --json
has "$T/out" '"text":"into a cut line"'
expect 7 as joao listen --count 1 --timeout 1
