#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 12 (the class of Terrapin) between malote and maloted: a frame put in at the
# beginning, or before each message of the handshake, is the end of it, whatever it is; so no
# number under a later key can be moved, and no first record be cut away unseen.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao
. "$ROOT/tests/e2e/corruption.sh"
record_wire
baseline=$(descriptors)

put() { # NAME OCTAL...
    # shellcheck disable=SC2059
    printf "$2" >"$T/$1"
}
put unknown '\0143\000\000\001\000'      # type 99
put zero '\000\000\000\000'              # type 0
put alert '\005\000\000\001\002'         # busy, in the clear
put odd_alert '\005\000\000\002\001\001' # of no legal length
put version '\005\000\000\001\005'
{ printf '\005\000\000\041' && head -c 33 /dev/urandom; } >"$T/sealed_alert"
{ printf '\020\000\000\041' && head -c 33 /dev/urandom; } >"$T/record"

for frame in 0 1 2; do
    for piece in unknown zero odd_alert sealed_alert record version; do
        attempt '1|4|5' 0 --insert "up:$frame:$T/$piece"
        attempt '1|4|5' 0 --insert "down:$frame:$T/$piece"
    done
    # An alert in the clear is believed before there are keys only, and ends it either way.
    attempt '1|4|5' 0 --insert "up:$frame:$T/alert"
    attempt '1|4|5' 0 --insert "down:$frame:$T/alert"
    attempt '1|4|5' 0 --insert "up:$frame:$(piece_of up 0)"
    attempt '1|4|5' 0 --insert "down:$frame:$(piece_of down 0)"
done
# One frame put in and the first record cut away: the numbers would be right again.
unharmed "$baseline"
