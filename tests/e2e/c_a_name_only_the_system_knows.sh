#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A server's name that the library cannot look up (mDNS, a container's own file) and the rest of
# nsswitch.conf can: the command finds it all the same; and says what is wrong when nobody knows it.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# Name servers that know nothing, whatever this machine's do.
cat >"$T/nobody.c" <<'CODE'
#include <ares.h>
void ares_getaddrinfo(ares_channel channel, const char *node, const char *service,
                      const struct ares_addrinfo_hints *hints, ares_addrinfo_callback callback,
                      void *arg)
{
    (void)channel;
    (void)node;
    (void)service;
    (void)hints;
    callback(arg, ARES_ENOTFOUND, 0, (struct ares_addrinfo *)0);
}
CODE
cc -shared -fPIC -o "$T/nobody.so" "$T/nobody.c"

ADVERTISE=localhost
start_server
URL=$(invite maria)
[[ $URL == *@localhost:* ]] || fail "the URL names another host: $URL"

export LD_PRELOAD=$T/nobody.so
as maria join "$URL" >"$T/join.out" 2>&1 </dev/null || { cat "$T/join.out"; fail "maria could not join"; }
expect 0 as maria status
has "$T/out" "logged in"
# Nobody knows this one.
sed -i 's/^host .*/host no-such-host.invalid/' "$T/home-maria/server"
expect 3 as maria status
has "$T/err" "cannot reach no-such-host.invalid port $PORT: no-such-host.invalid: "
one_line "$T/err"

# Who listens comes back with the system's addresses too.
sed -i 's/^host .*/host localhost/' "$T/home-maria/server"
listen maria
stop_server
wait_for 10 grep -q "trying to come back" "$T/listen-maria.log"
start_server
wait_for 15 grep -q "listening again" "$T/listen-maria.log"

kill "$LISTENER"
wait "$LISTENER" || fail "the listener ended with status $?"

# Under nohup it stays, although the system was asked; what else ends it still does.
trap '' HUP
listen maria
trap - HUP
kill -HUP "$LISTENER"
expect 0 as maria send maria "still here"
wait_for 10 heard maria "still here"
kill -TERM "$LISTENER"
wait "$LISTENER" || fail "the listener ended with status $?"
