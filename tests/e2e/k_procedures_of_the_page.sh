#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each procedure of malote-ca(8) does what it says when its lines are typed, in their order: on a
# server of its own, by the people whom the page names, with what it takes for granted made before.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

PAGE=$ROOT/docs/man/malote-ca.8
export HOME=$T/user
unset XDG_DATA_HOME
mkdir "$HOME" "$T/credentials" "$T/desk"
cd "$T/desk"
# as the unit has it: nobody is asked for the passphrase of the keystore
passphrase
(umask 077 && cp "$T/pass" "$T/credentials/passphrase")
(umask 077 && echo 'another one, on paper' >export-passphrase)

# ---- what the words on the page stand for ----

# The service, the administrator's tool where its data lies, the user's at the home of the last join.
systemctl() {
    case $1 in
    start) start_server ;;
    stop) stop_server ;;
    esac
}
malote-ca() {
    CREDENTIALS_DIRECTORY=$T/credentials timeout -k 5 60 "$BIN/malote-ca" --data "$D" "$@" </dev/null
}
homes=0
malote() {
    if [ "$1" = join ]; then
        homes=$((homes + 1))
        home=$T/home-$homes
    fi
    timeout -k 5 60 "$BIN/malote" --home "$home" "$@"
}

url=none
real() { # LINE
    sed -e "s|'URL'|'$url'|" -e "s|uninvite ID|uninvite ${id-}|" -e "s|/var/lib/malote|$D|g" -e 's|\\(dq|"|g' <<<"$1"
}

status_of() { # LINE: what the page says of it
    case $1 in
    *'grep '*alarm*) echo 1 ;; # nothing has to be looked at
    'malote-ca restore newest.backup') echo 1 ;;
    *) echo 0 ;;
    esac
}

# type_lines SECTION [FROM]: its lines, or those after the one that begins with FROM.
type_lines() {
    local line got wanted count=0
    while IFS= read -r line <&3; do
        count=$((count + 1))
        wanted=$(status_of "$line")
        got=0
        eval "$(real "$line")" >"$T/out" 2>"$T/err" </dev/null || got=$?
        [ "$got" -eq "$wanted" ] ||
            { cat "$T/out" "$T/err"; fail "status $got instead of $wanted of: $line"; }
        cat "$T/out" >>"$T/all"
        if grep -qoE 'malote://[^"]+' "$T/out"; then
            url=$(grep -oE 'malote://[^"]+' "$T/out" | head -n 1)
        fi
        "after_${1// /_}" "$line"
    done 3< <(awk -v section="$1" '/^\.S[sh]/ { on = $0 ~ "^\\.S[sh] " section "$" }
        on && sub(/^\.Dl /, "")' "$PAGE")
    [ "$count" -ge 1 ] || fail "no lines below '$1'"
}

anew() { # a server and a desk as they were before the first day
    [ -z "${SERVER-}" ] || gone "$SERVER" || stop_server
    rm -rf "$D" "$D.lost" "$T/old" "$T/desk"/*.* "$T"/home-*
    homes=0
    : >"$T/all"
}

# ---- the procedures ----

after_First_day() { # LINE
    case $1 in
    'malote-ca list') has "$T/out" maria ;;
    *--verify*) grep -qi whole "$T/out" || fail "$(cat "$T/out")" ;;
    esac
}
type_lines 'First day'
openssl pkcs12 -in ca.p12 -passin file:export-passphrase -nodes 2>/dev/null |
    openssl x509 -noout -subject | grep -qi malote || fail "the export is not the CA"
as 1 status </dev/null >/dev/null
cp ca.p12 "$T/kept.p12"

after_A_class_of_thirty() { # LINE
    case $1 in
    *names*)
        is "$(wc -l <urls.jsonl)" 3
        url=$(sed -n '1s/.*"url":"\([^"]*\)".*/\1/p' urls.jsonl)
        ;;
    *join*)
        for n in 2 3; do
            malote join "$(sed -n "${n}s/.*\"url\":\"\([^\"]*\)\".*/\1/p" urls.jsonl)" >/dev/null
        done
        ;;
    *sort*) is "$(grep -cE '^(ana|rui|eva) ' "$T/out")" 3 ;;
    *valid*) is "$(grep -cE '^(ana|rui|eva) ' "$T/out")" 0 ;;
    esac
}
printf 'ana\nrui\neva\n' >class.txt
type_lines 'A class of thirty'
expect 1 as 4 status

after_A_fleet_of_two_hundred() { # LINE
    case $1 in
    *count*)
        is "$(wc -l <urls.txt)" 200
        sed -n 17p urls.txt >url.txt
        ;;
    *sort*) has "$T/out" node-17 ;;
    *'state late'*) hasnt "$T/out" node-17 ;;
    esac
}
# a file on standard input, where the others have nothing
type_lines 'A fleet of two hundred'
expect 1 as "$homes" status

after_A_URL_in_the_wrong_hands() { # LINE
    case $1 in
    *uninvite*) expect 1 as thief join "$url" ;;
    *invites*) grep -q "^$id  *ines  *.*open$" "$T/out" || fail "$(cat "$T/out")" ;;
    esac
}
url=$(malote-ca invite ines)
id=$(sed -E 's|.*/([0-9a-f]{16})[0-9a-f]{32}$|\1|' <<<"$url")
type_lines 'A URL in the wrong hands'
malote join "$url" >/dev/null
expect 0 as "$homes" status

after_A_lost_laptop() { # LINE
    [[ $1 != *audit* ]] || is "$(grep -c 'another, before yours' "$T/out")" 1
}
type_lines 'A lost laptop'
expect 1 as 1 status
expect 0 as "$homes" status

after_A_wiped_device() { # LINE
    [[ $1 != *status* ]] || is "$(sed -n 's/^name *//p' "$T/out")" joao@malote.internal
}
mkdir -p "$HOME/.local/share" copy
home=$HOME/.local/share/malote
timeout 60 "$BIN/malote" --home "$home" join "$(malote-ca invite joao)" >/dev/null
cp -a "$home" copy/malote
rm -r "$home"
type_lines 'A wiped device'
expect 0 as "$homes" status

after_A_lost_passphrase() { # LINE
    case $1 in
    *stop*) printf 'what nobody knows\n' >"$T/lost" ;;
    *import*) [ -e "$D/ca/chaves.txt" ] || fail "no CA was made" ;;
    esac
}
fingerprint=$(sed -n 's/^fingerprint //p' "$T/home-$homes/server")
type_lines 'A lost passphrase'
is "$(sed -n 's/^fingerprint //p' "$T/home-$homes/server")" "$fingerprint"
expect 0 as "$homes" status

after_A_lost_CA_key() { # LINE
    case $1 in
    *stop*) rm "$D/ca/chaves.txt" ;;
    *'newest.backup') one_line "$T/err" && has "$T/err" behind ;;
    *accept-loss*) has "$T/out" pedro ;;
    *audit*) is "$(tail -n 1 "$T/out")" "all is well" ;;
    esac
}
anew
start_server
join maria rui
expect 0 as maria status # what it has not seen it cannot miss
malote-ca backup newest.backup >/dev/null
join pedro
malote-ca revoke rui >/dev/null
type_lines 'A lost CA key'
expect 0 as "$homes" status
expect 0 as maria status
has "$T/err" 'was restored from a backup on ' # told once
expect 0 as maria status
is "$(wc -c <"$T/err")" 0
expect 1 as rui status # revoked after the backup was made, and stays it

after_Moving_house() { # LINE
    case $1 in
    tar*-cf*) # the old machine is left
        mv "$D" "$T/old"
        ;;
    *restore*) is "$(cat "$T/err")" '' ;; # nothing is missing, and that is known
    *audit*) is "$(tail -n 1 "$T/out")" "all is well" ;;
    esac
}
anew
start_server
join maria joao
as maria send joao 'before the move' </dev/null
type_lines 'Moving house'
expect 0 as joao listen --count 1 --timeout 30
has "$T/out" 'before the move'
expect 0 as maria status
hasnt "$T/err" restored # as it was: no new epoch, and nobody is told anything

# every procedure was tried
sections=$(awk '/^\.Sh/ { on = $2 == "PROCEDURES" } on && sub(/^\.Ss /, "")' "$PAGE" | wc -l)
is "$sections" 9
