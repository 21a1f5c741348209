#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where enrolment is open, whoever joins again with a certificate that is past its grace gets no new
# one for the asking: he is told what to ask for, with his home as it was and with one that has lost
# the certificate.  A server certificate that has ended is told with both its causes.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

own_clock
start_server --enrol open --cert-life 10m
as maria join "$URL" --name maria </dev/null >/dev/null
cp -r "$T/home-maria" "$T/home-other"
sed -i 's/^state joined$/state joining/' "$T/home-other/server"
rm "$T/home-other/certificate.pem"
serial() {
    openssl x509 -in "$T/home-$1/certificate.pem" -noout -serial
}
first=$(serial maria)

server_is_new() {
    [ "$(grep -c "server certificate of this key is in use" "$T/server.log")" -ge 2 ]
}
turn_clock $((8 * 86400))
wait_for 10 server_is_new

expect 4 as maria join "$URL" --name maria
one_line "$T/err"
has "$T/err" "malote-ca renew maria"
expect 4 as other join "$URL" --name maria
has "$T/err" "the certificate of maria, which this key had before, ended "
has "$T/err" "malote-ca renew maria"
is "$(serial other)" "$first"
expect 4 as other status
has "$T/err" "malote-ca renew maria"
is "$(grep -c "certified maria" "$T/server.log")" 1
hasnt "$T/server.log" "renewed maria"

# The administrator's word, and either home has the next one.
expect 0 ca renew maria
expect 0 as other status
expect 0 as maria status
[ "$(serial maria)" != "$first" ] || fail "maria has the old certificate still"
is "$(serial other)" "$(serial maria)"

# The ca process stands still for more than a day.
still=$(child_of "$SERVER" ca)
kill -STOP "$still"
turn_clock $((25 * 3600))
expect 4 as maria send maria "to whom?"
has "$T/err" "certificate has expired; either this machine's clock, which says 20"
has "$T/err" "or its CA has not worked for a day: ask its administrator"
said_so() {
    grep -q "our server certificate ended at 20.*NOBODY CAN LOG IN" "$T/server.log" || {
        turn_clock 600 # it waits for several tries
        return 1
    }
}
wait_for 10 said_so
kill -CONT "$still"
