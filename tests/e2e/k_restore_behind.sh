#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A backup that is behind is refused, whoever knows it: the ledger.db that is there, or only what net
# keeps.  --accept-loss says what is lost; revocations survive, lost names stay taken, and clients
# are told of the new epoch.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

offline() {
    timeout -k 5 60 malote-ca --data "$D" --passphrase-file "$T/pass" "$@" </dev/null
}
net_keeps() { # the newest head, with at least as many leaves as it is known to have
    [ -s "$D/net/head" ] && [ -s "$D/net/crl.der" ]
}

start_server
join maria joao
expect 0 ca backup "$T/old"
join paulo
expect 0 ca revoke maria
# joao's client has seen the ledger of after the backup.
seen_all() {
    as joao status >"$T/status" 2>&1 </dev/null && grep -qE 'ledger +[78] entries' "$T/status"
}
wait_for 10 seen_all
wait_for 10 net_keeps
# Not while it runs.
expect 3 offline restore "$T/old"
has "$T/err" "stop it first"
stop_server
cp -a "$D" "$T/origin"

# By the ledger.db that is there.
expect 1 offline restore "$T/old"
one_line "$T/err"
has "$T/err" "is behind"
has "$T/err" "1 certificates, 1 revocations"
is "$(ls "$D" | tr '\n' ' ')" "ca lock net "
expect 0 offline audit

# By net's head and CRL alone: ca/ was lost.
mv "$D/ca" "$T/lost"
expect 1 offline restore "$T/old"
has "$T/err" "is behind"
is "$(ls "$D" | tr '\n' ' ')" "lock net "
# By each of the two alone.
mv "$D/net/crl.der" "$T/crl.der"
expect 1 offline restore "$T/old"
mv "$D/net/head" "$T/head"
cp -a "$T/crl.der" "$D/net/crl.der"
expect 1 offline restore "$T/old"
# What the CA never signed says nothing: with forged ones the restore is as into an empty DATA.
cp -a "$T/head" "$D/net/head"
for file in head crl.der; do
    printf 'x' | dd of="$D/net/$file" bs=1 seek=60 conv=notrunc status=none
done
expect 0 offline restore "$T/old"
has "$T/err" "net/head is not signed by this CA"
has "$T/err" "net/crl.der is not signed by this CA"

# A ledger.db that cannot be read: nobody can tell.
rm -rf "$D" && cp -a "$T/origin" "$D"
dd if=/dev/zero of="$D/ca/ledger.db" bs=4096 count=3 conv=notrunc status=none
rm -f "$D/net/head" "$D/net/crl.der"
expect 1 offline restore "$T/old"
has "$T/err" "cannot be read"

# Another CA's DATA is never overwritten.
rm -rf "$D" && cp -a "$T/origin" "$D"
expect 0 malote-ca --data "$T/other" --passphrase-file "$T/pass" restore "$T/old"
D2=$D D=$T/third OLD_PORT=$PORT LISTEN=127.0.0.1:0
start_server
stop_server
expect 1 offline restore "$T/old" --accept-loss
has "$T/err" "another"
D=$D2

# Accepted.
expect 0 offline restore "$T/old" --accept-loss
has "$T/out" "lost: paulo"
has "$T/out" "1 revocations that the backup did not know"
has "$T/out" "new epoch"
KEPT=$(basename "$D"/ca.old-*)
is "$(ls "$D" | tr '\n' ' ')" "ca $KEPT lock net "
cmp "$D/$KEPT/chaves.txt" "$T/origin/ca/chaves.txt"
expect 0 offline audit
LISTEN=127.0.0.1:$OLD_PORT
start_server
expect 0 as joao status
has "$T/err" "restored from a backup on"
expect 1 as maria status
has "$T/err" "revoked"
expect 1 as paulo status
has "$T/err" "revoked"
# The name is nobody else's, and its owner is let in again by reissue alone.
expect 1 as thief join "$(invite)" --name paulo
as paulo2 join "$(ca reissue paulo | grep '^malote://')" --name paulo >"$T/out" 2>&1 </dev/null ||
    { cat "$T/out"; fail "paulo is not let in again"; }
expect 0 as joao status
hasnt "$T/err" "restored from a backup on"
stop_server
# What net keeps by now is the new epoch's: the same backup would be behind again.
expect 1 offline restore "$T/old"
