#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run bench: one JSON line a figure; ratios hold, absolute times drift with the machine.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."
. scripts/build.sh
build_targets gcc bench/bench_handshake bench/bench_record
build/gcc/bench/bench_handshake
build/gcc/bench/bench_record
