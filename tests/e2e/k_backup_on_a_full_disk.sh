#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No room for a backup, where the CA is or where the file should go: refused clearly, no half a file,
# nothing left, and the server goes on; nor may a backup take the last room from those who send.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

small_disk 24m
D=$T/small/data
start_server
join maria joao
expect 0 ca backup "$T/file"

# All but a little: a backup would fit, but the rest must be left.
head -c 64M /dev/zero >"$T/small/filler" 2>/dev/null || true
truncate -s -1M "$T/small/filler"
expect 6 ca backup "$T/file2"
one_line "$T/err"
has "$T/err" "No space left"
[ ! -e "$T/file2" ] || fail "a file of a backup that failed"
is "$(ls -A "$D/ca" | grep -cvE '^(chaves.txt|ledger.db|ledger.db-wal|ledger.db-shm)$')" 0
expect 0 as maria status
rm "$T/small/filler"
expect 0 as maria send joao "there is room for this"
expect 0 ca backup "$T/file2"

# Where it should go.
mkdir "$T/small/target"
head -c 64M /dev/zero >"$T/small/filler" 2>/dev/null || true
D2=$D
stop_server
cp -a "$D" "$T/elsewhere"
D=$T/elsewhere
expect 6 malote-ca --data "$D" --passphrase-file "$T/pass" backup "$T/small/target/file"
one_line "$T/err"
has "$T/err" "No space left"
is "$(ls -A "$T/small/target" | wc -l)" 0
# A restore, and another passphrase, where there is no room.
D=$D2
cp "$D/ca/chaves.txt" "$T/chaves"
expect 6 malote-ca --data "$D" --passphrase-file "$T/pass" restore "$T/file" --accept-loss
is "$(ls -d "$D"/ca.* 2>/dev/null | wc -l)" 0
expect 6 malote-ca --data "$D" --passphrase-file "$T/pass" passwd --new-passphrase-file "$T/pass"
has "$T/err" "No space left"
cmp "$D/ca/chaves.txt" "$T/chaves"
[ ! -e "$D/ca/chaves.txt.next" ] || fail "chaves.txt.next was left"
rm "$T/small/filler"
expect 0 malote-ca --data "$D" --passphrase-file "$T/pass" audit
