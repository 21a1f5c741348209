#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The disk of a client's home is full, or cannot be written: one line, exit 6, nothing is promised
# that was not kept, and it goes on by itself once there is room.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
DISK=$T/home-maria
unmount() {
    local status=$?
    umount -l "$DISK" 2>/dev/null || true
    set +e
    (exit "$status")
    cleanup
}
trap unmount EXIT

start_server
join maria joao
mv "$DISK" "$T/before"
mkdir "$DISK"
mount -t tmpfs -o size=1m,mode=700 tmpfs "$DISK" 2>/dev/null || skip "cannot mount a tmpfs"
cp -a "$T/before/." "$DISK"
expect 0 as maria send joao "there is room"

fill() {
    head -c 2000000 /dev/zero >"$DISK/full" 2>/dev/null || true
}

# full: what is not kept is not sent either
fill
head -c 60000 /dev/zero | tr '\0' x >"$T/big"
for _ in 1 2; do
    status=0
    as maria send joao - <"$T/big" >"$T/out" 2>"$T/err" || status=$?
    is "$status" 6
    one_line "$T/err"
    has "$T/err" "the message database in $DISK failed: No space left on device; free some space there"
done
rm "$DISK/full"
expect 0 as maria history joao --json
is "$(wc -l <"$T/out")" 1

# room for the message alone, and not for the server's word on it: it may have been sent, and
# nobody is told that it was not
unrecorded=0 kept=1
for room in $(seq 40 4 140); do
    status=0
    head -c $((room * 1024)) /dev/zero >"$DISK/room"
    fill
    rm "$DISK/room"
    as maria send joao "into $room" >"$T/out" 2>"$T/err" </dev/null || status=$?
    rm "$DISK/full"
    [[ $status =~ ^[06]$ ]] || fail "status $status: $(cat "$T/err")"
    [ "$status" -eq 0 ] || one_line "$T/err"
    # said only where the CA's word at the login had no room, before anything was sent
    if grep -q "kept in the outbox" "$T/err"; then
        has "$T/err" "No space left on device; free some space there"
    fi
    grep -q "the message database in" "$T/err" || kept=$((kept + 1))
    if grep -q "the message to joao stays in the outbox and may have been sent; it does not arrive twice: " "$T/err"; then
        has "$T/err" "No space left on device; free some space there"
        unrecorded=$((unrecorded + 1))
    fi
done
[ "$unrecorded" -gt 0 ] || fail "no room was of that size"
expect 0 as maria status
expect 0 as joao listen --count "$kept" --json
is "$(sort -u "$T/out" | wc -l)" "$kept"
expect 7 as joao listen --count 1 --timeout 1
expect 0 as maria send joao "room again"

# full while messages come: nothing is confirmed that is not on disk, and nothing is lost
for n in $(seq 20); do
    as joao send maria - <"$T/big" >"$T/out" 2>&1 || { cat "$T/out"; fail "message $n"; }
done
fill
status=0
timeout -k 5 30 malote --home "$T/home-maria" listen --count 20 --timeout 4 --json >"$T/heard" \
    2>"$T/err" </dev/null || status=$?
[[ $status =~ ^(6|7)$ ]] || { cat "$T/err"; fail "listen ended with status $status"; }
! grep -q "lost 127.0.0.1" "$T/err" || fail "the server was blamed: $(cat "$T/err")"
has "$T/err" "No space left on device; free some space there"
[ "$(wc -l <"$T/err")" -le 4 ] || { cat "$T/err"; fail "it complains in a circle"; }
rm "$DISK/full"
mount -o remount,size=8m "$DISK"
before=$(wc -l <"$T/heard")
expect 0 as maria listen --count $((20 - before)) --timeout 30 --json
expect 0 as maria history joao --json
is "$(grep -c '"type":"message"' "$T/out")" 20
expect 7 as maria listen --count 1 --timeout 1

# a home that cannot be written
mount -o remount,ro "$DISK"
for arguments in "send joao hello" "listen --count 1 --timeout 2" "outbox drop --all" status; do
    # shellcheck disable=SC2086  # words
    expect 6 as maria $arguments
    one_line "$T/err"
    grep -qE 'Read-only file system|readonly|read-only' "$T/err" || fail "not plain: $(cat "$T/err")"
done
mount -o remount,rw "$DISK"
expect 0 as maria send joao "to be written again"
