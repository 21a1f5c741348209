#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A mailbox has an end, and nobody fills another's alone; whoever is refused is told why, and what
# was stored before is delivered.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --mailbox-messages 8 --mailbox-share 50 --mailbox-life 1d
has "$T/server.log" "holds 8 messages and 1 GiB, 50 % of them of one sender, for 1 day"
join maria pedro ana joao
for i in 1 2 3 4; do
    expect 0 as maria send joao "maria $i"
done
expect 1 as maria send joao "one too many"
has "$T/err" "your share of their mailbox is full"
for i in 1 2 3 4; do
    expect 0 as pedro send joao "pedro $i"
done
expect 1 as ana send joao "no room"
has "$T/err" "their mailbox is full"
# Another mailbox is another matter.
expect 0 as maria send ana "hello"
listen joao --count 8
wait "$LISTENER" || fail "the listener ended with status $?"
is "$(grep -c '"type":"message"' "$T/heard-joao")" 8
hasnt "$T/heard-joao" "one too many"
expect 0 as ana send joao "room again"
