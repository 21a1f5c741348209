#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What people are told as certificates and lists grow old, and when a clock is wrong: states and
# alarms of malote-ca list, the one line of malote, and the way out of each.  All on shifted clocks.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

cat >"$T/shift.c" <<'CODE'
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long shift(void)
{
    const char *text = getenv("CLOCK_SHIFT");
    return text != NULL ? strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    long rc = syscall(SYS_clock_gettime, id, at);
    if (id == CLOCK_REALTIME)
        at->tv_sec += shift();
    return (int)rc;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at != NULL)
        *at = now.tv_sec;
    return now.tv_sec;
}
CODE
cc -shared -fPIC -o "$T/shift.so" "$T/shift.c"
chmod 711 "$T" # the server's processes are other users, and load it too
chmod 755 "$T/shift.so"
export LD_PRELOAD=$T/shift.so CLOCK_SHIFT=0
hour=3600
day=86400
state() { # NAME
    ca list --json "$1" | sed -n 's/.*"type":"certificate".*"state":"\([a-z]*\)".*/\1/p'
}

start_server
join maria joao rita ines
expect 0 as maria status # what it has seen from here on it remembers
stop_server

# a server that did not run: the list grows old, and that is said, by whoever is asked
CLOCK_SHIFT=$((5 * day))
expect 0 offline list
grep -q '^ALARM: the revocation list is of 20' "$T/out" || fail "$(cat "$T/out")"
expect 0 offline list --json
has "$T/out" '"alarm":"crl-age"'
CLOCK_SHIFT=$((8 * day))
expect 0 offline list --json
has "$T/out" '"alarm":"crl-stale"'
expect 0 offline crl
has "$T/err" 'ALARM: the revocation list was good until '
start_server # makes a new one
expect 0 ca list
hasnt "$T/out" ALARM
stop_server

# past half its life and nobody has renewed it; then past its end; then past the grace
CLOCK_SHIFT=$((50 * day))
start_server
is "$(state rita)" late
expect 0 ca list
grep -qE '^late .*: 4 \(' "$T/out" || fail "$(cat "$T/out")"
expect 0 as joao status # renews, and nobody has to notice
is "$(wc -c <"$T/err")" 0
is "$(state joao)" valid
stop_server
CLOCK_SHIFT=$((92 * day))
start_server
is "$(state rita)" grace
expect 0 as rita status # the login that is left to it renews
is "$(state rita)" valid
stop_server
CLOCK_SHIFT=$((120 * day))
start_server
is "$(state maria)" expired
expect 4 as maria status
one_line "$T/err"
grep -qE '127.0.0.1 refused maria: the certificate ended 20.*Z \([0-9]+ days ago\), .*malote-ca renew maria' "$T/err" ||
    fail "$(cat "$T/err")"
grep -qE '^certificate +EXPIRED 20' "$T/out" || fail "$(cat "$T/out")"
expect 4 as maria send joao 'kept, and not lost'
one_line "$T/err"
has "$T/err" 'kept in the outbox for joao: '
# the administrator opens a window; the next command is the last that has to know of it
expect 0 ca renew maria
is "$(cat "$T/out")" "maria: within 7 days a login renews the certificate if it has ended, however long ago"
expect 0 as maria status
is "$(state maria)" valid
expect 0 ca renew ines --json
has "$T/out" '"type":"renewable"'
# but for one that was revoked
expect 0 ca revoke ines
expect 1 ca renew ines
one_line "$T/err"
has "$T/err" reissue
expect 1 ca renew nobody-here

# clocks differ, and a few minutes are nobody's fault
CLOCK_SHIFT=$((120 * day - 240))
expect 0 as maria status
is "$(wc -c <"$T/err")" 0
# half an hour late, when the server has just made its certificate: said, and no more
CLOCK_SHIFT=$((120 * day - 1800))
expect 0 as maria status
grep -qE "this machine's clock says 20[^ ]*Z, and the CA of 127.0.0.1 has signed something at 20" "$T/err" ||
    fail "$(cat "$T/err")"
url=$(ca invite late | grep '^malote://')
expect 0 as late join "$url"
# more than an hour: nothing is believed
CLOCK_SHIFT=$((120 * day - 2 * hour))
expect 4 as maria status
grep -qE "this machine's clock says 20[^ ]*Z, but the CA of 127.0.0.1 has signed something at 20[^ ]*Z: .*malote --accept-clock" "$T/err" ||
    fail "$(cat "$T/err")"
one_line "$T/err"
expect 4 as maria send joao 'not with that clock'
expect 4 as maria listen --timeout 5
expect 4 as maria audit
stop_server

# it was the clock before that was wrong: both say so once, and go on
CLOCK_SHIFT=0
expect 4 maloted --data "$D" --listen 127.0.0.1:0 --advertise 127.0.0.1 --passphrase-file "$T/pass"
grep -qE "the clock says 20[^ ]*Z, but this CA has signed at 20[^ ]*Z: .*--accept-clock" "$T/err" ||
    fail "$(cat "$T/err")"
expect 4 offline list
start_server --accept-clock
expect 4 as rita status
# before a subcommand it is the same, whichever that is
for subcommand in contacts status; do
    rm -rf "$T/home-again"
    cp -a "$T/home-rita" "$T/home-again"
    as again --accept-clock "$subcommand" >"$T/out" 2>"$T/err" </dev/null || true
    has "$T/err" 'the clock is taken to be right, 20'
done
has "$T/err" 'the certificate of rita is of the future: it was made at 20'
has "$T/err" 'malote-ca reissue rita'
hasnt "$T/err" 'malote --accept-clock'
is "$(wc -l <"$T/err")" 2
# once accepted, the one line that is left is the one that helps
expect 4 as again status
one_line "$T/err"
has "$T/err" 'the certificate of rita is of the future: it was made at 20'
has "$T/out" 'NOT YET VALID'
expect 0 as rita --accept-clock
grep -qE 'the clock is taken to be right, 20[^ ]*Z; that the CA signed something at 20[^ ]*Z is forgotten' "$T/err" ||
    fail "$(cat "$T/err")"
as rita --accept-clock 2>"$T/err"
has "$T/err" 'nothing had to be accepted'
# what was certified by the wrong clock is not valid yet, for its owner too
expect 4 as rita status
is "$(state rita)" future
expect 0 ca list
grep -qE '^rita .* not yet valid$' "$T/out" || fail "$(cat "$T/out")"
grep -qE '^future .*: [0-9]+ \(malote-ca list --state future' "$T/out" || fail "$(cat "$T/out")"
expect 0 ca list --state future --json
has "$T/out" '"name":"rita"'
expect 0 ca show rita
grep -qE '^state +not yet valid$' "$T/out" || fail "$(cat "$T/out")"
has "$T/out" 'malote-ca reissue rita'
url=$(ca reissue rita | grep '^malote://')
as rita2 join "$url" </dev/null >/dev/null
expect 0 as rita2 status
is "$(state rita)" valid
stop_server
start_server # and it was once
serves
