#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libmalote.a as one object whose only global symbols are those of the version script: whoever
# links it reaches the public functions and no others.  archive.sh OUT MAP ROOM.a...
# The first room is taken whole, of the others what it needs.
set -euo pipefail

out=$1 map=$2 first=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

sed -n 's/^ *\(mlt_[a-z_0-9]*\);$/\1/p' "$map" >"$dir/public"
ld -r -o "$dir/libmalote.o" --whole-archive "$first" --no-whole-archive --start-group "$@" --end-group
objcopy --keep-global-symbols="$dir/public" "$dir/libmalote.o"
rm -f "$out"
ar crsD "$out" "$dir/libmalote.o"
