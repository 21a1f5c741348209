#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a member sees of certificate and CA: malote status and malote audit, for people and as JSON;
# another key under the own name is an alarm, one from before is not.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --cert-life 30d
join maria joao

one() { # PROGRAM: over the only object in $T/out
    python3 -c 'import json, sys
row, = [json.loads(line) for line in open(sys.argv[1])]
authority = row["authority"]; crl = authority["crl"]; ledger = authority["ledger"]
'"$1" "$T/out" || fail "not as it should be: $(cat "$T/out")"
}
expect 0 as maria status
grep -qE '^certificate +valid until 20.*Z \(in (29|30) days\), renewed by itself in (9|1[0-2]) days$' "$T/out" ||
    fail "$(cat "$T/out")"
grep -qE '^revocations +list [0-9]+ of 20.*Z \(.*\), certificates in it: 0$' "$T/out" || fail "$(cat "$T/out")"
grep -qE '^ledger +[0-9]+ entries, signed 20.*Z \(.*\)$' "$T/out" || fail "$(cat "$T/out")"
hasnt "$T/out" ALARM
expect 0 as maria status --json
one 'assert row["renews"] < row["not_after"], row
assert len(row["serial"]) == 32 and crl["number"] >= 1 and crl["revoked"] == 0, row
assert ledger["size"] >= 2 and ledger["alarm"] is None and ledger["unproven_since"] is None, row'
# the number rises with a revocation, and the list says how many
expect 0 ca revoke joao
expect 0 as maria status --json
one 'assert crl["number"] >= 2 and crl["revoked"] == 1, row'
# without the server what was known is shown, and why nothing newer is
stop_server
expect 3 as maria status
grep -qE '^ledger +[0-9]+ entries' "$T/out" || fail "$(cat "$T/out")"
start_server

expect 0 as maria audit
has "$T/out" "one certificate was ever issued for maria, for this key: all is well"
is "$(grep -c 'yours, in use$' "$T/out")" 1
is "$(wc -c <"$T/err")" 0
all() { # PROGRAM: over the objects in $T/out
    python3 -c 'import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
leaves = [row for row in rows if row["type"] == "leaf"]; verdict = rows[-1]
'"$1" "$T/out" || fail "not as it should be: $(cat "$T/out")"
}
expect 0 as maria audit --json
all 'assert len(leaves) == 1 and leaves[0]["whose"] == "present", rows
assert verdict["faults"] == [] and verdict["ours"] == 1 and verdict["of_others"] == 0, rows
assert verdict["leaves"] >= 5 and len(verdict["root"]) == 64, rows'
# reissued: the new home is told of the key before its own, and the old one that there is another
as maria2 join "$(ca reissue maria | grep '^malote://')" </dev/null >/dev/null
expect 0 as maria2 audit
one_line "$T/err"
has "$T/err" "another key had your name before yours"
is "$(grep -c 'another, before yours: [0-9a-f]\{64\}$' "$T/out")" 1
expect 0 as maria2 audit --json
all 'assert [leaf["whose"] for leaf in leaves] == ["earlier", "present"], rows
assert verdict["faults"] == ["earlier-key"] and verdict["of_others"] == 1, rows'
expect 1 as maria audit
one_line "$T/err"
has "$T/err" revoked
expect 2 as maria2 audit now
stop_server
expect 3 as maria2 audit
one_line "$T/err"
