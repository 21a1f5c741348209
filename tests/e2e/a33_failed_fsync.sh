#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 33: an fsync of the mailboxes, or of a client's store, says EIO.  What was not synced
# is not acknowledged; the same net goes on and takes mail again by itself; what was acknowledged,
# or kept in the outbox, arrives once and in order, also after a kill -9 of everything.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "only root may trace a process that is not dumpable"
command -v strace >/dev/null || skip "no strace"

# attach WHEN: net's fdatasync fails then; TRACER is the pid of strace.
attach() {
    : >"$T/tracer.log"
    : >"$T/trace"
    strace -f -o "$T/trace" -e trace=fdatasync -e "inject=fdatasync:error=EIO:when=$1" \
        -p "$(child_of "$SERVER" net)" 2>"$T/tracer.log" &
    TRACER=$!
    STARTED+=("$TRACER")
    wait_for 5 grep -q attached "$T/tracer.log"
}
detach() {
    kill "$TRACER"
    wait "$TRACER" || true
    grep -q INJECTED "$T/trace" || fail "nothing was injected"
}
# put TEXT: 0 or 5, which is the status.
put() {
    local status=0
    send maria joao "$1" >"$T/out" 2>&1 || status=$?
    [[ $status =~ ^[05]$ ]] || { cat "$T/out"; fail "$1: exit $status"; }
    echo "$1" >>"$T/promised"
    return "$status"
}
texts() {
    as joao history --json </dev/null | sed -nE 's/.*"text":"([^"]*)".*/\1/p'
}
all_there() {
    as maria status >/dev/null 2>&1 </dev/null || return 1
    as joao listen --timeout 1 >/dev/null 2>&1 </dev/null || true
    texts >"$T/texts"
    [ -z "$(sort "$T/texts" | uniq -d)" ] || fail "twice: $(sort "$T/texts" | uniq -d)"
    diff "$T/texts" "$T/promised" >"$T/diff"
}

start_server
join maria joao
: >"$T/promised"
for when in 1 2 3 1+; do
    net=$(child_of "$SERVER" net)
    attach "$when"
    told=0
    put "first $when" || told=$?
    # The first sync after the attachment is that of this message's commit.
    [[ $when != 1* ]] || is "$told" 5
    for n in $(seq 8); do
        ! grep -q INJECTED "$T/trace" || break
        put "more $when $n" || true
    done
    detach
    n=0
    until put "third $when $n"; do
        n=$((n + 1))
        [ "$n" -lt 40 ] || fail "$when: the mailboxes take nothing any more"
        sleep 0.1
    done
    is "$(child_of "$SERVER" net)" "$net"
done
kill -KILL "$SERVER"
wait "$SERVER" || true
start_server
wait_for 30 all_there

# The client's own store: what it could not sync it does not promise.
for when in 1 2 3 4; do
    status=0
    timeout -k 5 60 strace -f -qq -o "$T/trace" -e trace=fdatasync \
        -e "inject=fdatasync:error=EIO:when=$when" \
        malote --home "$T/home-maria" send joao "mine $when" >"$T/out" 2>&1 </dev/null || status=$?
    case $status in
    0 | 5) echo "mine $when" >>"$T/promised" ;;
    *)
        # Not promised, and not there either: what stands although its sync failed is promised.
        as maria history --json </dev/null >"$T/history"
        hasnt "$T/history" "\"text\":\"mine $when\""
        ;;
    esac
    ! grep -q INJECTED "$T/trace" || hits=$((${hits:-0} + 1))
done
[ "${hits:-0}" -ge 2 ] || fail "no sync of a sender ever failed"
# A disk that fails from some sync on, and goes on failing, cannot be asked what stands.
hits=0
for when in 1 2 3 4; do
    status=0
    timeout -k 5 60 strace -f -qq -o "$T/trace" -e trace=fdatasync \
        -e "inject=fdatasync:error=EIO:when=$when+" \
        malote --home "$T/home-maria" send joao "perhaps $when" >"$T/out" 2>"$T/err" </dev/null ||
        status=$?
    ! grep -q "not sent, and perhaps not kept" "$T/err" || hits=$((hits + 1))
    as maria history --json </dev/null >"$T/history"
    if grep -qF "\"text\":\"perhaps $when\"" "$T/history"; then
        echo "perhaps $when" >>"$T/promised"
        hasnt "$T/err" "not kept, not sent"
    fi
done
[ "$hits" -ge 1 ] || fail "nobody was in doubt: $(cat "$T/err")"
hits=0
for when in 1 2 3; do
    put "theirs $when" || true
    status=0
    timeout -k 5 60 strace -f -qq -o "$T/trace" -e trace=fdatasync \
        -e "inject=fdatasync:error=EIO:when=$when" \
        malote --home "$T/home-joao" listen --timeout 2 >"$T/out" 2>&1 </dev/null || status=$?
    [ "$status" -lt 128 ] || fail "listen ended with $status"
    ! grep -q INJECTED "$T/trace" || hits=$((hits + 1))
done
[ "$hits" -ge 2 ] || fail "no sync of a recipient ever failed"
wait_for 30 all_there
stop_server
