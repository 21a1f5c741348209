#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chat goes through the outbox: it says when lines are stored and when they arrived, keeps what is
# typed while the server is away, and says at its end what is still kept.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao

# chat_of NAME WITH: keys on descriptor 7
chat_of() {
    rm -f "$T/keys"
    mkfifo "$T/keys"
    : >"$T/chat.err"
    malote --home "$T/home-$1" chat "$2" <"$T/keys" >"$T/chat" 2>"$T/chat.err" &
    CHAT=$!
    STARTED+=("$CHAT")
    exec 7>"$T/keys"
    wait_for 15 grep -q "you are $1" "$T/chat.err"
}

ended() { # STATUS
    local status=0
    exec 7>&-
    wait "$CHAT" || status=$?
    is "$status" "$1"
}

# stored, said once; then delivered
chat_of maria joao
printf 'one\ntwo\n' >&7
wait_for 10 grep -q "joao is not listening: the server stores what you write" "$T/chat.err"
expect 0 as joao listen --count 2 --json
wait_for 10 grep -q "joao has what was stored" "$T/chat.err"
is "$(grep -c 'is not listening' "$T/chat.err")" 1

# the server goes away: what is typed is kept, in order, and sent when it is back
stop_server
wait_for 10 grep -q "trying to come back; what you type is kept in the outbox" "$T/chat.err"
printf 'three\nfour\n' >&7
kept() { # HOW MANY
    [ "$(as maria outbox list </dev/null | grep -c '  waiting    ')" -eq "$1" ]
}
wait_for 10 kept 2
start_server 7>&- # or the server holds the keys open
wait_for 20 kept 0
expect 0 as joao listen --count 2 --json
is "$(sed 's/.*"text":"\([^"]*\)".*/\1/' "$T/out" | tr '\n' ,)" "three,four,"
ended 0

# gone at the end: exit 5, and said how many; a line without its newline counts
chat_of maria joao
stop_server
wait_for 10 grep -q "trying to come back" "$T/chat.err"
printf 'five\nsix' >&7
ended 5
has "$T/chat.err" "2 lines are kept in the outbox; the next send, listen, chat or status sends them"
kept 2 || fail "not kept"

# Ctrl-C: what was typed is kept as well
start_server
chat_of maria joao
stop_server
wait_for 10 grep -q "trying to come back" "$T/chat.err"
echo seven >&7
wait_for 10 kept 1
kill -INT "$CHAT"
ended 5
has "$T/chat.err" "one line is kept in the outbox"

start_server
expect 0 as maria status
is "$(wc -c <"$T/err")" 0
expect 0 as joao listen --count 3 --json
is "$(sed 's/.*"text":"\([^"]*\)".*/\1/' "$T/out" | tr '\n' ,)" "five,six,seven,"
hasnt "$T/out" missing

# many lines at once, more than are on their way together
seq 300 >"$T/lines"
listen joao --count 300
status=0
timeout -k 5 60 malote --home "$T/home-maria" chat joao <"$T/lines" >"$T/chat" 2>"$T/chat.err" ||
    status=$?
is "$status" 0
wait "$LISTENER" || fail "the listener ended with status $?"
sed 's/.*"text":"\([^"]*\)".*/\1/' "$T/heard-joao" | diff - "$T/lines" || fail "another order"

# refused for good, in one line each that says which, and status 1
status=0
printf 'hello\nag\033[2Jain\n' | timeout -k 5 60 malote --home "$T/home-maria" chat nobody >"$T/chat" \
    2>"$T/chat.err" || status=$?
is "$status" 1
for words in hello 'ag\u{1b}[2Jain'; do
    has "$T/chat.err" " to nobody, '$words', was not delivered: nobody of that name"
done
is "$(grep -c 'not delivered' "$T/chat.err")" 2
