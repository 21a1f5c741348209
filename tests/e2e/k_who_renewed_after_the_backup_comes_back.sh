#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ledger lost, and put back from a backup of eight days ago, with certificates of ten minutes:
# who has renewed since comes back by himself, with what he has.  Who was revoked after he had
# renewed never does, though the list of that day names only a serial that the ledger does not know.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

serial_of() { # NAME
    openssl x509 -in "$T/home-$1/certificate.pem" -noout -serial
}
days_later() { # DAYS
    local relays
    relays=$(grep -c "server certificate of this key is in use" "$T/server.log")
    server_is_new() {
        [ "$(grep -c "server certificate of this key is in use" "$T/server.log")" -gt "$relays" ]
    }
    turn_clock $(($1 * 86400))
    wait_for 10 server_is_new
}
# The same key in a home of its own: it asks for a certificate anew.
enrol_again() { # NAME URL
    rm -rf "$T/home-again"
    mkdir -m 700 "$T/home-again"
    cp -p "$T/home-$1/key" "$T/home-again/key"
    as again join "$2" --name "$1"
}
entered() { # NAME
    grep -c "$1 came with certificate .*entered anew" "$T/server.log" || true
}

own_clock
start_server --cert-life 10m
join zeca maria joao mallory rui
expect 0 ca backup "$T/old"
# Renewed for the first time in their lives; then four days, and four more, each within the grace.
for days in 0 4 4; do
    [ "$days" = 0 ] && turn_clock 260 || days_later "$days"
    for name in maria joao mallory rui; do
        # joao is away the last time, and mallory revoked.
        if [ "$days" = 0 ] || { [ "$name" != mallory ] && [ "$name" != joao ]; }; then
            send "$name" "$name" "after $days days" >/dev/null
        fi
    done
    if [ "$days" = 0 ]; then
        expect 0 ca revoke mallory
    else
        send joao joao "still in time" >/dev/null
    fi
done
expect 0 ca revoke rui
maria=$(serial_of maria)
stop_server

turn_clock 2
rm "$D"/ca/ledger.db*
chmod 711 "$T" # restore works as the user whose files they are, by this clock
expect 0 offline restore "$T/old" --accept-loss
ln -f "$T/now" "$D/ca/now"
start_server --cert-life 10m
hasnt "$T/server.log" "entered anew"

# Told that a backup was put back, and no more.
expect 0 send maria maria "back"
one_line "$T/err"
has "$T/err" "was restored from a backup on $(clock_says)"
is "$(serial_of maria)" "$maria"
is "$(entered maria)" 1
expect 0 as maria audit
turn_clock 260
expect 0 send maria maria "and again"
[ "$(serial_of maria)" != "$maria" ] || fail "maria was not renewed"
is "$(entered maria)" 1
# One that is over by now is renewed at once, within its grace.
joao=$(serial_of joao)
days_later 1
expect 0 send joao joao "back"
[ "$(serial_of joao)" != "$joao" ] || fail "joao was not renewed"
is "$(entered joao)" 1

# By login, with the key and an invite, or by the administrator's leave.
for name in rui mallory; do
    expect 1 send "$name" zeca "let me in"
    has "$T/err" "revoked"
    expect 1 as "$name" listen --timeout 5
    has "$T/err" "revoked"
    expect 1 enrol_again "$name" "$(invite)"
    has "$T/err" "the name belongs to another key"
    is "$(entered "$name")" 0
    expect 1 ca renew "$name"
    one_line "$T/err"
    has "$T/err" "nobody can tell"
    has "$T/err" "malote-ca reissue $name"
done
# Of zeca, who was away all the time, nobody can tell either: a new key, and all is well.
expect 1 ca renew zeca
has "$T/err" "malote-ca reissue zeca"
expect 0 ca reissue zeca
url=$(grep '^malote://' "$T/out")
rm -rf "$T/home-zeca"
expect 0 as zeca join "$url" --name zeca
expect 0 send zeca maria "anew"
expect 0 ca audit
hasnt "$T/server.log" "ALARM"
serves
