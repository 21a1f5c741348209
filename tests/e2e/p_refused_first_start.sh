#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A first start that is refused for its address leaves nothing behind; one that is refused by a full
# disk says so in words, and goes on from there once there is room.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
expect 6 maloted --data "$T/other" --listen "$ADDRESS" --passphrase-file "$T/pass"
has "$T/err" "Address already in use"
[ ! -e "$T/other" ] || fail "it left $(find "$T/other")"
stop_server
LISTEN=127.0.0.1:0

small_disk 8m
D=$T/small/data
fill() {
    head -c 64M /dev/zero >"$T/small/filler" 2>/dev/null || true
}
refused() {
    expect 6 maloted --data "$D" --listen "$LISTEN" --kdf-cost 1024 --passphrase-file "$T/pass"
    has "$T/err" "No space left on device; make room there"
    hasnt "$T/err" "system call failed"
}
fill
refused
rm "$T/small/filler"
start_server
join maria

# And a server that runs: what cannot be done is in its log, with the cause, and once.
fill
is "$(ca invite ana 2>&1 | grep -c "No space left on device; make room there")" 1
stop_server
refused
hasnt "$T/server.log" "system call failed"
rm "$T/small/filler"
start_server
join joao
