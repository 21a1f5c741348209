#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A listener that comes and goes while somebody writes to him: every message once, in order,
# whether it was stored or came at once.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

COUNT=120
start_server
join maria joao
# One connection for all of them: chat sends each line as it comes.
for i in $(seq "$COUNT"); do
    echo "line $i"
    sleep 0.02
done | timeout -k 5 80 malote --home "$T/home-maria" chat joao >"$T/chat.out" 2>"$T/chat.err" &
CHAT=$!
STARTED+=("$CHAT")
: >"$T/all"
rounds=0
until grep -qF "\"text\":\"line $COUNT\"" "$T/all"; do
    rounds=$((rounds + 1))
    [ "$rounds" -lt 60 ] || fail "line $COUNT never came: $(tail -n 3 "$T/all")"
    # Ends after so many, or in the middle of a drain.
    as joao listen --json --count $((rounds % 5 * 4 + 3)) --timeout 10s </dev/null \
        >"$T/heard-joao" 2>"$T/listen-joao.log" || true
    cat "$T/heard-joao" >>"$T/all"
done
grep -o '"text":"line [0-9]*"' "$T/all" | sort -uV >"$T/got"
seq -f '"text":"line %g"' "$COUNT" | diff - "$T/got" >/dev/null || fail "not all of them came"
# A line may be shown twice if its listener ended between showing and noting, never out of order.
grep -o '"text":"line [0-9]*"' "$T/all" | uniq | sort -cV || fail "not in order"
[ "$rounds" -ge 4 ] || fail "the listener came and went only $rounds times"
