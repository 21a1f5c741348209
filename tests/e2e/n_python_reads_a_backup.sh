#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A backup, taken apart from section 9.5 of PROTOCOL.md alone: both files are in it, and they are
# what sections 9.2 and 10 say.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria
mailbox() { grep -q '^mailbox maria ' "$D/ca/chaves.txt"; }
wait_for 20 mailbox
expect 0 ca backup "$T/file"
cp "$D/ca/chaves.txt" "$T/chaves"
CA=$(sed -E 's|.*/([0-9a-f]{64}).*|\1|' <<<"$URL")
stop_server

interop read_backup "$T/file" "$T/pass" "$T/apart" >"$T/out"
has "$T/out" "backup of malote.internal ca $CA ledger 4 "
has "$T/out" " crl 1 entries 3"
cmp "$T/apart/ca/chaves.txt" "$T/chaves"
interop read_store "$T/apart" "$T/pass" >"$T/out"
has "$T/out" "keystore: ca-certificate/ca ca-key/ca mailbox/maria"
has "$T/out" "client maria"
head -c 100000 "$T/file" >"$T/cut"
expect 1 interop read_backup "$T/cut" "$T/pass" "$T/apart2"
