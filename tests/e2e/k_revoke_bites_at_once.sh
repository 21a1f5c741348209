#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malote-ca revoke: when it returns, every session of the name is over, both sides have said so, no
# login gets in, the list has the serial, and nobody else has noticed; also with the server stopped,
# after a restart, and for a name that comes back by reissue.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao
heir=$LISTENER
listen maria
before=$(date +%s%N)
expect 0 ca revoke maria --reason key-compromise
took=$(((($(date +%s%N) - before)) / 1000000))
has "$T/out" "maria: revoked (key-compromise); every session has ended, and no new one begins"
[ "$took" -lt 5000 ] || fail "it took $took ms" # a second on a machine that has nothing else to do
# the session ended, and says so on its side: one line, exit 1
wait_for 5 gone "$LISTENER"
status=0
wait "$LISTENER" || status=$?
is "$status" 1
has "$T/listen-maria.log" "127.0.0.1 ended the session: the certificate of maria was revoked; ask its administrator [id "
# and on the server's
grep -qE "name maria ended: .*revoked" "$T/server.log" || fail "not in the log: $(tail "$T/server.log")"
# a login is refused, with the reason; what was to be sent is kept
expect 1 as maria send joao "after all"
one_line "$T/err"
has "$T/err" "kept in the outbox for joao: 127.0.0.1 refused maria: "
has "$T/err" revoked
expect 1 as maria status
has "$T/err" revoked
has "$T/out" "certificate  REFUSED by the server"
hasnt "$T/out" "renewed by itself"
# who listens beside goes on
kill -0 "$heir" || fail "another session ended too"
join ines
send ines joao "still here"
wait_for 10 heard joao "still here"
expect 0 ca list
has "$T/out" revoked
# once more is no error, nothing is done twice, and the first reason stays: that is said
expect 0 ca revoke maria --reason cessation
grep -qE '^maria: already revoked on 20[^ ]*Z \(.*\), reason key-compromise; that stays as it is$' "$T/out" ||
    fail "$(cat "$T/out")"
expect 0 ca revoke maria --json
has "$T/out" '"reason":"key-compromise"'
has "$T/out" '"already":true'
expect 1 ca revoke nobody-here
one_line "$T/err"
# what is no name is refused as usage
expect 2 ca revoke Maria
# it holds over a restart
stop_server
start_server
expect 1 as maria status
# on the files
join pedro
stop_server
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" revoke pedro
has "$T/out" "maloted does not run, so it takes effect when it starts"
start_server
expect 1 as pedro status
has "$T/err" revoked
# the name is taken for good, but for a reissue
expect 1 as thief join "$(invite)" --name maria
has "$T/err" "choose another name"
as maria2 join "$(ca reissue maria | grep '^malote://')" </dev/null >/dev/null
expect 0 as maria2 status
expect 1 as maria status
# JSON
join rita
expect 0 ca revoke rita --reason cessation --json
python3 - "$T/out" <<'CODE'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == 1, rows
row = rows[0]
assert row["type"] == "revoked" and row["name"] == "rita" and row["reason"] == "cessation", row
assert row["confirmed"] is True and row["already"] is False and len(row["serial"]) == 32, row
assert row["revoked"].startswith("20"), row
CODE
serial=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["serial"])' "$T/out")
expect 0 ca crl
openssl crl -in "$T/out" -noout -text 2>/dev/null >"$T/crl"
grep -qi "Serial Number: $serial" "$T/crl" || fail "$serial is not in the list: $(cat "$T/crl")"
has "$T/crl" "Cessation Of Operation"
# who was reissued and never came is closed, for another reason than the one that stays
join ana
ca reissue ana >/dev/null
expect 0 ca revoke ana --reason cessation
grep -qE '^ana: closed; its certificates were already revoked on 20[^ ]*Z \(.*\), reason superseded' "$T/out" ||
    fail "$(cat "$T/out")"
expect 0 ca revoke ana
has "$T/out" "ana: already revoked on 20"
serves
