#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A CA that lies about its past, or a server that lies about its CA, in the second implementation:
# a forked ledger, heads rolled back, proofs that prove nothing, forged notices, older lists put
# back, lists without an end, certificates for others.  The real client of somebody who has been
# there before ends with status 4 and one line; or goes on unharmed where that is what PROTOCOL.md
# says.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

echo nothing >"$T/deed"
interop_start "$T/false" false_authority "$T/deed"
wait_for 20 grep -q ^malote:// "$T/false"
as maria join "$(grep ^malote:// "$T/false")" --name maria </dev/null >/dev/null

# attempt DEED COMMAND...: from a copy of the home; STATUS is its
attempt() {
    rm -rf "$T/home-copy"
    cp -r "$T/home-maria" "$T/home-copy"
    again "$@"
}

again() {
    STATUS=0
    echo "$1" >"$T/deed"
    as copy "${@:2}" </dev/null >"$T/out" 2>"$T/err" || STATUS=$?
    sed -i '/listening as/d' "$T/err"
}

# The first day: it learns a head and a list.  From here on each deed finds the home as it is now,
# with a certificate that is due.
attempt busy_for_ever send maria "an honest day"
is "$STATUS" 0
rm -rf "$T/home-maria"
mv "$T/home-copy" "$T/home-maria"

expect 0 interop false_authority deeds
cp "$T/out" "$T/deeds"
[ "$(grep -c ' alarm$' "$T/deeds")" -ge 30 ] || fail "few deeds: $(cat "$T/deeds")"
while read -r deed fate <&3; do
    case $fate in
    alarm)
        attempt "$deed" send maria "said under $deed"
        # What it wanted to say may be said before it hears this.
        [[ $STATUS == [45] || $deed.$STATUS == *certificate*.0 || $deed.$STATUS == revokes*.0 ]] ||
            fail "$deed: send ends with $STATUS: $(cat "$T/err")"
        attempt "$deed" listen --count 1000 --timeout 15
        ;;
    audit) attempt "$deed" audit ;;
    goes-on) attempt "$deed" send maria "said under $deed" ;;
    esac
    echo "$deed $STATUS $(head -n 1 "$T/err")" >>"$T/said"
    case $fate in
    goes-on) is "$deed $STATUS" "$deed 0" ;;
    *)
        is "$deed $STATUS" "$deed 4"
        is "$deed $(wc -l <"$T/err")" "$deed 1"
        ;;
    esac
done 3<"$T/deeds"

says() { # TEXT DEED...
    local deed
    for deed in "${@:2}"; do
        grep "^$deed " "$T/said" | grep -qF "$1" || fail "$(grep "^$deed " "$T/said")"
    done
}
says "could not prove that its ledger holds what was seen here before" \
    fork wrong_proof short_proof long_proof empty_proof not_its_own
says "showed a ledger older than the one seen here before" \
    rolled_back rolled_back_and_proven older_epoch
says "two different ledgers" another_root another_base
says "authentication failed" another_signer another_purpose proof_for_a_forged_head \
    forged_notice changed_notice
says "signature of the revocation list does not verify" forged_list
says "but the CA of 127.0.0.1 has signed something at" tomorrows_head
says "was restored from a backup" new_epoch

# what is on the list stays on it: the server whose serial it has is not told who calls
attempt revokes_itself listen --count 1000 --timeout 15
is "$STATUS" 4
deeds=$(grep -c '^deed: ' "$T/false")
again nothing send maria "after"
is "$STATUS" 4
one_line "$T/err"
has "$T/err" revoked
is "$(grep -c '^deed: ' "$T/false")" "$deeds"

# and an honest server of the same home is believed to the end
attempt nothing send maria "an honest day again"
is "$STATUS" 0
grep -q "^renew: maria result 1" "$T/false" || fail "it was never renewed"
