#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# S2: a server that listens on IPv4 alone.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

LISTEN=0.0.0.0:0
start_server
serves
