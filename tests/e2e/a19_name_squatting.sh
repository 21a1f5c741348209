#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 19: a hundred people ask for one name at once, each with a key of their own: by one
# invite, by an invite each, and where everybody may enter.  Exactly one gets it, all others are
# told why not, and the name stays with that key; after a reissue it goes to the new key alone.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

squat() { # NAME COUNT URL...: so many at once
    interop squat "$@" >"$T/squat"
    is "$(grep ' welcome 1 0$' "$T/squat")" "1 welcome 1 0"
    is "$(grep -c '^certified ' "$T/squat")" 1
    is "$(ca show "$1" --json | grep -o "\"fingerprint\":\"[0-9a-f]*\"" | sort -u)" \
        "\"fingerprint\":\"$(sed -n 's/^certified //p' "$T/squat")\""
    is "$(awk '/ welcome / { n += $1 } END { print n }' "$T/squat")" "$2"
}

start_server
two_strangers
squat by-one-invite 100 "$(invite --count 1)"
has "$T/squat" "99 welcome 4"
mapfile -t urls < <(ca invite --count 30 | grep '^malote://')
squat by-many 30 "${urls[@]}"
has "$T/squat" "29 welcome 4 1"

# the name of a living, of a reissued and of a reserved user
is "$(interop peer join "$(invite --count 1)" victim "$T/py-other")" "refused 1"
url=$(ca reissue victim | grep '^malote://')
is "$(interop peer join "$url" victim "$T/py-victim")" "refused 9"
is "$(interop peer join "$(invite --count 1)" victim "$T/py-other")" "refused 1"
is "$(interop peer join "${url%/*}" victim "$T/py-other")" "refused 4"
expect 1 interop peer status "$T/py-victim"
has "$T/out" "refused 9"
is "$(interop peer join "$url" victim "$T/py-new")" "issued 0"
is "$(interop peer join "$url" victim "$T/py-late")" "refused 3"
interop peer status "$T/py-new" >"$T/out"
expect 1 interop peer status "$T/py-victim"
stop_server

start_server --enrol open
plain="malote://127.0.0.1:$PORT/$(interop peer pin "$T/py-mallory")"
squat in-the-open 100 "$plain"
has "$T/squat" "99 welcome 4 1"
is "$(interop peer join "$plain" victim "$T/py-other")" "refused 1"
is "$(interop peer join "$plain" by-one-invite "$T/py-other")" "refused 1"
is "$(interop peer join "$plain" relay "$T/py-other")" "refused 2"
serves
