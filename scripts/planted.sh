#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run planted: tests/fault/planted.py, on a copy of the sources and of build/gcc.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

# PLANTED_BUILD: another build inside this tree, for whoever works beside others.
[ -n "${PLANTED_BUILD:-}" ] || build_tests
exec python3 -B tests/fault/planted.py "${PLANTED_BUILD:-build/gcc}"
