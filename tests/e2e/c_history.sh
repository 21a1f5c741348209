#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# history: both ways in one order, with states, escaped for the terminal; it needs no server and no
# passphrase, and marks nothing as shown.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao ana
expect 0 as maria history
is "$(wc -c <"$T/out")" 0
send maria joao $'\e[31mred\e[0m\nana > joao  shown  a lie\n\n'
send joao maria "an answer"
send ana maria "somebody else"
stop_server

# maria's own: a state, and a text that a terminal does not obey, later lines indented
expect 0 as maria history joao
! grep -q $'\e' "$T/out" || fail "an escape reached the terminal"
grep -qE '^[0-9:]+  maria > joao  stored     \\u\{1b\}\[31mred\\u\{1b\}\[0m$' "$T/out" || fail "$(cat "$T/out")"
has "$T/out" "  ana > joao  shown  a lie"
! grep -qE '^ana|^$' "$T/out" || fail "a line of a text stands where a message begins"
start_server

# theirs: new, and new after history looked at it, shown once it was
expect 0 as maria listen --count 1
expect 0 as maria history
grep -qE '^[0-9:]+  joao > maria  shown      an answer$' "$T/out" || fail "$(cat "$T/out")"
# the second came with the same login, or comes with the next; it is not lost in either case
expect 0 as maria history ana
expect 0 as maria listen --count 1 --json
has "$T/out" '"text":"somebody else"'
expect 0 as joao listen --count 1
send joao maria "new to her"
malote --home "$T/home-maria" listen --timeout 90 >/dev/full 2>"$T/full.log" </dev/null &
wait_for 10 gone $!
stop_server
for _ in 1 2; do
    expect 0 as maria history joao
    grep -qE '^[0-9:]+  joao > maria  new        new to her$' "$T/out" || fail "$(cat "$T/out")"
done

# JSON: an object a line, both ways
expect 0 as maria history --json
is "$(wc -l <"$T/out")" 4
! grep -vE '^\{"type":"(sent|message)","from":"(maria|joao|ana)","to":"(maria|joao)","id":"[0-9a-f]{32}","time":"[^"]+","state":"[a-z]+","text":".*"\}$' \
    "$T/out" || fail "a line of another form"
has <(sed -n 1p "$T/out") '"state":"delivered","text":"\u001B[31mred\u001B[0m\nana > joao  shown  a lie\n\n"'
has <(sed -n 2p "$T/out") '"type":"message","from":"joao","to":"maria",'
has <(tail -n 1 "$T/out") '"state":"new","text":"new to her"'

# the newest, and in their order
expect 0 as maria history --json --count 2
is "$(sed 's/.*"text":"\([^"]*\)".*/\1/' "$T/out" | tr '\n' ,)" "somebody else,new to her,"
expect 0 as maria history joao --count 1
is "$(wc -l <"$T/out")" 1
expect 0 as maria history zoe
is "$(wc -c <"$T/out")" 0
for arguments in "joao ana" "--count 0" "--count x" "--fly" "Not-a-Name" "--json=yes"; do
    # shellcheck disable=SC2086  # words
    expect 2 as maria history $arguments
    one_line "$T/err"
done
expect 4 as stranger history
one_line "$T/err"

# who cannot read everything at once is not complained about
as maria history 2>"$T/err" | head -n 1 >"$T/out" || true
is "$(wc -c <"$T/err")" 0

# a message to oneself is there both ways
start_server
send maria maria "to myself"
expect 0 as maria listen --count 2 --timeout 20 --json
expect 0 as maria history maria --json
is "$(wc -l <"$T/out")" 2

# times are local ones
of_zone() {
    TZ=$1 as maria history joao --count 1 </dev/null | sed 's/  joao >.*//'
}
[ "$(of_zone UTC0)" != "$(of_zone UTC-5)" ] || fail "TZ changes nothing: $(of_zone UTC0)"
