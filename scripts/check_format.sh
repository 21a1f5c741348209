#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Layout is clang-format's, by .clang-format.  check_format.sh [--write] [TREE]
set -euo pipefail
mode=(--dry-run -Werror)
if [ "${1:-}" = --write ]; then
    mode=(-i)
    shift
fi
cd -- "${1:-$(dirname -- "${BASH_SOURCE[0]}")/..}"
{ find src include examples tests bench -name '*.[ch]' -print0 2>/dev/null || true; } |
    xargs -0 -r clang-format --style=file "${mode[@]}"
