#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --realm on the first run only; a different one later is refused, naming the stored one.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --realm example.org
stop_server
start_server
stop_server
start_server --realm example.org
stop_server
status=0
timeout 30 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass" --realm example.com \
    >"$T/out" 2>"$T/err" </dev/null || status=$?
is "$status" 2
has "$T/err" example.org
