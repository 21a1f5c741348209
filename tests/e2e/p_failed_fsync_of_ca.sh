#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 33: an fsync of ca that fails leaves unknown what is on the disk.  ca ends and starts
# anew instead of building on it; the join goes on, the mailbox pair is saved, and the next start
# is good, even if ca is killed at the fsync that follows.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "only root may trace a process that is not dumpable"
command -v strace >/dev/null || skip "no strace"

has_mailbox() {
    [ "$(wc -l <"$D/ca/chaves.txt")" -eq 4 ]
}
back() {
    ca list >/dev/null 2>&1
}
joined() {
    as maria join "$URL" --name maria >"$T/join.out" 2>&1 </dev/null ||
        as maria status >"$T/join.out" 2>&1 </dev/null
}

start_server
stop_server
cp -a "$D" "$T/origin"
# The ledger's leaf; its certificate; the pair's line in chaves.txt; the commit that counts it.
for fault in fdatasync:1 fdatasync:2 fsync:1 fdatasync:3; do
    rm -rf "$D" "$T/home-maria"
    cp -a "$T/origin" "$D"
    start_server
    URL=$(invite maria)
    first=$(child_of "$SERVER" ca)
    : >"$T/tracer.log"
    strace -o "$T/trace" -e trace=fsync,fdatasync \
        -e "inject=${fault%:*}:error=EIO:when=${fault#*:}" \
        -e inject="$([ "$fault" = fdatasync:3 ] && echo fsync || echo sync)":signal=KILL:when=2 \
        -p "$first" 2>"$T/tracer.log" &
    STARTED+=("$!")
    wait_for 5 grep -q attached "$T/tracer.log"
    joined || true
    wait_for 15 gone "$first"
    wait_for 10 back
    wait_for 10 joined
    wait_for 20 has_mailbox
    stop_server
    grep -q INJECTED "$T/trace" || fail "$fault: nothing was injected"
    start_server
    as maria status >/dev/null </dev/null || fail "$fault: no login after a restart"
    stop_server
done
