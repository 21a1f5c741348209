#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S4: client's public value, then the server's; fresh on both sides for each handshake.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
proxy --record "$T/wire"
listen joao --count 2
URL=$(invite ana)
as ana join "$(url_via "$URL" "$PROXY")" --name ana </dev/null
send ana joao one
send ana joao two
is "$(awk '$2 == "up" && $4 == 2' "$T/wire.frames" | wc -l)" 3
for direction in up down; do
    # ClientHello: header, 32 random, vec16 Yc.  ServerAuth: header, vec16 Ys.
    seen=""
    while read -r connection d _ type _ offset; do
        [ "$d" = "$direction" ] || continue
        case $direction-$type in
        up-2) at=$((offset + 4 + 32 + 2)) ;;
        down-3) at=$((offset + 4 + 2)) ;;
        *) continue ;;
        esac
        y=$(hex_of -j "$at" -N 384 "$T/wire.$connection.$d")
        [[ $seen != *$y* ]] || fail "the same public value twice ($direction)"
        seen="$seen $y"
    done <"$T/wire.frames"
    is "$(wc -w <<<"$seen")" 3
done
