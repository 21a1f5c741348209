#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 31: kill -9 of ca, or of malote-ca, at one syscall of a backup.  A file of the name that
# was asked for is whole or is not there, the CA goes on, and nothing is left in its directory.
# KILL_POINTS=all takes every syscall, a number that many of each (default 3); SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/syscalls.sh"

whole_or_absent() { # POINT
    [ ! -e "$T/file" ] || malote-ca --passphrase-file "$T/pass" backup --verify "$T/file" \
        >"$T/out" 2>"$T/err" </dev/null || { cat "$T/err"; fail "$1: half a backup"; }
}
tidy() {
    [ "$(ls -A "$D/ca" | grep -cvE '^(chaves.txt|ledger.db|ledger.db-wal|ledger.db-shm)$')" -eq 0 ]
}
# proven HALF KILLS
proven() {
    [ "$2" -gt 0 ] || fail "$1: nothing was ever killed"
    echo "$2 kills of $1 survived"
}

start_server
join maria
# The ca, while it writes one.
trace_ca
expect 0 ca backup "$T/file"
stop_server
choose_points 40
# Of those some are idle calls, which need not come again; this one comes with every backup.
grep -qx 'fstatfs 1' "$T/all" || fail "the ca does not look for room"
echo 'fstatfs 1' >>"$T/points"
kills=0
while read -r call nth; do
    rm -f "$T/file"
    start_server
    kill_ca_at "$call" "$nth"
    status=0
    ca backup "$T/file" >"$T/out" 2>&1 || status=$?
    [ "$status" -ne 0 ] || [ -e "$T/file" ] || fail "ca at $call $nth: done, and no file"
    # Idle calls come too; whoever was not killed by now is let go.
    kill "$TRACER" 2>/dev/null || true
    wait_for 15 ca_is_back
    whole_or_absent "ca at $call $nth"
    wait_for 5 tidy
    stop_server
    was_killed || continue
    kills=$((kills + 1))
done <"$T/points"
proven ca "$kills"

# malote-ca, on the files: it makes, copies and names it.
offline() { # STRACE-OPTION...
    rm -f "$T/file"
    timeout -k 5 60 strace -f -o "$T/trace" "$@" malote-ca --data "$D" --passphrase-file "$T/pass" \
        backup "$T/file" >"$T/out" 2>"$T/err" </dev/null
}
offline || { cat "$T/err"; fail "no backup of the files"; }
choose_traced 100
kills=0
while read -r call nth; do
    status=0
    offline -e "inject=$call:signal=KILL:when=$nth" || status=$?
    [ "$status" -ne 0 ] || [ -e "$T/file" ] || fail "$call $nth: done, and no file"
    whole_or_absent "$call $nth"
    was_killed && kills=$((kills + 1))
    malote-ca --data "$D" --passphrase-file "$T/pass" audit >"$T/out" 2>"$T/err" </dev/null ||
        { cat "$T/err"; fail "$call $nth: the CA does not open"; }
    tidy || fail "$call $nth: something was left in ca/: $(ls -A "$D/ca")"
done <"$T/points"
proven malote-ca "$kills"
