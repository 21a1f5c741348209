#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# 300 connections of nonsense, then an honest client; descriptors and memory are back where they were.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
serves
net=$(child_of "$SERVER" net)
# Of a process that is not dumpable only root may count them.
descriptors() { [ "$(id -u)" -ne 0 ] || find "/proc/$net/fd" -mindepth 1 | wc -l; }
before=$(descriptors)
is "$(timeout 100 raw_peer "127.0.0.1:$PORT" junk 300)" "closed 300 of 300"
back() { [ "$(id -u)" -ne 0 ] || [ "$(descriptors)" -le "$before" ]; }
wait_for 15 back
is "$(child_of "$SERVER" net)" "$net"
serves
