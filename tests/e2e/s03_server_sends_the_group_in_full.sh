#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S3: the first message carries p and g in full: here, ffdhe3072 as RFC 7919 A.2 prints it.
# a client that wants more than the server runs refuses (its minimum is ffdhe3072; rows 2 and 3
# of the hostile kind are a02).
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
proxy --record "$T/wire"
as maria join "$(url_via "$URL" "$PROXY")" --name maria </dev/null
hello=$(hex_of -N 433 "$T/wire.0.down")
p_begin=ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1d8b9c583ce2d3695
p_end=64f5fbd93c66c62e37ffffffffffffffff
[[ $hello == 01* ]] || fail "the first frame is no ServerHello: ${hello:0:8}"
[[ $hello == *0180${p_begin}* ]] || fail "p does not travel in full"
[[ $hello == *ffffffffffffffff000102* ]] || fail "g = 2 does not follow p"
