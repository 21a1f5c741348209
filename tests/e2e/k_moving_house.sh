#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Moving house: backup, copy, restore into a DATA that has nothing but the old net/, another port.
# Names, invites, mail and revocations come along, and no client has to do anything but be told the
# new address.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao ze
send maria joao "packed before the move" >/dev/null
expect 0 ca revoke ze
PAULO=$(invite paulo)
as maria status >/dev/null 2>&1 </dev/null
OLD=$(ca list --json | sed -nE 's/.*"name":"maria".*"serial":"([0-9a-f]+)".*/\1/p')
expect 0 ca backup "$T/crate"
stop_server

# The new house: nothing is there yet, and nothing can say whether the old one went on.
expect 0 malote-ca --data "$T/deep/empty" --passphrase-file "$T/pass" restore "$T/crate"
has "$T/err" "nothing here tells what happened after the backup was made"
# Nor does it once more, by what came with it.
expect 0 malote-ca --data "$T/deep/empty" --passphrase-file "$T/pass" restore "$T/crate"
has "$T/err" "nothing here tells what happened after the backup was made"
expect 0 malote-ca --data "$T/deep/empty" --passphrase-file "$T/pass" restore "$T/crate" --accept-loss
has "$T/err" "WARNING"

# With net/ it is known that it did not.
NEW=$T/deep/new/house
mkdir -p "$T/deep/new"
mkdir -m 700 "$NEW"
cp -a "$D/net" "$NEW/net"
expect 0 malote-ca --data "$NEW" --passphrase-file "$T/pass" restore "$T/crate"
is "$(cat "$T/err")" ''
has "$T/out" "malote.internal"
hasnt "$T/out" "new epoch"
stat -c '%a' "$NEW" "$NEW/ca" "$NEW/ca/chaves.txt" "$NEW/ca/ledger.db" | sort -u >"$T/modes"
is "$(tr '\n' ' ' <"$T/modes")" "600 700 "
is "$(stat -c %u "$NEW/ca" "$NEW/ca/chaves.txt" "$NEW/ca/ledger.db" | sort -u | wc -l)" 1
rm -rf "$D"
D=$NEW
LISTEN=127.0.0.1:0
start_server

for name in maria joao ze; do
    sed -i "s/^port .*/port $PORT/" "$T/home-$name/server"
done
listen joao --count 1
wait_for 10 heard joao "packed before the move"
wait "$LISTENER"
expect 0 as maria status
hasnt "$T/err" "restored from a backup"
is "$(ca list --json | sed -nE 's/.*"name":"maria".*"serial":"([0-9a-f]+)".*/\1/p')" "$OLD"
expect 1 as ze status
has "$T/err" "revoked"
as paulo join "$(url_via "$PAULO" "$PORT")" --name paulo >"$T/out" 2>&1 </dev/null ||
    { cat "$T/out"; fail "the invite did not come along"; }
expect 0 ca audit
serves
stop_server
