#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every value of tests/vectors/*.json follows from its inputs by the second implementation: keys,
# signatures with the salt given, seals, certificates, keystore, ledger, CRL.  A changed digit is noticed,
# in a sample of the values; a file that is missing, or has a case more, is too.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

interop check_vectors "$ROOT/tests/vectors" --perturb 40 >"$T/out"
[ "$(sed -n 's/ values agree$//p' "$T/out")" -ge 1000 ] || fail "$(cat "$T/out")"
[ "$(sed -n 's/ changed values are noticed$//p' "$T/out")" -ge 15 ] || fail "$(cat "$T/out")"

mkdir "$T/vectors"
cp "$ROOT"/tests/vectors/*.json "$T/vectors/"
sed -i '0,/"frame": "01/s//"frame": "11/' "$T/vectors/login.json"
expect 1 interop check_vectors "$T/vectors"
has "$T/err" "ServerHello: frame"
cp "$ROOT/tests/vectors/login.json" "$T/vectors/"
rm "$T/vectors/leaf.json"
expect 1 interop check_vectors "$T/vectors"
has "$T/err" "files: leaf"
