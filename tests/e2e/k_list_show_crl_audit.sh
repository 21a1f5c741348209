#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the administrator sees: list (sorted, filtered, with the state of the CA), show, crl, audit,
# for people and as JSON that another program reads; over the socket and on the files.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --cert-life 30d
join maria joao node-1 node-2
ca invite node-3 >/dev/null
expect 0 ca revoke node-2 --reason superseded
as maria2 join "$(ca reissue joao | grep '^malote://')" --name joao </dev/null >/dev/null

# json PROGRAM: over the objects in $T/out, as `rows`
json() {
    python3 -c 'import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
certificates = [row for row in rows if row["type"] == "certificate"]
names = [row["name"] for row in certificates]
'"$1" "$T/out" || fail "not as it should be: $(cat "$T/out")"
}

expect 0 ca list
grep -qE '^NAME +SERIAL +EXPIRES +SEEN +STATE$' "$T/out" || fail "$(cat "$T/out")"
grep -qE '^maria +[0-9a-f]{32} +in (29|30) days +.*valid$' "$T/out" || fail "$(cat "$T/out")"
grep -qE '^node-2 .* revoked$' "$T/out" || fail "$(cat "$T/out")"
grep -qE '^revocations +list [0-9]+ of 20.*Z \(.*\), certificates in it: 2, good until 20.*Z \(in [67] days\)$' "$T/out" ||
    fail "$(cat "$T/out")"
grep -qE '^ledger +[0-9]+ entries$' "$T/out" || fail "$(cat "$T/out")"
grep -qE '^CA +good until 20.*Z \(in 36[0-9]{2} days\)$' "$T/out" || fail "$(cat "$T/out")"
hasnt "$T/out" ALARM
expect 0 ca list --json
json 'assert names == sorted(names) and set(names) == {"maria", "joao", "node-1", "node-2"}, names
state = {row["name"]: row["state"] for row in certificates}
assert state == {"maria": "valid", "joao": "valid", "node-1": "valid", "node-2": "revoked"}, state
revoked = [row for row in certificates if row["name"] == "node-2"][0]
assert revoked["reason"] == "superseded" and revoked["revoked"].startswith("20"), revoked
assert all("certificate" not in row for row in certificates)
authority = [row for row in rows if row["type"] == "authority"]
assert len(authority) == 1 and authority[0]["crl"]["revoked"] == 2, authority
assert authority[0]["ledger"] >= 6 and authority[0]["crl"]["number"] >= 3, authority
assert not [row for row in rows if row["type"] == "alarm"]'
# filtered
expect 0 ca list 'node-*' --json
json 'assert names == ["node-1", "node-2"], names'
expect 0 ca list --json --state valid 'node-[12]'
json 'assert names == ["node-1"], names'
expect 0 ca list --state waiting --json
json 'assert names == [], names'
expect 2 ca list '*' 'x'
expect 0 ca list 'ma?ia'
is "$(grep -cE '^(maria|joao|node)' "$T/out")" 1
# sorted: who joined last ends last; who was never seen comes first
expect 0 ca list --sort expiry --json
json 'ends = [row["expires"] for row in certificates]; assert ends == sorted(ends), ends'
expect 0 ca list --sort seen --json
json 'seen = [row.get("seen", "") for row in certificates]; assert seen == sorted(seen), seen'
# what waits for a new key
ca reissue node-2 >/dev/null
expect 0 ca list --state waiting --json
json 'assert names == ["node-2"], names'
expect 2 ca list --state ill
has "$T/err" "--state takes valid, late, grace, expired, revoked, waiting, future or closed, not 'ill'"

# show: all of a name, the newest first, and one PEM for other tools
expect 0 ca show joao
is "$(grep -c '^serial ' "$T/out")" 2
is "$(grep -c 'BEGIN CERTIFICATE' "$T/out")" 1
grep -qE '^ledger +position [0-9]+$' "$T/out" || fail "$(cat "$T/out")"
grep -qE '^revoked +20.*Z \(.*\), superseded$' "$T/out" || fail "$(cat "$T/out")"
serial=$(sed -n 's/^serial *//p' "$T/out" | head -n 1)
is "$(openssl x509 -in "$T/out" -noout -serial | tr 'A-F' 'a-f')" "serial=$serial"
expect 0 ca show joao --json
json 'assert len(certificates) == 2 and names == ["joao", "joao"], rows
assert certificates[0]["ledger"] > certificates[1]["ledger"]
assert certificates[0]["state"] == "valid" and certificates[1]["state"] == "revoked", rows
assert "BEGIN CERTIFICATE" in certificates[0]["certificate"] and "certificate" not in certificates[1]'
expect 0 ca show relay
has "$T/out" "name         relay"
expect 1 ca show nobody-here
one_line "$T/err"

# crl: what openssl checks certificates with
ca crl >"$T/crl.pem" </dev/null
expect 0 ca crl --out "$T/out.pem"
is "$(wc -c <"$T/out")" 0
cmp "$T/crl.pem" "$T/out.pem"
head -c 100000 /dev/zero >"$T/long.pem" # what stands there is replaced whole
chmod 640 "$T/long.pem"
ln "$T/long.pem" "$T/old.pem"
expect 0 ca crl --out "$T/long.pem"
cmp "$T/crl.pem" "$T/long.pem"
is "$(stat -c %a "$T/long.pem")" 640
# and in one step: who has the old one open keeps it whole
is "$(wc -c <"$T/old.pem")" 100000
expect 6 malote-ca --data "$T/none" crl --out "$T/old.pem"
is "$(wc -c <"$T/old.pem")" 100000
# what is no file is left alone, and not waited for
ln -s "$T/old.pem" "$T/link.pem"
mkfifo "$T/fifo"
for file in "$T/link.pem" "$T/fifo" "$T/home-maria" /dev/null; do
    expect 6 ca crl --out "$file"
    one_line "$T/err"
    has "$T/err" "it is not a regular file"
done
is "$(wc -c <"$T/old.pem")" 100000
[ -L "$T/link.pem" ] && [ -c /dev/null ] || fail "something was replaced"
is "$(find "$T" -maxdepth 1 -name '.malote-ca*' | wc -l)" 0
expect 2 ca crl --out ''
expect 0 ca crl --out -
cmp "$T/crl.pem" "$T/out"
[ ! -e - ] || fail "a file called -"
expect 0 ca crl --json
json 'assert rows[0]["type"] == "crl" and rows[0]["revoked"] == 2 and "X509 CRL" in rows[0]["crl"], rows'
cp "$T/home-maria/ca.pem" "$T/ca.pem"
openssl crl -in "$T/crl.pem" -CAfile "$T/ca.pem" -noout 2>"$T/said" || fail "$(cat "$T/said")"
has "$T/said" "verify OK"
ca show maria >"$T/maria.pem" </dev/null
cp "$T/home-node-2/certificate.pem" "$T/node-2.pem"
check() { openssl verify -crl_check -CRLfile "$T/crl.pem" -CAfile "$T/ca.pem" "$1"; }
expect 0 check "$T/maria.pem"
expect 2 check "$T/node-2.pem"
has "$T/err" revoked
expect 6 ca crl --out "$T/none/there.pem"
one_line "$T/err"

# audit
expect 0 ca audit
is "$(tail -n 1 "$T/out")" "all is well"
is "$(wc -c <"$T/err")" 0
[ "$(wc -l <"$T/out")" -ge 6 ] || fail "it says too little: $(cat "$T/out")"
grep -qx 'revocations: 2' "$T/out" || fail "$(cat "$T/out")"
expect 0 ca audit --json
json 'assert rows[-1] == {"type": "audit", "ok": True, "findings": 0}, rows[-1]
assert [row for row in rows if row["type"] == "count" and row["count"] >= 6], rows'

# the same on the files
ca list --json | grep '"type":"cert' >"$T/live"
stop_server
offline list --json | grep '"type":"cert' | diff "$T/live" - || fail "the files say something else"
offline crl | cmp - "$T/crl.pem"
expect 0 offline audit
is "$(tail -n 1 "$T/out")" "all is well"

# a revocation taken out of ledger.db is found, named, and is exit 4
python3 - "$D/ca/ledger.db" <<'CODE'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute("DELETE FROM revocation WHERE reason = 4").rowcount >= 1
db.commit()
CODE
expect 4 offline audit
grep -q '^FINDING: ' "$T/out" || fail "$(cat "$T/out")"
[[ $(tail -n 1 "$T/out") == *finding* ]] || fail "$(cat "$T/out")"
expect 4 offline audit --json
json 'assert rows[-1]["type"] == "audit" and rows[-1]["ok"] is False and rows[-1]["findings"] >= 1, rows
assert [row for row in rows if row["type"] == "finding" and row["text"]], rows'
