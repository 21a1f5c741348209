#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A ca process that stands still: every subcommand says so within seconds and ends with 3, revoke says
# what holds and what does not, and nobody waits for ever because others wait.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
ca_pid=$(child_of "$SERVER" ca)
net_pid=$(child_of "$SERVER" net)
leave() { # the server ends only if it goes on
    local status=$?
    set +e
    kill -CONT "$ca_pid" "$net_pid" 2>/dev/null
    (exit "$status")
    cleanup
}
trap leave EXIT

# ask NAME WORD...: beside the others; the status is in $T/NAME.status
ASKED=()
ask() {
    local name=$1 status=0
    shift
    {
        timeout -k 5 45 malote-ca --data "$D" "$@" >"$T/$name.out" 2>"$T/$name.err" </dev/null ||
            status=$?
        echo "$status" >"$T/$name.status"
    } &
    ASKED+=("$!")
}
silent() { # NAME TEXT
    is "$(cat "$T/$1.status")" 3
    one_line "$T/$1.err"
    has "$T/$1.err" "$2"
    is "$(wc -c <"$T/$1.out")" 0
}
# one whose order was carried out, and not confirmed yet
kill -STOP "$net_pid"
ask begun revoke joao
rests() { grep -q "joao was revoked" "$T/server.log" && grep -q '^State:.S' "/proc/$ca_pid/status"; }
wait_for 10 rests # neither signing nor writing any more: it waits for net
kill -STOP "$ca_pid"
ask list list
ask invite invite rita
ask revoke revoke maria
for pid in "${ASKED[@]}"; do
    wait "$pid"
done
silent begun "joao is revoked in the CA for good, but the ca process has gone silent"
silent list "the ca process has not taken this up within 10 seconds"
silent invite "the ca process has not taken this up within 10 seconds"
silent revoke "maria is not revoked yet: the ca process has not taken up the order within 10 seconds"

# what the socket has no place for is turned away, and does not wait for the others
python3 - "$D" "$T/full" <<'CODE' &
import os, socket, sys, time
os.chdir(sys.argv[1])
queue = []
try:
    while len(queue) < 100:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        one.setblocking(False)
        one.connect("ca.sock")
        queue.append(one)
except BlockingIOError:
    open(sys.argv[2], "w").close()
time.sleep(60)
CODE
STARTED+=("$!")
wait_for 10 test -e "$T/full"
ask crowd list
wait "${ASKED[-1]}"
silent crowd "more malote-ca than it has places for wait for the ca process"
kill "${STARTED[-1]}"

# what it said of maria comes true
kill -CONT "$ca_pid" "$net_pid"
is_revoked() { ca show maria | grep -q '^state *revoked'; }
wait_for 10 is_revoked
expect 0 ca revoke maria
serves
