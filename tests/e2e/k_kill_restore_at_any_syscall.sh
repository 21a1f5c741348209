#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 31: kill -9 of `malote-ca restore --accept-loss` at one syscall, in whichever of its two
# processes gets there first.  DATA holds the old CA or the restored one, whole, never neither; and
# the same where the file system cannot exchange two directories.  KILL_POINTS=all takes every
# syscall, a number that many of each (default 3); SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/syscalls.sh"

restore() { # STRACE-OPTION...
    rm -rf "$D"
    cp -a "$T/origin" "$D"
    timeout -k 5 60 strace -f -o "$T/trace" "$@" malote-ca --data "$D" --passphrase-file "$T/pass" \
        restore "$T/file" --accept-loss >"$T/out" 2>"$T/err" </dev/null
}
# Old: paulo is a member; new: maria's revocation was carried over, and paulo is lost.
state() {
    offline list --json >"$T/list" 2>"$T/err" || { cat "$T/err"; return 1; }
    if grep -q '"name":"paulo"' "$T/list" && grep -q '"name":"maria".*"state":"revoked"' "$T/list"; then
        grep -q '"name":"paulo".*"state":"valid"' "$T/list" && echo old || echo new
    elif grep -q '"name":"maria".*"state":"revoked"' "$T/list"; then
        echo new
    else
        cat "$T/list"
    fi
}

start_server
join maria
expect 0 ca backup "$T/file"
join paulo
expect 0 ca revoke maria
stop_server
cp -a "$D" "$T/origin"
is "$(state)" old

for kind in exchange rename; do
    kills=0
    extra=()
    [ "$kind" = exchange ] || extra=(-e inject=renameat2:error=EINVAL)
    restore "${extra[@]}" || { cat "$T/err"; fail "restore by $kind"; }
    is "$(state)" new
    ls -d "$D"/ca.old-* >/dev/null || fail "the old CA is gone"
    choose_traced 100
    [ "$kind" = exchange ] || grep -E '^(renameat|fsync|unlinkat) ' "$T/all" >"$T/points"
    while read -r call nth; do
        point="$kind, $call $nth"
        restore "${extra[@]}" -e "inject=$call:signal=KILL:when=$nth" || true
        if was_killed; then kills=$((kills + 1)); fi
        # What finishes a half-done step is the next start.
        if [ ! -d "$D/ca" ]; then
            [ "$kind" = rename ] || fail "$point: neither is there: $(ls "$D")"
            LISTEN=127.0.0.1:0
            start_server
            stop_server
        fi
        got=$(state) || fail "$point: the CA does not open: $got"
        [ "$got" = old ] || [ "$got" = new ] || fail "$point: $got"
        expect 0 offline audit
    done <"$T/points"
    [ "$kills" -gt 0 ] || fail "restore by $kind: nothing was ever killed"
    echo "$kills kills survived"
done
# Whatever a kill left does not stand in the way of the next.
mkdir -p "$D/ca.new" && touch "$D/ca.new/chaves.txt"
rm -rf "$D/ca" && cp -a "$T/origin/ca" "$D/ca"
expect 0 offline restore "$T/file" --accept-loss
is "$(state)" new
[ ! -e "$D/ca.new" ] || fail "ca.new was left"
