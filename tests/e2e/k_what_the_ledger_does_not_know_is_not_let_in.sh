#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A ledger that was put back with a loss: a certificate of before that it does not have could not be
# revoked any more, so it lets nobody in.  After an import that is everybody's; after a restore
# without the old ledger.db, theirs who came after the backup.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

(umask 077 && echo "for the other program" >"$T/p12pass")

shut_out() { # NAME...
    local name
    for name in "$@"; do
        expect 1 as "$name" send zeca "from $name"
        has "$T/err" "revoked"
        expect 1 as "$name" listen --timeout 5
        has "$T/err" "revoked"
    done
}

start_server
join zeca mallory
expect 0 ca revoke mallory
expect 0 ca backup "$T/old"
join paulo
send paulo zeca "while he is in" >/dev/null
next_second # an epoch is opened by the second, and holds of the seconds before it
stop_server
expect 0 offline export "$T/ca.p12" --export-passphrase-file "$T/p12pass"

# The CA lost, and taken in from its key alone.
cp -a "$D" "$T/origin"
rm -rf "$D/ca"
expect 0 offline import "$T/ca.p12" --export-passphrase-file "$T/p12pass" --kdf-cost 1024
start_server
shut_out mallory zeca paulo
join ana
send ana ana "to myself" >/dev/null
# A new certificate for the same home, and a name that has one key only.
cp -r "$T/home-paulo" "$T/home-oldpaulo"
rm -rf "$T/home-paulo"
join paulo
send paulo ana "anew" >/dev/null
shut_out oldpaulo
stop_server

# The ledger lost, and put back from a backup that is behind.
rm -rf "$D" && mv "$T/origin" "$D"
rm "$D"/ca/ledger.db*
rm -rf "$T/home-paulo" && mv "$T/home-oldpaulo" "$T/home-paulo"
next_second
expect 0 offline restore "$T/old" --accept-loss
hasnt "$T/err" "WARNING" # net's list is there
start_server
shut_out mallory paulo
send zeca zeca "of before the backup" >/dev/null
cp -r "$T/home-paulo" "$T/home-oldpaulo"
rm -rf "$T/home-paulo"
join paulo
send paulo zeca "anew" >/dev/null
shut_out oldpaulo
# Also by a net and a ca that come to know each other again.
kill -KILL "$(child_of "$SERVER" ca)"
has_again() { ca list >/dev/null 2>&1; }
wait_for 20 has_again
shut_out mallory oldpaulo
send paulo zeca "still" >/dev/null
serves
