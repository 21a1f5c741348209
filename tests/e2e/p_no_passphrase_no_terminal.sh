#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Started without a terminal and without a passphrase option: exit 2, naming the four ways.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

expect 2 setsid -w maloted --data "$D" --listen 127.0.0.1:0
grep -q -- '--passphrase-fd' "$T/err"
grep -q -- '--passphrase-file' "$T/err"
grep -qi 'terminal' "$T/err"
grep -qi 'credential' "$T/err"
[ ! -e "$D/ca/chaves.txt" ] || fail "a keystore without a passphrase"
