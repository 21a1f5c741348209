#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 31: kill -9 of malote-ca at one syscall of `passwd` and of `passwd --rotate`.  Exactly
# one of the two passphrases opens afterwards, and everything is there.  KILL_POINTS=all takes every
# syscall, a number that many of each (default 3); SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/syscalls.sh"

opens() { # PASSPHRASE-FILE
    timeout -k 5 60 malote-ca --data "$D" --passphrase-file "$T/$1" audit >"$T/out" 2>"$T/err" </dev/null
}
change() { # STRACE-OPTION... -- OPTION...
    local traced=()
    while [ "$1" != -- ]; do
        traced+=("$1")
        shift
    done
    shift
    rm -rf "$D"
    cp -a "$T/origin" "$D"
    timeout -k 5 60 strace -f -o "$T/trace" "${traced[@]}" malote-ca --data "$D" \
        --passphrase-file "$T/pass" passwd --new-passphrase-file "$T/new" "$@" \
        >"$T/out" 2>"$T/err" </dev/null
}

(umask 077 && echo "the new one" >"$T/new")
start_server
join maria
expect 0 ca invite paulo
has_pair() {
    [ "$(wc -l <"$D/ca/chaves.txt")" -eq 4 ]
}
wait_for 10 has_pair
stop_server
cp -a "$D" "$T/origin"

for kind in "" --rotate; do
    kills=0
    # shellcheck disable=SC2086  # one word or none
    change -- $kind || { cat "$T/err"; fail "passwd $kind"; }
    opens new || fail "passwd $kind: the new passphrase does not open"
    choose_traced 100
    while read -r call nth; do
        # shellcheck disable=SC2086
        change -e "inject=$call:signal=KILL:when=$nth" -- $kind || true
        point="passwd $kind, $call $nth"
        way=""
        opens pass && way=old
        opens new && way="$way new"
        [ "${way# }" = old ] || [ "${way# }" = new ] || fail "$point: opens: ${way:-neither}"
        [ ! -e "$D/ca/chaves.txt.next" ] || fail "$point: something was left"
        was_killed || { [ "${way# }" = new ] || fail "$point: not killed, not changed"; continue; }
        kills=$((kills + 1))
    done <"$T/points"
    [ "$kills" -gt 0 ] || fail "passwd $kind: nothing was ever killed"
    echo "$kills kills survived"
done
