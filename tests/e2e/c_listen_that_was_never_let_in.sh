#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A listen whose time ran out before it was logged in cannot say that nothing came.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
net=$(child_of "$SERVER" net)
kill -STOP "$net" # connections are taken by the kernel, and nobody answers
for arguments in "" "--json" "--count 1"; do
    # shellcheck disable=SC2086  # words
    expect 3 as joao listen --timeout 1 $arguments
    is "$(wc -c <"$T/out")" 0
    one_line "$T/err"
    has "$T/err" "did not let us in"
done
kill -CONT "$net"
expect 0 as joao listen --timeout 1
hasnt "$T/err" "did not let us in"
expect 7 as joao listen --timeout 1 --count 1
