#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run soak [--seed N] [--messages N] [--clients N]: tests/soak/soak.py on the real programs, with
# 100,000 messages among 20 clients unless told otherwise.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

options=()
while [ $# -gt 0 ]; do
    most=
    case $1 in
    --seed) most=999999999 least=0 ;;
    --messages) most=100000000 least=1 ;;
    --clients) most=1000 least=2 ;;
    esac
    if [ -z "$most" ] || ! [[ ${2:-} =~ ^[0-9]{1,9}$ ]] || [ "$2" -lt "$least" ] ||
        [ "$2" -gt "$most" ]; then
        echo "./run soak: it takes --seed N, --messages N and --clients N, not '$*'" >&2
        exit 2
    fi
    options+=("$1" "$2")
    shift 2
done
# SOAK_BIN: another build's programs, for whoever works beside others.
[ -n "${SOAK_BIN:-}" ] || build_tests
BIN=${SOAK_BIN:-build/gcc}
exec python3 -B tests/soak/soak.py --verbose --binaries "$BIN/src/cmd" \
    --client "$BIN/tests/soak/soak_client" "${options[@]}"
