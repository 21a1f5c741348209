#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 29: mail itself fills the disk below the mailboxes, or that disk is read-only.  What
# finds no room is refused and never acknowledged, and its sender's client keeps it; live messages
# go on; the mailbox can be emptied all the same, and then there is room again.  (A flood ends at
# its sender's share: m_quota_and_share.sh.)
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "only root may mount a small disk"

# put FROM TO TEXT: STATUS; what was promised stands in $T/promised-TO.
put() {
    STATUS=0
    send "$@" >"$T/out" 2>&1 || STATUS=$?
    [[ $STATUS =~ ^[015]$ ]] || { cat "$T/out"; fail "exit $STATUS"; }
    [ "$STATUS" -eq 1 ] || cut -c 1-60 <<<"$3" >>"$T/promised-$2"
}
texts() { # NAME
    as "$1" history --json </dev/null | sed -nE 's/.*"text":"([^"]*)".*/\1/p' | cut -c 1-60
}
all_there() { # NAME SENDER...
    local sender
    for sender in "${@:2}"; do
        as "$sender" status >/dev/null 2>&1 </dev/null || return 1
    done
    as "$1" listen --timeout 1 >/dev/null 2>&1 </dev/null || true
    texts "$1" | sort >"$T/texts"
    sort "$T/promised-$1" | diff - "$T/texts" >"$T/diff"
}

recovers() { # TEXT: mail is stored again, without help
    local n=0
    until put maria joao "$1 $n" && [ "$STATUS" -eq 0 ]; do
        n=$((n + 1))
        [ "$n" -lt 40 ] || fail "it does not recover: $1"
        sleep 0.1
    done
}

start_server
join maria joao ana
put maria joao "while there was room"
is "$STATUS" 0
wait_for 20 all_there joao maria
stop_server

# A disk of one megabyte, with the mailboxes on it as they are.
owner=$(stat -c 'uid=%u,gid=%g' "$D/net")
cp -a "$D/net" "$T/net"
mount -t tmpfs -o "size=1m,mode=700,$owner" malote "$D/net" || skip "no mount here"
trap 'umount -l "$D/net" 2>/dev/null || true; cleanup' EXIT
cp -a "$T/net/." "$D/net/"
start_server
net=$(child_of "$SERVER" net)
listen ana
live() {
    expect 0 as maria send ana "$1" --wait delivered
    wait_for 10 heard ana "$1"
}
long=$(head -c 20000 /dev/zero | tr '\0' x)
full=
for i in $(seq 60); do
    put maria joao "$i $long"
    if [ "$STATUS" -eq 5 ]; then
        full=$i
        has "$T/out" "cannot store"
        break
    fi
    is "$STATUS" 0
done
[ "${full:-0}" -gt 4 ] || fail "the disk never filled, or at once: ${full:-never}"
live "on a full disk"
put maria joao "and one more"
is "$STATUS" 5
is "$(child_of "$SERVER" net)" "$net"

# Its owner empties the mailbox, and there is room again.
wait_for 40 all_there joao maria
recovers "room again"
is "$(child_of "$SERVER" net)" "$net"

stop_server

# Read-only for a while, as far as net can see; files that are open would keep a mount from it.
chmod 711 "$T"
cp "$ROOT/build/$BUILD/tests/fault/disk_shim.so" "$T/"
printf 0 >"$T/switch"
chmod 644 "$T/switch"
DISK_DIR=$D/net DISK_SWITCH=$T/switch DISK_DO=fail DISK_FOR=0 DISK_ERRNO=EROFS \
    LD_PRELOAD=$T/disk_shim.so start_server
net=$(child_of "$SERVER" net)
wait_for 20 all_there joao maria
printf 1 1<>"$T/switch"
put maria joao "read-only"
is "$STATUS" 5
live "on a read-only disk"
printf 0 1<>"$T/switch"
recovers "writable again"
wait_for 30 all_there joao maria
is "$(child_of "$SERVER" net)" "$net"
stop_server
start_server
wait_for 20 all_there joao maria
stop_server
