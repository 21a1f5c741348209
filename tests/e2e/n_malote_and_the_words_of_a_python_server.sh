#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a server may say of a message, and what one should not: the real client at the second
# implementation's relay, which expires, erases and damages what it stored, passes messages back,
# forgets them, delivers everything again and again, talks of messages nobody sent, or asks for a
# new login.  A message is shown and stored once, in order, and nothing is said to be more than it is.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# relay DEED: maria and joao join it.
relay() {
    rm -rf "$T/home-maria" "$T/home-joao"
    interop_start "$T/relay.out" peer relay python.test 2 "$1"
    wait_for 10 has_urls
    mapfile -t URLS <"$T/relay.out"
    as maria join "${URLS[0]}" --name maria </dev/null 2>"$T/err"
    as joao join "${URLS[1]}" --name joao </dev/null 2>"$T/err"
}
has_urls() { [ "$(grep -c '^malote://' "$T/relay.out")" -eq 2 ]; }
has_logins() { [ "$(grep -c "^welcome: joao kind 1 result 2" "$T/relay.out")" -ge "$1" ]; }
over() {
    kill "$INTEROP"
}
state() { # STATE [REASON]: of the line in $T/out
    one_line "$T/out"
    grep -qE "\"state\":\"$1\"${2:+,\"reason\":\"$2\"}\}$" "$T/out" || fail "not $*: $(cat "$T/out")"
}
outbox() { # COUNT
    as maria outbox list --json </dev/null >"$T/box"
    [ "$(wc -l <"$T/box")" -eq "$1" ] || fail "not $1 in the outbox: $(cat "$T/box")"
}
# texts NAME: what NAME's store has, in its order.
texts() {
    as "$1" history --json </dev/null | sed -nE 's/.*"text":"([^"]*)".*/\1/p' | tr '\n' ' '
}

relay no_mailboxes
expect 1 as maria send joao "nobody there" --json
state refused "not connected, and this server keeps nothing for later"
over

relay expires
expect 0 as maria send joao "too late" --json
state stored
outbox 1
as maria status </dev/null >"$T/out" 2>&1
wait_for 5 grep -q '^noted: maria state 5 left 0' "$T/relay.out"
has "$T/out" "to joao, 'too late', was not delivered: it waited for too long"
outbox 1
has "$T/box" '"state":"expired"'
expect 0 as joao listen --timeout 1
is "$(texts joao)" ""
over

relay erased
expect 1 as maria send joao "wiped" --wait delivered --json
state refused "the server's administrator erased the mailbox it lay in"
wait_for 5 grep -q '^noted: maria state 3 left 0' "$T/relay.out"
over

relay damages
# Stored, and then not after all: whether it hears the second before it ends is chance.
status=0
as maria send joao "once more" --json </dev/null >"$T/out" 2>"$T/err" || status=$?
[[ $status == [05] ]] || fail "send ends with $status: $(cat "$T/err")"
as maria status </dev/null >"$T/out" 2>&1
wait_for 5 grep -q '^noted: maria state 4 left 0' "$T/relay.out"
listen joao --count 1
wait_for 10 heard joao "once more"
wait "$LISTENER"
is "$(texts joao)" "once more "
over

relay passes
listen joao --count 4
for n in 1 2 3 4; do
    expect 0 as maria send joao "passed $n" --wait delivered
done
wait "$LISTENER"
is "$(texts joao)" "passed 1 passed 2 passed 3 passed 4 "
outbox 0
over

relay forgets
expect 0 as maria send joao "lost" --json
state stored
outbox 1
has "$T/box" '"state":"stored"'
over

relay repeats
expect 0 as maria send joao "one"
expect 0 as maria send joao "two"
listen joao --count 4
expect 0 as maria send joao "three" --wait delivered
expect 0 as maria send joao "four" --wait delivered
wait "$LISTENER" || fail "the listener ended with status $?"
is "$(sed -nE 's/.*"text":"([^"]*)".*/\1/p' "$T/heard-joao" | tr '\n' ' ')" "one two three four "
is "$(texts joao)" "one two three four "
outbox 0
over

relay chatters
listen joao --count 2
expect 0 as maria send joao "live" --wait delivered
expect 0 as maria send maria "to myself" --json
state stored
expect 0 as maria send joao "live again" --wait delivered
wait "$LISTENER" || fail "the listener ended with status $?"
wait_for 5 grep -q '^noted: maria state 6 left 0' "$T/relay.out"
is "$(texts joao)" "live live again "
outbox 1 # to myself
over

relay asks_to_log_in_again
listen joao --count 1
wait_for 5 has_logins 2
expect 0 as maria send joao "after it" --wait delivered
wait "$LISTENER" || fail "the listener ended with status $?"
is "$(wc -l <"$T/listen-joao.log")" 1 # nothing was said of it
over
