#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 18: lengths of zero, too small, too large, negative-looking: refused on the header
# alone, before a byte of the body is waited for or stored.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
peer() { timeout 30 raw_peer "127.0.0.1:$PORT" "$@"; }
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$(child_of "$SERVER" net)/status"; }
before=$(memory)
for type in 0 1 2 3 4 5 6 15 16 17 127 255; do
    for size in 0 1 0x7fff 0xffff 0x20001 0x7fffff 0x800000 0xffffff; do
        case $type-$size in
        5-1 | 16-0x7fff | 16-0xffff) continue ;; # legal lengths
        esac
        got=$(peer frame "$type" "$size" 0)
        [[ $got == alert\ 1* || $got == closed* ]] || fail "type $type, length $size: $got"
        took=${got##* in }
        [ "${took% ms}" -lt 3000 ] || fail "type $type, length $size was waited for: $got"
    done
done
# a legal header, and then not its body: the deadline of the handshake ends it
got=$(peer frame 2 422 10)
[[ $got == alert* || $got == closed* ]] || fail "half a ClientHello: $got"
after=$(memory)
[ $((after - before)) -lt 20000 ] || [ "$BUILD" = asan ] || fail "net grew by $((after - before)) KiB"
serves
