#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The second implementation is a member of a real server: it proves each head from the one it held,
# recomputes the root over all leaves and finds its own, takes notices and lists and checks them,
# renews what is due and what has expired; and nobody gets anything for a wrong request.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

member() { interop member "$@"; }

follows() { # HOW SIZE: a head is signed within a second of what it is over
    member follow "$T/py-maria" >"$T/out" || fail "it follows no more"
    sed -n 's/^head //p' "$T/out" >>"$T/heads"
    grep -q "^head .* size $2 " "$T/out" && grep -q "^$1 size $2 " "$T/heads"
}

start_server
is "$(interop peer join "$(invite maria)" maria "$T/py-maria")" "issued 0"
# a leaf each for the CA, the first list, the server and maria
expect 0 member follow "$T/py-maria"
grep -qE "^head first size [2-4] " "$T/out" || fail "$(cat "$T/out")"
grep -qE "^crl (notices|list) number 1 serials 0$" "$T/out" || fail "$(cat "$T/out")"
is "$(interop peer join "$(invite victim)" victim "$T/py-victim")" "issued 0"
wait_for 5 follows proven 5
wait_for 5 follows known 5
join joao ines
wait_for 5 follows proven 7

# all leaves
expect 0 member audit "$T/py-maria"
is "$(head -n 4 "$T/out" | tr '\n' ' ')" "ca 1 server 1 client 4 crl 1 "
is "$(grep -c '^maria .* own key$' "$T/out")" 1
expect 0 interop member audit "$T/py-victim"

# what was revoked: told at once to who is there, later to who was not, and never forgotten
interop_start "$T/watching" member watch "$T/py-maria" 2
wait_for 10 grep -q ^watching "$T/watching"
expect 0 ca revoke joao --reason superseded
expect 0 ca revoke ines --reason key-compromise
wait_for 10 gone "$INTEROP"
is "$(sed 's/ at .*//' "$T/watching" | tr '\n' ' ')" \
    "watching notice 2 serials 1 notice 3 serials 1 "
expect 0 member follow "$T/py-maria"
has "$T/out" "crl notices number 3 serials 2"
wait_for 5 follows known 9
has "$T/out" "crl nothing number 3 serials 2"
expect 0 member list "$T/py-victim" "$T/no-list"
is "$(cat "$T/out")" "notices number 3 serials 2"

# nothing is due, nothing is out of order, and nothing wrong is answered well
expect 0 member renew "$T/py-maria"
is "$(cat "$T/out")" "logged in result 4 reason 12"
expect 0 member wrong "$T/py-maria" "$T/py-victim"
cp "$T/out" "$T/wrong"
is "$(grep "result 1" "$T/wrong")" "leaves_beyond_the_end: lives result 1 reason 0"
for case in signed_by_another_key signed_for_another_ca signed_over_another_serial \
    signed_as_a_handshake; do
    has "$T/wrong" "$case: lives result 4 reason 6"
done
for case in two_renewals_at_once two_proofs_at_once leaves_twice_at_once a_head_of_nobodys \
    a_serial_of_nobody anothers_serial anothers_renewal a_server_s_record a_short_renew; do
    has "$T/wrong" "$case: alert protocol (sealed)"
done
has "$T/wrong" "a_list_of_the_future: lives without an answer"

# the name whose certificate was revoked comes back by reissue alone, and the list keeps the old one
as joao2 join "$(ca reissue joao | grep '^malote://')" </dev/null >/dev/null
expect 0 member audit "$T/py-maria"
is "$(grep -cE '^client 5$' "$T/out")" 1
serves
