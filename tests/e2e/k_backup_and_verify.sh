#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malote-ca backup while names are enrolled: each is of one moment, --verify says what is in it, and
# whatever was done to the file afterwards is refused.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

verify() { # FILE [OPTION...]: without DATA; another machine may do it
    TMPDIR=$T/tmp timeout -k 5 60 malote-ca --passphrase-file "$T/pass" backup --verify "$@" </dev/null
}
mkdir "$T/tmp"
field() { # KEY FILE
    sed -nE "s/.*\"$1\":\"?([^,\"}]*).*/\1/p" "$2"
}

start_server --enrol open
FREE=$(cat "$T/server.out" | grep '^malote://')
join_all() {
    local i
    for i in $(seq 8); do
        as "p$i" join "$FREE" --name "p$i" >"$T/join-p$i.out" 2>&1 </dev/null || return 1
    done
}
join_all &
JOINING=$!
n=0
while kill -0 "$JOINING" 2>/dev/null && [ "$n" -lt 6 ]; do
    n=$((n + 1))
    expect 0 ca backup "$T/b$n"
done
wait "$JOINING" || fail "enrolment did not go on while backups were made"
has_pairs() {
    [ "$(wc -l <"$D/ca/chaves.txt")" -eq 11 ]
}
wait_for 45 has_pairs # made when the machine has nothing else to do
[ "$n" -ge 3 ] || fail "only $n backups beside the enrolments"
expect 0 ca backup "$T/last"

# Consistent: the audit of each finds nothing, and it has what the next has, or less.
before=0
for i in $(seq "$n"); do
    expect 0 verify "$T/b$i" --json
    is "$(field faults "$T/out")" 0
    size=$(field ledger "$T/out")
    [ "$size" -ge "$before" ] || fail "the ledger shrank from $before to $size"
    before=$size
done
expect 0 verify "$T/last" --json
is "$(field names "$T/out")" 8
is "$(field realm "$T/out")" malote.internal
is "$(field keystore "$T/out")" 10
expect 0 malote-ca --passphrase-file "$T/pass" backup "$T/last" --verify
has "$T/out" "the backup is whole"
expect 2 ca backup "$T/last" --verify # the server runs, and is not asked
has "$T/err" "the passphrase that the backup was made under is needed"

# What it says is what list and audit say.
[ "$(stat -c %a "$T/last")" = 600 ] || fail "the backup is open to others"
is "$(ls -A "$D/ca" | grep -cvE '^(chaves.txt|ledger.db|ledger.db-wal|ledger.db-shm)$')" 0
is "$(find "$T" -maxdepth 1 -name '.malote-ca*' | wc -l)" 0

# Nothing of the names can be read in it, and a file that is there is left alone.
hasnt "$T/last" "malote.internal"
expect 6 ca backup "$T/last"
one_line "$T/err"
has "$T/err" "File exists"
ln -s "$T/nowhere" "$T/link"
expect 6 ca backup "$T/link"
[ ! -e "$T/nowhere" ] || fail "a link was followed"
expect 6 ca backup "$T/no/such/dir"
expect 2 ca backup ''
one_line "$T/err"
expect 2 ca backup -
one_line "$T/err"
has "$T/err" "whole or not at all"
is "$(wc -c <"$T/out")" 0
[ ! -e - ] || fail "a file called -"
expect 2 ca backup
expect 2 ca backup "$T/x" "$T/y"

# Flips, cuts, splices of two backups; somebody else's passphrase; another file.
size=$(stat -c %s "$T/last")
for at in 3 20 60 300 420 500 $((size / 2)) $((size - 1)); do
    cp "$T/last" "$T/bad"
    old=$(od -An -tu1 -j "$at" -N 1 "$T/last" | tr -d ' ')
    printf "\\x$(printf %02x $((old ^ 4)))" | dd of="$T/bad" bs=1 seek="$at" conv=notrunc status=none
    expect_not_whole() { ! verify "$T/bad" >"$T/out" 2>"$T/err" </dev/null; }
    expect_not_whole || fail "a bit flipped at $at was taken"
    one_line "$T/err"
done
head -c $((size - 40)) "$T/last" >"$T/bad"
expect 6 verify "$T/bad"
has "$T/err" "damaged"
{ head -c 100000 "$T/b$n"; tail -c +100001 "$T/last"; } >"$T/bad"
expect 6 verify "$T/bad"
(umask 077 && echo wrong >"$T/wrong")
expect 4 malote-ca --passphrase-file "$T/wrong" backup --verify "$T/last"
has "$T/err" "wrong passphrase"
expect 6 verify "$D/ca/chaves.txt"
has "$T/err" "no backup"
expect 6 verify "$T/nosuchfile"
expect 2 verify ''
# Nobody will ever write into it: said, and not waited for.
mkfifo "$T/fifo"
expect 6 verify "$T/fifo"
one_line "$T/err"
has "$T/err" "cannot read $T/fifo: it is not a regular file"
is "$(ls -A "$T/tmp" | wc -l)" 0

# On the files it is the same.
stop_server
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" backup "$T/cold" --json
has "$T/out" '"type":"backup"'
expect 0 verify "$T/cold" --json
is "$(field names "$T/out")" 8
is "$(ls -A "$D/ca" | grep -cvE '^(chaves.txt|ledger.db)$')" 0
