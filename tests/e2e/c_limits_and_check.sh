#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# maloted --limits prints the table of limits; --check looks at configuration and leaves.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

expect 0 maloted --limits
is "$(grep -c LIMIT_ "$T/out")" "$(grep -cE '^X\(LIMIT_' "$ROOT/src/base/limits.def")"
printf 'listen = 127.0.0.1:0\nrealm = example.org\n' >"$T/good.conf"
chmod 600 "$T/good.conf"
expect 0 maloted --config "$T/good.conf" --check
printf 'listen = 127.0.0.1:0\ncolour = blue\n' >"$T/bad.conf"
chmod 600 "$T/bad.conf"
expect 2 maloted --config "$T/bad.conf" --check
{ printf 'listen = '; head -c 300 /dev/zero | tr '\0' 1; echo; } >"$T/long.conf"
chmod 600 "$T/long.conf"
expect 2 maloted --config "$T/long.conf" --check
