#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 37: what a message can do to the terminal of who reads it: nothing.  The listener
# runs on a terminal of its own; all that reached it is compared.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
: >"$T/tty"
pty_run --timeout 60 -- malote --home "$T/home-joao" listen --count 14 >"$T/tty" 2>"$T/pty.log" &
tty=$!
STARTED+=("$tty")
wait_for 15 grep -q listening "$T/tty"
start=$(stat -c %s "$T/tty")

evil=($'\x1b[2J\x1b[H' $'\x1b]52;c;ZXZpbA==\x07' $'\x1b]0;title\x07' $'\xc2\x9b2J' $'\xc2\x9d52;c;x\xc2\x9c'
    $'\x7f\x7f\x7f' $'\x08\x08\x08maria' $'\rjoao: fake' $'\xe2\x80\xaedrowssap' $'\xe2\x81\xa6x\xe2\x81\xa9'
    $'\xe2\x80\x8b\xe2\x80\x8d' $'\xef\xbb\xbfbom' $'one\nmaria: forged line\ttab')
for text in "${evil[@]}"; do
    printf '%s' "$text" | as maria send joao - >/dev/null || fail "not sent: $(printf %q "$text")"
done
as maria send joao "the end" </dev/null
wait "$tty" || fail "the listener ended with status $?"

tail -c "+$((start + 1))" "$T/tty" >"$T/seen"
# U+200C and U+200D shape letters and emoji and move nothing: they pass.
# all that may reach a terminal: printable ASCII, newline with the terminal's own CR, tab
! LC_ALL=C grep -nP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]' "$T/seen" || fail "control bytes reached the terminal"
! LC_ALL=C grep -nP '\r(?!$)' "$T/seen" || fail "a bare CR reached the terminal"
! LC_ALL=C grep -nP '\xc2[\x80-\x9f]|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf' "$T/seen" ||
    fail "a C1, format or bidi character reached the terminal"
! grep -q '^maria: forged' "$T/seen" || fail "a message posed as another"
has "$T/seen" 'u{202e}drowssap'
has "$T/seen" 'the end'

# text that is not UTF-8 does not leave the sender
for text in $'\xed\xa0\x80' $'\xc0\xaf' $'\xff' $'a\xe2\x80'; do
    status=0
    printf '%s' "$text" | as maria send joao - >"$T/out" 2>"$T/err" || status=$?
    is "$status" 2
    one_line "$T/err"
done
serves
