#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates of ten minutes, through several lives: who listens goes on listening in one session,
# two processes of a home share what one of them renewed, and a ca that is killed, or stands still
# for a third of a life, stops no message.  Who was away for days is let in, and after the grace
# the administrator opens the door.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

own_clock
start_server --cert-life 10m
join maria joao
listen maria --timeout 1000000
ear=$LISTENER
first=$(openssl x509 -in "$T/home-maria/certificate.pem" -noout -serial)

# Half a minute at a time, and a message, which also wakes who sleeps.
pass() { # STEPS WHAT
    local step
    for step in $(seq "$1"); do
        turn_clock 30
        send joao maria "$2 $step" >"$T/sent" 2>&1 || fail "step $step: $(cat "$T/sent")"
        wait_for 10 heard maria "$2 $step"
    done
}

pass 22 "a life and more"
kill -0 "$ear" || fail "who listened was ended"
second=$(openssl x509 -in "$T/home-maria/certificate.pem" -noout -serial)
[ "$second" != "$first" ] || fail "maria was not renewed"
# What a second process of the home has is the same, for the asking.
as maria send joao "from beside" </dev/null >/dev/null
renewals=$(grep -c "renewed maria" "$T/server.log")
[ "$renewals" -le 6 ] || fail "maria was renewed $renewals times within two lives"

# The ca dies, and comes again; then it stands still.
ca_is_back() { [ "$(grep -c "the CA of malote.internal is open" "$T/server.log")" -ge 2 ]; }

kill -KILL "$(child_of "$SERVER" ca)"
pass 5 "the ca was killed"
wait_for 20 ca_is_back
pass 9 "the ca was started again"
still=$(child_of "$SERVER" ca)
kill -STOP "$still"
pass 6 "the ca stands still"
kill -CONT "$still"
pass 9 "the ca goes on"
kill -0 "$ear" || fail "who listened was ended"
hasnt "$T/server.log" "certificate has expired"
is "$(grep -c . "$T/listen-maria.log")" 1
kill -TERM "$ear"
wait_for 10 gone "$ear"

# The server too has slept, and needs a certificate of its own first.
days_later() { # DAYS
    RELAYS=$(grep -c "certified relay" "$T/server.log")
    turn_clock $(($1 * 86400))
    wait_for 10 server_is_new
}
server_is_new() {
    [ "$(grep -c "server certificate of this key is in use" "$T/server.log")" -gt "$RELAYS" ]
}

# Three days away: renewed before anything else, and nobody notices.
days_later 3
expect 0 as maria send joao "back from a journey"
[ ! -s "$T/err" ] || fail "it says: $(cat "$T/err")"
ends=$(openssl x509 -in "$T/home-maria/certificate.pem" -noout -enddate)

# Beyond the grace: one line that says since when, and what to do; and then it is done.
days_later 8
expect 4 as maria send joao "too late"
one_line "$T/err"
has "$T/err" "the certificate ended "
has "$T/err" "malote-ca renew maria"
expect 0 ca renew maria
expect 0 as maria status
[ "$(openssl x509 -in "$T/home-maria/certificate.pem" -noout -enddate)" != "$ends" ] ||
    fail "maria has the old certificate still"
expect 0 ca renew joao
expect 0 as joao listen --count 3
has "$T/out" "too late"
