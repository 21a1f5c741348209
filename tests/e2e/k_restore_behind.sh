#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A backup that is behind is refused, whoever knows it: the ledger.db that is there, or only what net
# keeps.  --accept-loss says what is lost; revocations survive, lost names stay taken, and clients
# are told of the new epoch.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

net_keeps() { # the newest head, with at least as many leaves as it is known to have
    [ -s "$D/net/head" ] && [ -s "$D/net/crl.der" ]
}

is_stopped() {
    ca list 2>/dev/null | grep -q 'stopped'
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
has "$T/err" "certificates 1, revocations 1"
is "$(ls "$D" | tr '\n' ' ')" "ca lock net "
expect 0 offline audit

expect 2 offline restore ''
mkfifo "$T/fifo"
expect 6 offline restore "$T/fifo"
has "$T/err" "it is not a regular file"
is "$(ls "$D" | tr '\n' ' ')" "ca lock net "

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
has "$T/err" "nothing here tells what happened after the backup was made"
# What it brought with it is no witness either: who was revoked since has to be said.
rm -rf "$D/net"
expect 0 offline restore "$T/old" --accept-loss
has "$T/err" "WARNING"
has "$T/err" "revoke them again"
rm -rf "$D"
expect 0 offline restore "$T/old"
one_line "$T/err"
has "$T/err" "nothing here tells"
start_server # as one does who does not read
as joao status >"$T/out" 2>"$T/err" </dev/null || true # his client has seen more, and shows it
wait_for 10 is_stopped
stop_server
expect 0 offline restore "$T/old" --accept-loss
has "$T/err" "WARNING"

# A ledger.db that cannot be read: nobody can tell.
rm -rf "$D" && cp -a "$T/origin" "$D"
dd if=/dev/zero of="$D/ca/ledger.db" bs=4096 count=3 conv=notrunc status=none
rm -f "$D"/ca/ledger.db-* "$D/net/head" "$D/net/crl.der" # a ca that was killed leaves a WAL
expect 1 offline restore "$T/old"
has "$T/err" "cannot be read"
# Who was revoked since neither: that has to be said.
expect 0 offline restore "$T/old" --accept-loss
has "$T/err" "WARNING"
has "$T/err" "revoke them again"

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
hasnt "$T/err" "WARNING"
has "$T/out" "lost: paulo"
has "$T/out" "revocations carried over that the backup did not know: 1;"
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
# A name that no certificate stands for any more is listed all the same, and why is said.
expect 0 ca list --state closed
grep -qE '^paulo +- +- .* closed$' "$T/out" || fail "$(cat "$T/out")"
hasnt "$T/out" joao
expect 0 ca list --json
has "$T/out" '"type":"name","name":"paulo","state":"closed"'
expect 0 ca list --sort expiry
is "$(grep -E '^(paulo|joao|maria) ' "$T/out" | tail -n 1 | cut -d ' ' -f 1)" paulo
expect 0 ca show paulo
grep -qE '^state +closed$' "$T/out" || fail "$(cat "$T/out")"
grep -qE '^closed +20[^ ]*Z ' "$T/out" || fail "$(cat "$T/out")"
has "$T/out" "an older copy of the CA was put back"
has "$T/out" "malote-ca reissue paulo"
expect 0 ca revoke paulo
grep -qE '^paulo: already closed on 20[^ ]*Z' "$T/out" || fail "$(cat "$T/out")"
expect 1 ca renew paulo
has "$T/err" "malote-ca reissue paulo"
ca reissue paulo >/dev/null
expect 0 ca list --state waiting --json
has "$T/out" '"type":"name","name":"paulo","state":"waiting"'
expect 0 ca revoke paulo
grep -qE '^paulo: closed on 20[^ ]*Z' "$T/out" || fail "$(cat "$T/out")"
expect 1 ca show nobody-here
# The name is nobody else's, and its owner is let in again by reissue alone.
expect 1 as thief join "$(invite)" --name paulo
has "$T/err" "choose another name"
as paulo2 join "$(ca reissue paulo | grep '^malote://')" --name paulo >"$T/out" 2>&1 </dev/null ||
    { cat "$T/out"; fail "paulo is not let in again"; }
expect 0 as joao status
hasnt "$T/err" "restored from a backup on"
stop_server
# What net keeps by now is the new epoch's: the same backup would be behind again.
expect 1 offline restore "$T/old"
