#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S2: by address and port: IPv4, IPv6, a host name.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ -e /proc/net/if_inet6 ] || skip "this kernel has no IPv6"
LISTEN='[::]:0'
start_server
# A bare tree knows no name at all: there a resolver's answer comes from nowhere, and only
# the addresses are tried.
hosts=(127.0.0.1 ::1 localhost)
getent ahosts localhost >/dev/null || hosts=(127.0.0.1 ::1)
for host in "${hosts[@]}"; do
    name=n$(tr -dc 'a-z0-9' <<<"$host")
    url=$(invite "$name" | sed -E "s|^(malote://([^@/]*@)?).*:[0-9]+/|\1$host:$PORT/|")
    as "$name" join "$url" --name "$name" </dev/null
    listen "$name" --count 1
    send "$name" "$name" "over $host"
    wait_for 10 heard "$name" "over $host"
done

# nobody there: exit 3, one line
name=nowhere
expect 3 as nowhere join "$(invite nowhere | sed -E "s|^(malote://([^@/]*@)?).*:[0-9]+/|\1127.0.0.1:1/|")" --name nowhere
one_line "$T/err"
