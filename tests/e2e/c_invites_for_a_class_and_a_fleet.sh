#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malote-ca invite --names FILE: a URL a line, bound to its name; --count 200 for a fleet.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
printf 'ana\nbruno\ncarla.dias\n' >"$T/class.txt"
ca invite --names "$T/class.txt" >"$T/urls"
is "$(grep -c '^malote://' "$T/urls")" 3
is "$(wc -l <"$T/urls")" 3
as bruno join "$(sed -n 2p "$T/urls")" --name bruno </dev/null
# an invite certifies only the name it was made for
status=0
as thief join "$(sed -n 1p "$T/urls" | sed -E 's|//[^@/]*@|//|')" --name carla.dias </dev/null >"$T/out" \
    2>"$T/err" || status=$?
is "$status" 1
one_line "$T/err"

ca invite --count 200 >"$T/fleet"
is "$(grep -c '^malote://' "$T/fleet")" 200
is "$(sort -u "$T/fleet" | wc -l)" 200
as box7 join "$(sed -n 7p "$T/fleet")" --name box7 </dev/null

# no character of an URL means anything to a shell
! grep -vE '^[A-Za-z0-9:/.@_-]+$' "$T/fleet" "$T/urls" || fail "an URL with a character a shell touches"

printf 'ana\nNot A Name\n' >"$T/bad.txt"
status=0
ca invite --names "$T/bad.txt" >"$T/out" 2>"$T/err" || status=$?
[ "$status" -ne 0 ] || fail "a name that is none"
! grep -q '^malote://' "$T/out" || fail "half a class was invited"
one_line "$T/err"
has "$T/err" "bad.txt, line 2: 'Not A Name' is not a name: lower-case letters and digits, "
expect 2 ca invite "Not A Name"
has "$T/err" "'Not A Name' is not a name: lower-case letters and digits, "

# an invite expires
url=$(ca invite late --expires 1s | grep '^malote://')
sleep 2.2
expect 1 as late join "$url" --name late
