#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What was open in a backup and is closed since does not come back with it: an invite that was used,
# one that was withdrawn, a name that was revoked while it waited for its key.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

reissued() {
    ca reissue "$1" | grep '^malote://'
}

start_server
join xavier joao
FREE=$(invite)
BOUND=$(reissued xavier)
expect 0 ca backup "$T/old"
expect 0 as mallory join "$FREE" --name mallory
expect 0 ca revoke mallory
expect 0 ca revoke xavier
stop_server
OLD_PORT=$PORT
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" restore "$T/old" --accept-loss
has "$T/out" "open invites are void: make new ones"
LISTEN=127.0.0.1:$OLD_PORT
start_server
expect 1 as mallory2 join "$FREE" --name mallory2
expect 1 as xavier2 join "$BOUND" --name xavier
ca list >"$T/list"
grep -E '^xavier +.*revoked' "$T/list" || { cat "$T/list"; fail "xavier is open again"; }
# New ones are as good as ever.
expect 0 as rui join "$(invite)" --name rui
expect 0 as xavier3 join "$(reissued xavier)" --name xavier
expect 0 as joao status
stop_server

# Where nothing else has happened since there is no loss to accept: what was withdrawn stays it.
id_of() { # URL
    sed -E 's|.*/([0-9a-f]{16})[0-9a-f]{32}$|\1|' <<<"$1"
}
start_server
WITHDRAWN=$(invite)
OPEN=$(invite)
# A mailbox key that is made after the backup would be missing from it: four names have theirs.
has_pairs() {
    [ "$(wc -l <"$D/ca/chaves.txt")" -eq 7 ]
}
wait_for 45 has_pairs
expect 0 ca backup "$T/newest"
expect 0 ca uninvite "$(id_of "$WITHDRAWN")"
stop_server
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" restore "$T/newest"
one_line "$T/err"
has "$T/err" "withdrawn since, and void: 1"
start_server
expect 1 as mallory3 join "$WITHDRAWN" --name mallory3
expect 0 as eva join "$OPEN" --name eva
stop_server
