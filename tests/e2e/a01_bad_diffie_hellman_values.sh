#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 1: public values 0, 1, p-1, p, beyond p, non-residues, empty, short, long: the same
# alert for each, before any key is derived; a good value goes on.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
peer() { timeout 30 raw_peer "127.0.0.1:$PORT" "$@"; }
[[ $(peer dh good) == "frame 3 "* ]] || fail "a good value is refused"
for kind in zero one p-1 p p+1 p+2 ones p-2 p-4 empty short long; do
    got=$(peer dh "$kind")
    [[ $got == "alert 1 "* ]] || fail "dh $kind: $got"
done
serves
