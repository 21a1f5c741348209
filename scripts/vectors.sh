#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The golden vectors of tests/vectors and PROTOCOL.md 14: made anew by the present code and
# compared with what is committed (exit 1 and a diff), or with --write put in its place.
# vectors.sh MAKE_VECTORS [--write] [TREE]
set -euo pipefail
make_vectors=$(readlink -f -- "$1")
shift
write=0
if [ "${1:-}" = --write ]; then
    write=1
    shift
fi
if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
    echo "vectors: no argument '${*: -1}'; --write is the only one" >&2
    exit 2
fi
cd -- "${1:-$(dirname -- "${BASH_SOURCE[0]}")/..}"

OPEN='<!-- vectors -->' CLOSE='<!-- /vectors -->'
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
mkdir "$new/json"

# between FILE: what stands between the markers, each of which stands exactly once.
between() {
    if [ "$(grep -cxF -- "$OPEN" "$1")" -ne 1 ] || [ "$(grep -cxF -- "$CLOSE" "$1")" -ne 1 ]; then
        echo "$1 has not exactly one line '$OPEN' and one line '$CLOSE'" >&2
        return 1
    fi
    awk -v open="$OPEN" -v close_="$CLOSE" \
        '$0 == close_ { inside = 0 } inside { print } $0 == open { inside = 1 }' "$1"
}

timeout -k 5 120 "$make_vectors" tests/vectors/keys "$new/json"
mv "$new/json/vectors.md" "$new/vectors.md"
between PROTOCOL.md >"$new/committed.md"

if [ "$write" = 1 ]; then
    rm -f tests/vectors/*.json
    cp "$new"/json/*.json tests/vectors/
    awk -v open="$OPEN" -v close_="$CLOSE" -v text="$new/vectors.md" '
        $0 == close_ { inside = 0 }
        !inside { print }
        $0 == open { inside = 1; while ((getline line < text) > 0) print line }
    ' PROTOCOL.md >"$new/PROTOCOL.md"
    cat "$new/PROTOCOL.md" >PROTOCOL.md
    echo "written: tests/vectors/*.json and section 14 of PROTOCOL.md"
    exit 0
fi

bad=0
compare() { # DIFF-ARGUMENTS: a difference is shown, not all of it
    diff -u "$@" >"$new/diff" && return 0
    bad=1
    sed -n 1,40p "$new/diff" | cut -c 1-300
}
mkdir "$new/committed"
cp tests/vectors/*.json "$new/committed/" 2>/dev/null || true
compare -r "$new/committed" "$new/json"
compare --label "PROTOCOL.md 14" "$new/committed.md" --label "made now" "$new/vectors.md"
if [ "$bad" = 1 ]; then
    echo "vectors: what is committed (-) is not what the code makes (+); see above" >&2
    exit 1
fi
echo "vectors: $(find "$new/json" -name '*.json' | wc -l) files and section 14 of PROTOCOL.md are what the code makes"
