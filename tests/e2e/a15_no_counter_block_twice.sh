#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 15: sessions before and after a restart of net and of the server, and two at once,
# share no random, no DH value and no block of key stream.  A million records, threads and forks are
# in tests/unit/test_session_numbers.c.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

unique() { # FILE LEAST
    [ "$(wc -l <"$1")" -ge "$2" ] || fail "too little was seen: $(wc -l <"$1")"
    is "$(sort "$1" | uniq -d | head -n 3)" ""
}

session() { # NUMBER [WHO]
    interop key_streams "$T/py-${2:-mallory}" >"$T/seen.$1"
    [ "$(grep -c ^block "$T/seen.$1")" -ge 500 ] || fail "session $1: too few blocks"
}

net_is_another() {
    local pid
    pid=$(child_of "$SERVER" net) && [ "$pid" != "$1" ]
}

start_server
two_strangers
session 1
session 2 victim &
session 3
wait $!
before=$(child_of "$SERVER" net)
kill -KILL "$before"
wait_for 15 net_is_another "$before"
session 4
stop_server
start_server
session 5
cat "$T"/seen.[1-5] >"$T/seen"
is "$(grep -c ^random "$T/seen")" 5
unique "$T/seen" 2510
# the comparison sees a session that comes twice
[ -n "$(sort "$T/seen" "$T/seen.3" | uniq -d)" ] || fail "the comparison sees nothing"

# The real client: its login says the same each time, so a key stream used twice would show.
# ServerHello has its 32 random bytes behind the version, ClientHello begins with them; ClientHello
# and ServerAuth have the DH value.
join ana
proxy --record "$T/wire"
rehome ana seen "$PROXY"
as seen status </dev/null >"$T/out"
as seen status </dev/null >"$T/out"
stop_server
start_server
as seen status </dev/null >"$T/out"
wire() { # CONNECTION DIRECTION AT BYTES
    hex_of -j "$3" -N "$4" "$T/wire.$1.$2"
    echo
}
while read -r connection direction _ type _ offset; do
    case $direction-$type in
    down-1) wire "$connection" down $((offset + 6)) 32 ;;
    up-2)
        wire "$connection" up $((offset + 4)) 32
        wire "$connection" up $((offset + 38)) 384
        ;;
    down-3)
        wire "$connection" down $((offset + 6)) 384
        # the CA's certificate, sealed
        wire "$connection" down $((offset + 390)) 512 | fold -w 32
        ;;
    up-4) wire "$connection" up $((offset + 4)) 512 | fold -w 32 ;;
    esac
done <"$T/wire.frames" | grep . >"$T/real"
is "$(wc -l <"$T/real")" "$((3 * (4 + 64)))"
unique "$T/real" 200
serves
