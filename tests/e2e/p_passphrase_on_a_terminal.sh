#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On a terminal the passphrase is asked for twice at first, without echo, and once later.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start() { # PTY-OPTION...
    pty_run --timeout 60 "$@" -- maloted --data "$D" --listen 127.0.0.1:0 --advertise 127.0.0.1 \
        --kdf-cost 1024 >"$T/tty" 2>"$T/pty.log" </dev/null &
    TTY=$!
    STARTED+=("$TTY")
}
start --on assphrase 'correct horse\n' --on again 'correct horse\n' --on 'malote://' '\x03'
status=0
wait "$TTY" || status=$?
[ "$status" -lt 97 ] || [ "$status" -gt 99 ] || { cat "$T/tty"; fail "status $status of the terminal"; }
has "$T/tty" "listening on"
hasnt "$T/tty" "correct horse"

start --on assphrase 'correct horse\n' --on 'listening on' '\x03'
status=0
wait "$TTY" || status=$?
[ "$status" -lt 97 ] || [ "$status" -gt 99 ] || { cat "$T/tty"; fail "status $status of the terminal"; }
has "$T/tty" "listening on"

start --on assphrase 'wrong horse\n'
status=0
wait "$TTY" || status=$?
is "$status" 4

# Ctrl-C at the prompt leaves the terminal as it was
start --on assphrase '\x03'
status=0
wait "$TTY" || status=$?
[ "$status" -lt 97 ] || [ "$status" -gt 99 ] || fail "Ctrl-C at the prompt: $status"

# two different ones at first: said, and asked again
D=$T/fresh
start --on assphrase 'one\n' --on again 'other\n' --on differ 'x' --on assphrase '\x03'
status=0
wait "$TTY" || status=$?
[ "$status" -ne 0 ] && [ "$status" -lt 97 ] || [ "$status" -gt 99 ] || fail "status $status"
[ ! -e "$D/ca/chaves.txt" ]
