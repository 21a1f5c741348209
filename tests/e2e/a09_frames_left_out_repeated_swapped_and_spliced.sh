#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 9 between malote and maloted: each frame left out, repeated, swapped with the next,
# sent back to its sender, replaced by the same frame of an earlier conversation and by one of
# another kind.  The session ends at the first bad frame; a message arrives once or not at all.
# (All pairs: tests/unit/test_session_order.c, tests/unit/test_handshake_splices.c.)
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao
. "$ROOT/tests/e2e/corruption.sh"
record_wire
baseline=$(descriptors)

# Which exit code is right: 4 where the client refuses, 5 (kept in the outbox) where the server says
# so in an alert, where the connection is lost or nothing comes in time.  Up 2 is the message, down
# 3 its outcome: from there on it may have arrived.  Where both wait, chance says whose ten seconds
# end first.
for frame in 0 1 2; do
    attempt '4|5' 0 --drop "up:$frame"
    attempt '4|5' 0 --drop "down:$frame"
    attempt '4|5' 0 --reflect "up:$frame"
    attempt '4|5' 0 --reflect "down:$frame"
    attempt '4|5' 0 --swap "up:$frame"
    attempt '4|5' 0 --swap "down:$frame"
done
attempt 5 0 --replay up:0
attempt 5 1 --replay up:1
attempt '0|5' 1 --replay up:2
attempt 4 0 --replay down:0
attempt 4 0 --replay down:1
attempt 5 1 --replay down:2
attempt '0|5' 1 --replay down:3

# The same frame of the recorded conversation, and then every frame in a place chosen by the seed.
attempt 4 0 --replace "down:0:$(piece_of down 0)"
attempt 4 0 --replace "down:1:$(piece_of down 1)"
attempt 4 0 --replace "down:2:$(piece_of down 2)"
attempt 4 0 --replace "up:0:$(piece_of up 0)"
attempt 5 0 --replace "up:1:$(piece_of up 1)"
attempt 5 0 --replace "up:2:$(piece_of up 2)"
attempt 5 1 --replace "down:3:$(piece_of down 3)"
for frame in 0 1 2; do
    other=$(((frame + 1 + $(below 2)) % 3))
    attempt '4|5' 0 --replace "up:$frame:$(piece_of up "$other")"
    attempt '4|5' 0 --replace "down:$frame:$(piece_of down "$other")"
    attempt '4|5' 0 --replace "up:$frame:$(piece_of down "$other")"
    attempt '4|5' 0 --replace "down:$frame:$(piece_of up "$other")"
done
unharmed "$baseline"
is "$(grep -cF "\"attempt $FIRST\"" "$T/heard-joao")" 1
