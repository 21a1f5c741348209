#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C in chat and listen: the terminal is as it was, and the program has gone.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
for command in "chat joao" "listen"; do
    status=0
    shown=listening
    [ "$command" = listen ] || shown=Ctrl-D
    # shellcheck disable=SC2086  # words
    timeout 40 pty_run --timeout 20 --on "$shown" '\x03' -- \
        malote --home "$T/home-maria" $command >"$T/tty" || status=$?
    [ "$status" -ne 97 ] || fail "no terminal"
    [ "$status" -ne 99 ] || fail "$command left the terminal in another mode"
    [ "$status" -ne 98 ] || { cat "$T/tty"; fail "$command did not end"; }
done
