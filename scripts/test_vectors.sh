#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The comparison of the golden vectors, checked: in a copy of what is committed one byte at a time
# is changed, and scripts/vectors.sh must refuse it, name the place, and mend it with --write.
# test_vectors.sh MAKE_VECTORS; prints "ok NAME" or "not ok NAME".
set -euo pipefail
make_vectors=$(readlink -f -- "$1")
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
here=$PWD
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# Made once; the copy stands in for the program, which takes half a second.
mkdir "$tree/made"
"$make_vectors" tests/vectors/keys "$tree/made"
cat >"$tree/make_vectors" <<'CODE'
#!/bin/sh
cp "$(dirname "$0")"/made/* "$2"
CODE
chmod +x "$tree/make_vectors"

clean_tree() {
    rm -rf "$tree/committed"
    mkdir -p "$tree/committed/tests/vectors"
    cp PROTOCOL.md "$tree/committed/"
    cp tests/vectors/*.json "$tree/committed/tests/vectors/"
}

compare() { # [--write]
    "$here/scripts/vectors.sh" "$tree/make_vectors" "$@" "$tree/committed" 2>&1
}

verdict() { # NAME, and what was said
    if [ "$good" = 1 ]; then
        echo "ok vectors $1"
    else
        echo "not ok vectors $1: $2"
        failed=1
    fi
}

# refused NAME PLACE: the comparison must fail now and name the place.
refused() {
    local out good=1
    if out=$(compare) || ! grep -qF -- "$2" <<<"$out"; then
        good=0
    fi
    verdict "$1" "$out"
}

# flip FILE LINE: the last hex digit of that line becomes another one.
flip() {
    local before
    before=$(sha256sum <"$1")
    sed -i "$2"'{s/0\("\{0,1\},\{0,1\}\)$/1\1/;t;s/[1-9a-f]\("\{0,1\},\{0,1\}\)$/0\1/}' "$1"
    if [ "$before" = "$(sha256sum <"$1")" ]; then
        echo "not ok vectors nothing was flipped in $1"
        failed=1
    fi
}

clean_tree
good=1
out=$(compare) || good=0
verdict what_is_committed_passes "$out"

for file in tests/vectors/*.json; do
    name=$(basename "$file" .json)
    clean_tree
    # The last line of the file that ends in bytes.
    line=$(grep -nE '[0-9a-f]{16}",?$' "$file" | tail -n 1 | cut -d: -f1)
    flip "$tree/committed/$file" "$line"
    refused "a_flipped_digit_in_$name.json_is_found" "$name.json"
done

clean_tree
first=$(grep -nxF '<!-- vectors -->' PROTOCOL.md | cut -d: -f1)
last=$(grep -nxF '<!-- /vectors -->' PROTOCOL.md | cut -d: -f1)
line=$(sed -n "$first,${last}p" PROTOCOL.md | grep -nE '^    [0-9a-f]+$' | sed -n '200p' | cut -d: -f1)
flip "$tree/committed/PROTOCOL.md" "$((first + line - 1))"
refused a_flipped_digit_in_the_printed_text_is_found "PROTOCOL.md 14"
good=1
out=$(compare --write && compare) || good=0
cmp -s PROTOCOL.md "$tree/committed/PROTOCOL.md" || good=0
verdict write_mends_the_printed_text "$out"

clean_tree
flip "$tree/committed/tests/vectors/leaf.json" \
    "$(grep -nE '"leaf hash"' tests/vectors/leaf.json | head -n 1 | cut -d: -f1)"
compare --write >/dev/null
good=1
out=$(diff -r tests/vectors "$tree/committed/tests/vectors" | grep -v '^Only in tests/vectors: ') && good=0
verdict write_mends_the_json "$out"

clean_tree
rm "$tree/committed/tests/vectors/leaf.json"
refused a_missing_file_is_found leaf.json

clean_tree
echo '{}' >"$tree/committed/tests/vectors/more.json"
refused a_file_too_many_is_found more.json

clean_tree
sed -i '/^<!-- \/vectors -->$/d' "$tree/committed/PROTOCOL.md"
refused a_lost_marker_is_found PROTOCOL.md

exit "$failed"
