#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malote-ca invites says what became of each invite, and gives no token away; uninvite takes one
# back, over ca.sock and on the files, and who comes with it is told what one is told who made it up.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

id_of() { # URL
    sed -E 's|.*/([0-9a-f]{16})[0-9a-f]{32}$|\1|' <<<"$1"
}

line_of() { # ID: what the table says behind the id
    ca invites | sed -n "s/^$1  *//p"
}

object_of() { # ID
    ca invites --json | grep "\"id\":\"$1\""
}

start_server
first=$(id_of "$URL") # the first start makes one
is "$(ca invites | sed -n '2,$p' | cut -c 1-16)" "$first"
expect 0 ca uninvite "$first" --json
is "$(cat "$T/out")" "{\"type\":\"withdrawn\",\"id\":\"$first\"}"
expect 0 ca invites
is "$(wc -c <"$T/out")" 0
has "$T/err" "there are no invites"
expect 0 ca invites --json
is "$(wc -c <"$T/out")" 0

free=$(invite)
bound=$(invite joao --expires 24h)
late=$(invite --expires 1s)
open=$(invite)
as maria join "$free" --name maria </dev/null >/dev/null
late_is_over() { [[ $(line_of "$(id_of "$late")") == *" expired" ]]; }
wait_for 10 late_is_over
[[ $(line_of "$(id_of "$free")") =~ ^'(any)  '.*[^\ ]\ +in\ [67]\ days\ +'used by maria'$ ]] ||
    fail "$(ca invites)"
[[ $(line_of "$(id_of "$bound")") =~ ^'joao   '.*\ +in\ (24|23)\ hours\ +open$ ]] ||
    [[ $(line_of "$(id_of "$bound")") =~ ^'joao   '.*\ +in\ 1\ day\ +open$ ]] || fail "$(ca invites)"
[[ $(line_of "$(id_of "$late")") =~ (ago|now)\ +expired$ ]] || fail "$(ca invites)"
is "$(ca invites | head -n 1 | tr -s ' ')" "ID NAME MADE EXPIRES STATE"
time='"20[0-9-]*T[0-9:]*Z"'
object_of "$(id_of "$free")" | grep -qE "^\{\"type\":\"invite\",\"id\":\"$(id_of "$free")\",\"made\":$time,\
\"expires\":$time,\"state\":\"used\",\"used_by\":\"maria\"\}$" || fail "$(ca invites --json)"
object_of "$(id_of "$bound")" | grep -qE "\",\"name\":\"joao\",\"made\":$time,\"expires\":$time,\
\"state\":\"open\"\}$" || fail "$(ca invites --json)"
object_of "$(id_of "$late")" | grep -q '"state":"expired"}$' || fail "$(ca invites --json)"
# an invite made as JSON says which one it is
made=$(ca invite --json)
is "$(sed -E 's/.*"id":"([0-9a-f]*)".*/\1/' <<<"$made")" \
    "$(id_of "$(sed -E 's/.*"url":"([^"]*)".*/\1/' <<<"$made")")"
# the token, which is what lets somebody in, is nowhere
ca invites >"$T/seen"
ca invites --json >>"$T/seen"
for url in "$free" "$bound" "$late" "$open"; do
    hasnt "$T/seen" "${url: -32}"
done

# withdrawn: as one that never was
uninvited() { # NAME URL
    rm -rf "$T/home-$1"
    expect 1 as "$1" join "$2" --name "$1"
    one_line "$T/err"
    sed -E 's/ \[id [^]]*\]//' "$T/err" >"$T/told"
}
uninvited ines "${open%/*}/$(printf 'ab%.0s' {1..24})"
cp "$T/told" "$T/unknown"
expect 0 ca uninvite "$(id_of "$open" | tr a-f A-F)" # as people copy it
is "$(cat "$T/out")" "$(id_of "$open"): withdrawn"
uninvited ines "$open"
cmp "$T/told" "$T/unknown"
# it is not in the list any more, nor after the ca process has died the moment it was said
expect 0 ca uninvite "$(id_of "$bound")"
kill -KILL "$(child_of "$SERVER" ca)"
ca_is_back() { ca invites >"$T/seen" 2>/dev/null; }
wait_for 20 ca_is_back
hasnt "$T/seen" "$(id_of "$bound")"
hasnt "$T/seen" "$(id_of "$open")"
has "$T/seen" "$(id_of "$free")"
uninvited joao "$bound"
# and joao gets another one
rm -rf "$T/home-joao"
join joao

# no
expect 1 ca uninvite "$(id_of "$open")"
one_line "$T/err"
has "$T/err" "there is no invite $(id_of "$open"); 'malote-ca invites' lists"
expect 1 ca uninvite "$(id_of "$free")"
one_line "$T/err"
has "$T/err" "was used by maria; to shut them out: 'malote-ca revoke maria'"
expect 0 as maria status
for word in "" abc "$free" "${free: -48}" "$(id_of "$free")0" "$(id_of "$free" | cut -c 2-)g" \
    $'\e[2J0123456789ab' $'0123456789abcde\n'; do
    expect 2 ca uninvite "$word"
    one_line "$T/err"
    has "$T/err" "that is not the id of an invite: 16 hexadecimal digits"
    hasnt "$T/err" $'\e'
    [ -z "$word" ] || hasnt "$T/err" "${word%$'\n'}"
done
expect 2 ca uninvite
expect 2 ca uninvite "$first" "$first"
expect 2 ca invites all

# ten thousand, and whoever stops reading them holds nobody up
kept=$(ca invites --json | grep -vc expired) # those are forgotten when the next is made
ca invite --count 10000 >"$T/fleet"
is "$(ca invites --json | wc -l)" $((10000 + kept))
ca invites 2>/dev/null | head -n 2 >/dev/null || true
box=$(sed -n 5000p "$T/fleet")
expect 0 ca uninvite "$(id_of "$box")"
uninvited box "$box"
as box7 join "$(sed -n 7p "$T/fleet")" --name box7 </dev/null >/dev/null
[[ $(line_of "$(id_of "$(sed -n 7p "$T/fleet")")") == *"used by box7" ]] || fail "box7 is not in the list"

# on the files, while maloted does not run
stop_server
files() {
    timeout -k 5 60 malote-ca --data "$D" --passphrase-file "$T/pass" "$@" </dev/null
}
other=$(sed -n 8p "$T/fleet")
[[ $(files invites --json | grep "\"id\":\"$(id_of "$other")\"") == *'"state":"open"}' ]] || fail "not open"
expect 0 files uninvite "$(id_of "$other")"
expect 1 files uninvite "$(id_of "$other")"
one_line "$T/err"
expect 1 files uninvite "$(id_of "$free")"
is "$(files invites | grep -c "^$(id_of "$other") ")" 0
start_server
uninvited box8 "$other"
as box9 join "$(sed -n 9p "$T/fleet")" --name box9 </dev/null >/dev/null
