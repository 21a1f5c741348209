#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# join - reads the URL from stdin; a home holds one identity; a lost answer locks nobody out.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
invite maria | as maria join - --name maria
as maria status </dev/null >"$T/out"
has "$T/out" maria
status=0
as maria join "$(invite joao)" --name joao </dev/null >"$T/out" 2>"$T/err" || status=$?
[ "$status" -ne 0 ] || fail "two identities in one home"
one_line "$T/err"

# the server's Welcome never arrives: the same join again gets the same certificate
proxy --drop down:2
url=$(invite ana)
status=0
timeout 20 malote --home "$T/home-ana" join "$(url_via "$url" "$PROXY")" --name ana >"$T/out" 2>"$T/err" \
    </dev/null || status=$?
[ "$status" -ne 0 ] || fail "joined without a Welcome"
sed -i "s/^port .*/port $PORT/" "$T/home-ana/server"
as ana join "$url" --name ana </dev/null
is "$(ca list --json | grep -c '"name":"ana"')" 1
