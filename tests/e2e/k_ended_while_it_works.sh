#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malote-ca ended by Ctrl-C or killed: the CA that --verify has unpacked does not stay where it was,
# and of a backup that was being written nothing is left.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/syscalls.sh"

start_server
mkdir "$T/tmp"
expect 0 ca backup "$T/whole"

# Ended while it works: the CA that it has unpacked does not stay there.
works_in_it() { # and has the child that takes it away
    [ -n "$(ls -A "$T/tmp")" ] && [ -n "$(cat "/proc/$VERIFYING/task/$VERIFYING/children")" ]
}
has_left() {
    [ -z "$(ls -A "$T/tmp")" ]
}
mkfifo "$T/fifo"
exec 9<>"$T/fifo" # the passphrase that never comes
for signal in INT TERM HUP QUIT KILL; do
    TMPDIR=$T/tmp setsid env --default-signal malote-ca --passphrase-fd 9 backup --verify "$T/whole" \
        >"$T/out" 2>"$T/err" </dev/null &
    VERIFYING=$!
    STARTED+=("$VERIFYING")
    wait_for 10 works_in_it
    # Ctrl-C is for all of them, its child too.
    [ "$signal" = KILL ] && whom=$VERIFYING || whom=-$VERIFYING
    kill "-$signal" -- "$whom"
    status=0
    wait "$VERIFYING" 2>/dev/null || status=$?
    [ "$status" -gt 128 ] || fail "SIG$signal: exit $status"
    wait_for 10 has_left
done
exec 9>&-
for signal in INT KILL; do # in the middle of its audit
    { TMPDIR=$T/tmp env --default-signal strace -f -o "$T/trace" \
        -e "inject=pread64:signal=$signal:when=30" malote-ca --passphrase-file "$T/pass" \
        backup --verify "$T/whole" >"$T/out" 2>"$T/err" </dev/null || true; } 2>/dev/null
    grep -q "killed by SIG$signal" "$T/trace" || fail "SIG$signal did not hit"
    grep -q 'ledger.db' "$T/trace" || fail "nothing was unpacked yet"
    wait_for 10 has_left
done

# Ended while the file is written: nothing of it is left.
expect_cut() {
    env --default-signal strace -f -o "$T/trace" -e inject=lseek:signal=TERM:when=1 \
        malote-ca --data "$D" backup "$T/cut" </dev/null >"$T/out" 2>"$T/err"
}
! expect_cut || fail "it was to be cut off"
grep -q 'malote-ca.*new.*O_CREAT' "$T/trace" || fail "nothing was written yet"
grep -q 'killed by SIGTERM' "$T/trace" || fail "it was not ended"
[ ! -e "$T/cut" ] || fail "it was written all the same"
is "$(find "$T" -maxdepth 1 -name '.malote-ca*' | wc -l)" 0
