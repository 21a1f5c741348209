#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Section 2: who runs as whom, under which title, in which directory, and what they gave up.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
net=$(child_of "$SERVER" net)
ca_pid=$(child_of "$SERVER" ca)
field() { awk -v f="$2:" '$1 == f { print $2, $3, $4, $5 }' "/proc/$1/status" | sed 's/ *$//'; }

is "$(tr '\0' ' ' <"/proc/$net/cmdline" | sed 's/ *$//')" "maloted: net"
is "$(tr '\0' ' ' <"/proc/$ca_pid/cmdline" | sed 's/ *$//')" "maloted: ca"
# the same process group, so that a shell's job is all three
group() { awk '{ print $5 }' <(sed 's/^.*) //' "/proc/$1/stat" | sed 's/^/x x /'); }
is "$(group "$net")" "$(group "$SERVER")"
is "$(group "$ca_pid")" "$(group "$SERVER")"

for pid in "$net" "$ca_pid"; do
    is "$(field "$pid" NoNewPrivs)" 1
    is "$(field "$pid" Seccomp)" 2
    awk '/^Max core file size/ { exit !($5 == 0 && $6 == 0) }' "/proc/$pid/limits" ||
        fail "core files of $pid"
    # a process that is not dumpable has its /proc files owned by root, whoever it is
    is "$(stat -c %u "/proc/$pid/environ")" 0
done
awk '/^Max core file size/ { exit !($5 == 0) }' "/proc/$SERVER/limits" || fail "core files"

if [ "$(id -u)" -eq 0 ]; then
    net_uid=$(field "$net" Uid)
    ca_uid=$(field "$ca_pid" Uid)
    for id in $net_uid $ca_uid $(field "$net" Gid) $(field "$ca_pid" Gid); do
        [ "$id" -ne 0 ] || fail "a child is root"
    done
    is "$(tr ' ' '\n' <<<"$net_uid" | sort -u | wc -l)" 1
    [ "$net_uid" != "$ca_uid" ] || fail "net and ca are the same user"
    is "$(awk '/^Groups:/ { print NF - 1 }' "/proc/$net/status")" 0
    is "$(stat -c %u "$D/ca")" "${ca_uid%% *}"
    is "$(stat -c %u "$D/net")" "${net_uid%% *}"
    [ "$(awk '/^CapEff/ { print $2 }' "/proc/$net/status")" = 0000000000000000 ] || fail "net has capabilities"
else
    grep -qi 'same user\|same uid\|one user\|not root' "$T/server.log" || fail "the log does not say which mode runs"
fi
is "$(stat -c %a "$D")" 700
is "$(stat -c %a "$D/ca")" 700
is "$(stat -c %a "$D/net")" 700

# Of a process that is not dumpable even its own user sees no descriptor.
if [ "$(id -u)" -ne 0 ]; then
    for pid in "$net" "$ca_pid"; do
        ! ls "/proc/$pid/fd" >/dev/null 2>&1 || fail "the descriptors of $pid are open to its user"
    done
    serves
    exit 0
fi
# net holds the network and none of the keystore; ca the other way round
! find "/proc/$net/fd" -lname '*chaves*' | grep -q . || fail "net has the keystore open"
! find "/proc/$net/fd" -lname '*ledger*' | grep -q . || fail "net has the ledger open"
listening=$(printf '%04X' "$PORT")
inode=$(awk -v p=":$listening" '$4 == "0A" && index($2, p) { print $10 }' /proc/net/tcp | head -n 1)
find "/proc/$net/fd" -lname "socket:\[$inode\]" | grep -q . || fail "net has no listening socket"
! find "/proc/$ca_pid/fd" -lname "socket:\[$inode\]" | grep -q . || fail "ca has the listening socket"
serves
