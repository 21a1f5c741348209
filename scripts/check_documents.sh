#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A claim stands on a test: every test that a document names must exist, and every link lead somewhere.
set -euo pipefail
cd "${1:-$(dirname -- "${BASH_SOURCE[0]}")/..}"
bad=0

complain() {
    echo "$1"
    bad=1
}

for document in *.md packaging/*.md; do
    [ -f "$document" ] || continue
    while IFS= read -r name; do
        compgen -G "tests/*/$name*" >/dev/null || complain "$document: no test is called $name"
    done < <(grep -oE '`(test|fuzz)_[a-z0-9_]+`|`[as][0-9][0-9][a-z0-9_]*`|`[cikmp]_[a-z0-9_]{4,}`' "$document" | tr -d '`' | sort -u)
    while IFS= read -r target; do
        [ -e "$(dirname "$document")/$target" ] || complain "$document: link to $target leads nowhere"
    done < <(grep -oE '\]\([^)#:]+\)' "$document" | sed 's/^](//; s/)$//' | sort -u)
done

# A section that the code cites must stand in PROTOCOL.md.
while IFS=: read -r file section; do
    grep -qsE "^#+ ${section//./\\.}\.? " PROTOCOL.md || complain "$file cites PROTOCOL.md $section, which is not there"
done < <(grep -rHoE 'PROTOCOL\.md [0-9]+(\.[0-9]+)?' src include tests bench 2>/dev/null | sed 's/PROTOCOL\.md //' | sort -u)
exit $bad
