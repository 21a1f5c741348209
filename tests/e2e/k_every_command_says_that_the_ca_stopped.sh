#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A CA that has stopped issuing (an older ca/ was put back): malote-ca list ends with it, for people
# and as JSON, and every other command says it beside what was asked.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria
stop_server
cp -a "$D/ca" "$T/ca.old"
start_server
join pedro
expect 0 as maria status
stop_server
rm -r "$D/ca"
mv "$T/ca.old" "$D/ca"
launch_server # it has no certificate to listen with, and does not

has_stopped() { ca list --json 2>/dev/null | grep -q '"alarm":"stopped"'; }
wait_for 20 has_stopped
expect 0 ca list
grep -qE '^ALARM: the CA has stopped issuing: .*restore' "$T/out" || fail "$(cat "$T/out")"
for words in pending invites "show maria" "renew maria" "invite ana" "crl"; do
    # shellcheck disable=SC2086  # words
    ca $words >"$T/out" 2>"$T/err" || true # some can do nothing now; all say why
    grep -qE 'the CA has stopped issuing' "$T/err" || fail "$words: $(cat "$T/err")"
done
grep -q 'error: the CA has stopped issuing: ' "$T/server.log" || fail "not in the log"
stop_server
