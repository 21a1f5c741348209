#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Calls and words that do not belong into this tree.  check_words.sh [TREE]; prints each
# violation, exit 1 if there is one.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cd -- "${1:-$here/..}"

found=0
report() { # WHY, and lines on stdin
    local line
    while IFS= read -r line; do
        echo "words: $line  <- $1"
        found=1
    done
}

sources() {
    find src include examples bench tests -name '*.[ch]' -print 2>/dev/null | sort
}

# FILE:LINE:code, with comments and the text of literals blanked.
code() {
    local file
    for file in "$@"; do
        awk -v file="$file" -f "$here/strip_comments.awk" "$file"
    done
}

stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
mapfile -t files < <(sources)
[ "${#files[@]}" -eq 0 ] || code "${files[@]}" >"$stripped"

calls() { # PATTERN WHY [FILES-TO-LEAVE-OUT]
    report "$2" < <(grep -E "(^|[^A-Za-z0-9_>.])($1)[[:space:]]*\(" "$stripped" |
        grep -vE "^(${3:-none}):" || true)
}

calls 'memcmp|bcmp' 'compare with span_eq, or secret_eq where it is secret'
calls 'sprintf|vsprintf|strcpy|stpcpy|strcat|gets' 'writes without a bound'
calls 'atoi|atol|atoll|atof' 'cannot say that it failed'
calls 'rand|srand|rand_r|drand48|lrand48' 'randomness comes from env'
calls 'system|popen|alloca|strtok|tmpnam|mktemp' 'banned'
calls 'malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf' \
    'memory comes from base/alloc' 'src/base/alloc\.c|tests/[^:]*'
report 'cleanup is attached to the variable' \
    < <(grep -E '(^|[^A-Za-z0-9_])goto[[:space:]]' "$stripped" || true)
report 'structs are called struct' \
    < <(grep -E '^src/[^:]*:[0-9]+:[[:space:]]*typedef[[:space:]]' "$stripped" || true)

# Everything a reader sees, except the scripts that must name what they look for.
texts() {
    find . -type f \( -path ./.git -prune -o -path './build*' -prune -o \
        -path './tests/fuzz/corpus/*' -prune -o -name LICENSE -prune -o \
        -name check_words.sh -prune -o -name test_checks.sh -prune -o -print \) |
        sed 's|^\./||' | grep -vE '^(\.git|build[^/]*|tests/fuzz/corpus)/' | sort
}
mapfile -t files < <(texts)
words() { # GREP-OPTIONS PATTERN WHY
    report "$3" < <(grep -IHn "$1" -- "$2" "${files[@]}" 2>/dev/null || true)
}

words -E '(^|[^A-Za-z0-9_])(TODO|FIXME|XXX|HACK)([^A-Za-z0-9_]|$)' 'a mark left over'
words -iE '(^|[^a-z])for now([^a-z]|$)' 'finish it, or write it down as a limit'
words -iE '(^|[^a-z])f[a]rm-|(^|[^a-z])st[u]dio([^a-z]|$)|/w[o]rk/(main|notes|shared)' \
    'a word of a workshop'
words -iE '(^|[^a-z])(i[s]sue [0-9]|the l[e]ad([^a-z]|$))' 'a word of a workshop'
# CONTRIBUTING.md lists the empty words it asks people to avoid.
mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -vx CONTRIBUTING.md)
words -iE '(^|[^a-z])h[e]lper' 'say what it does'

# Names of the trade instead of the domain, as files or identifiers of ours.
report 'say what it does' < <(find src tests -name '*.[ch]' |
    grep -E '/[^/]*(manager|handler|util|misc|common)[^/]*$' || true)
report 'say what it does' \
    < <(grep -E '^src/.*[a-z0-9]_(manager|utils?|misc)([^A-Za-z0-9_]|$)' "$stripped" || true)

exit "$found"
