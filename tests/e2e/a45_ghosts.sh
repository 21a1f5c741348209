#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 45: one identity in two places.  The newest listener wins, whatever becomes of the
# older: one that stands still learns when it goes on that it was replaced, ends, and does not take
# the place back; what was on its way to it comes to the newest; and a copy of the home
# that was left behind does not outlive a revocation.
# (c_newest_listener_wins: nothing is lost while they change.)
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
rehome joao laptop "$PORT"

# A laptop that is put to sleep, and wakes up.
listen laptop
laptop=$LISTENER
send maria joao "on the laptop"
wait_for 10 heard laptop "on the laptop"
kill -STOP "$laptop"
listen joao
phone=$LISTENER
send maria joao "on the phone"
wait_for 10 heard joao "on the phone"
kill -CONT "$laptop"
wait_for 10 gone "$laptop"
status=0
wait "$laptop" || status=$?
is "$status" 1
has "$T/listen-laptop.log" "newer"
send maria joao "still on the phone"
wait_for 10 heard joao "still on the phone"
hasnt "$T/heard-laptop" "phone"
kill -TERM "$phone"
wait_for 10 gone "$phone"

# What was on its way to a ghost comes to who is there.
listen laptop
laptop=$LISTENER
kill -STOP "$laptop"
send maria joao "into the dark"
listen joao
phone=$LISTENER
wait_for 20 heard joao "into the dark"
kill -CONT "$laptop"
wait_for 10 gone "$laptop"
kill -0 "$phone" || fail "the newest was ended by a ghost"
hasnt "$T/heard-laptop" "dark"

# Both are of one certificate, and one revocation ends both.
expect 0 ca revoke joao
wait_for 10 gone "$phone"
expect 1 as laptop status
has "$T/err" revoked
serves
