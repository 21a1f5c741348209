#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Exactly one licence line a file, near its top.  check_spdx.sh [TREE]
set -euo pipefail
cd -- "${1:-$(dirname -- "${BASH_SOURCE[0]}")/..}"

mark='SPDX-License-Identifier: Apache-2.0'
found=0
while IFS= read -r file; do
    if [ "$(grep -c "$mark" "$file")" -ne 1 ] || ! head -n 3 "$file" | grep -q "$mark"; then
        echo "spdx: $file needs exactly one line '$mark' within its first three"
        found=1
    fi
done < <(
    find run .ci src include examples tests bench packaging scripts -type f \
        \( -name '*.[ch]' -o -name '*.def' -o -name '*.sh' -o -name '*.awk' -o -name run -o \
        -name '*.py' -o -name 'meson*' -o -name '*.service' -o -name '*.sysusers' \) \
        -not -path '*/corpus/*' 2>/dev/null | grep -vE '^scripts/(check_spdx|test_checks)\.sh$'
    find . -maxdepth 1 -name 'meson*' -type f
)
exit "$found"
