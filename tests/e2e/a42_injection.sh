#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 42: SQL, wildcards, NUL and what else is no name, wherever a name or a text goes:
# ENROL, SEND, RECEIPT, a certificate that only the real CA's key could make, and every command.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
join maria
remember
hostile_clients 42 'NAME|ENCODING|RANGE|CERT_PROFILE' "$URL" "$D/ca/chaves.txt" "$T/pass"

evil=("x'; DROP TABLE member; --" "' OR '1'='1" "victim'--" "%" "_" "v%" "victi_" "*" "?"
    "victim;" "?1" ":name" '$1' "\\" "NULL" "victim%00" "[a-z]*" '"victim"' "victim/*")
for name in "${evil[@]}"; do
    for verb in show reissue invite; do
        status=0
        ca $verb -- "$name" >"$T/out" 2>"$T/err" || status=$?
        [ "$status" -eq 1 ] || [ "$status" -eq 2 ] || fail "$verb $name: exit $status"
        one_line "$T/err"
        [ ! -s "$T/out" ] || fail "$verb $name: $(cat "$T/out")"
    done
    expect 2 as maria send "$name" hello
    expect 2 malote --home "$T/home-x" join "$URL" --name="$name"
done
expect 2 ca approve -- "' OR 1=1 --" "$(printf '0%.0s' $(seq 64))"
expect 2 ca approve victim "' OR 1=1 --"

# as the text of a message it is a text
listen maria --count "${#evil[@]}"
interop peer send "$T/py-mallory" maria "${evil[@]}" >"$T/out"
wait "$LISTENER" || fail "the listener ended with status $?"
is "$(grep -c '"from":"mallory"' "$T/heard-maria")" "${#evil[@]}"
heard maria "x'; DROP TABLE member; --"
as maria contacts </dev/null >"$T/out"
has "$T/out" mallory
unharmed
