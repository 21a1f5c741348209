#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A database is removed while it is in use: from then on nothing is acknowledged that would be gone
# with the process, and what was refused arrives later.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

says() { # TEXT: in the server's log
    grep -qF -- "$1" "$T/server.log"
}
ended() { # STATUS: the listener
    local status=0
    wait_for 10 gone "$LISTENER"
    wait "$LISTENER" || status=$?
    is "$status" "$1"
}
hears() { # NAME TEXT...: next, and nothing else
    local name=$1
    shift
    listen "$name" --count "$#"
    wait "$LISTENER" || fail "the listener ended with status $?"
    for text in "$@"; do
        heard "$name" "$text" || fail "lost: $text: $(cat "$T/heard-$name")"
    done
}

start_server
join maria joao pedro

# The WAL of the mailboxes: what it held is saved, and it goes on.
expect 0 as maria send joao "in the WAL"
rm "$D/net/mail.db-wal"
wait_for 10 says "what it held is saved in mail.db"
kill -KILL "$(child_of "$SERVER" net)"
hears joao "in the WAL"

# The mailboxes themselves: refused until the next start, which is somebody's decision.
expect 0 as maria send joao "removed by its owner"
rm "$D/net/mail.db"
wait_for 10 says "mail.db was removed or replaced while in use"
expect 5 as maria send joao "kept by maria"
has "$T/err" "the server cannot store messages now"
listen pedro --count 1
expect 0 as maria send pedro "live all the same" --wait delivered
ended 0
[ ! -e "$D/net/mail.db" ] || fail "an empty one was begun"
stop_server
start_server
as maria status >/dev/null 2>&1 </dev/null
hears joao "kept by maria"

# A client's: what it cannot keep it does not confirm.
listen joao
wait_for 10 grep -q listening "$T/listen-joao.log"
rm "$T"/home-joao/malote.db*
expect 0 as maria send joao "not confirmed" --wait stored
ended 6
has "$T/listen-joao.log" "/home-joao): No such file or directory"
hears joao "not confirmed"

# The ledger: nobody is certified whom the next ca would not know.
url=$(invite ana)
rm "$D/ca/ledger.db"
status=0
as ana join "$url" --name ana >"$T/out" 2>&1 </dev/null || status=$?
[ "$status" -ne 0 ] || fail "ana was enrolled"
[ ! -e "$T/home-ana/certificate.pem" ] || fail "ana was certified"
wait_for 10 says "ledger.db was removed or replaced while it was in use"
