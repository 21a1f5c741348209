#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 24: the ca/ of before a revocation is put back, with and without what net kept of it;
# a list that is out of date; one of 100,000 entries; one that is damaged.  Who was revoked stays
# out, or the CA stops, and says why; and nobody is refused without being told the reason.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao thief
expect 0 as maria send joao "an ordinary day"
url=$(invite newcomer)
stop_server
cp -a "$D" "$T/before"
start_server
expect 0 ca revoke thief --reason key-compromise
expect 1 as thief status
expect 0 as maria status # she knows of the newest head and list now
stop_server
cp -a "$D" "$T/after"

put_back() { # WHICH PART...
    local part
    for part in "${@:2}"; do
        rm -rf "${D:?}/$part"
        [ ! -e "$T/$1/$part" ] || cp -a "$T/$1/$part" "$D/$part"
    done
    : >"$T/server.log"
}

has_stopped() { grep -q "error: the CA has stopped issuing" "$T/server.log"; }

# ---- ca/ of before, and net/ as it was ----

put_back before ca
launch_server
wait_for 20 has_stopped
has "$T/server.log" "an older copy was put back"
wait_for 20 grep -q "its revocation list is number 1, and number 2 was seen here" "$T/server.log"
wait_for 20 grep -q "not listening yet" "$T/server.log"
# every command of the administrator's says it
for command in list "invite ines" "renew maria" pending; do
    ca $command >"$T/said" 2>&1 || true
    has "$T/said" "the CA has stopped issuing"
done
stop_server
# the newest copy again, and all is well; the thief was never in
put_back after ca
start_server
expect 1 as thief status
has "$T/err" revoked
expect 0 as maria send joao "and another"
stop_server
rm -rf "$T/after"
cp -a "$D" "$T/after"

# ---- the old one with nothing kept by net: it is the members who know ----

put_back before ca net/head net/crl.der
start_server
expect 4 as maria send joao "is this the same CA?"
one_line "$T/err"
has "$T/err" "showed a ledger older than the one seen here before"
# by her the ca has learnt of it; nobody is certified any more, and is told why
wait_for 10 has_stopped
expect 1 as newcomer join "$url" --name newcomer
one_line "$T/err"
has "$T/err" "the CA has stopped issuing"
# who knows of nothing newer goes on
expect 0 as joao listen --count 1
# and so does it after a restart, though nobody tells it again
stop_server
: >"$T/server.log"
launch_server
wait_for 20 has_stopped
stop_server

# ---- a list that is out of date, of 100,000 entries, and damaged ----

# keep_list NUMBER AGE LIFE COUNT
keep_list() {
    expect 0 interop keyholder list "$D" "$T/pass" "$T/list.der" "$@"
    cat "$T/list.der" >"$D/net/crl.der"
}
put_back after ca net/head
keep_list 90 0 0.00002 100000 # good for a second
next_second
next_second
start_server
wait_for 10 grep -q "the revocation list number 90 ended at" "$T/server.log"
# of her certificate nobody knows whether it was revoked since; of a newer one it is known
expect 1 as maria status
one_line "$T/err"
has "$T/err" "revocation list is out of date"
join young
expect 0 as young status
expect 0 ca list
has "$T/out" "revocation list"
is "$(interop peer join "$(invite python)" python "$T/py-python")" "issued 0"
expect 0 interop member list "$T/py-python" "$T/got.der"
is "$(cat "$T/out")" "list number 90 serials 100000"
cmp "$T/got.der" "$T/list.der" || fail "another list than the one that was kept"
# a client has them all
expect 0 as young status --json
has "$T/out" '"revoked":100000'
# what this ca signs is below that number, and nothing is taken back for it; but who it revokes is
# out all the same, and its administrator hears that the list did not get through
expect 3 ca revoke joao
has "$T/err" "the server has not confirmed it"
expect 1 as joao status
has "$T/err" revoked
stop_server
printf 'x' | dd of="$D/net/crl.der" bs=1 seek=400 conv=notrunc status=none
: >"$T/server.log"
start_server
has "$T/server.log" "net/crl.der is not usable"
expect 1 as joao status # as the ca says
serves
