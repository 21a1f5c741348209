#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manual pages and the completion say what the programs do, no less and no more: each option
# and subcommand that --help names stands in both, and both name none that does not exist.  A
# subcommand that --help calls not built is described by neither.
# check_pages.sh [ROOT [DIRECTORY OF THE PROGRAMS]]
set -euo pipefail
bin=${2:-build/bin}
cd "${1:-$(dirname -- "${BASH_SOURCE[0]}")/..}"
completion=packaging/completion/malote.bash
bad=0

complain() {
    echo "$1"
    bad=1
}

page_of() {
    echo "docs/man/$1.$([ "$1" = malote ] && echo 1 || echo 8)"
}

# "SUBCOMMAND OPTION..." a line from --help; "-" is what stands before, or without, a subcommand.
# The three programs take --help and --version, whether they list them or not.
of_help() { # PROGRAM
    "$bin/$1" --help | awk -v program="$1" '
        function options(text,    found) {
            while (match(text, /--[a-z][a-z-]*/)) {
                found = found " " substr(text, RSTART, RLENGTH)
                text = substr(text, RSTART + RLENGTH)
            }
            return found
        }
        function put() {
            if (said != "") print said
            said = ""
        }
        BEGIN { own = "- --help --version" }
        program == "maloted" { own = own options($0); next }
        /^usage:/ { sub(/\(.*/, ""); own = own options($0); next }
        /^  [a-z]/ { put(); said = $1 options($0) }
        /not built/ { said = "" }
        END { put(); print own }'
}

# The same from a page: the list entries below OPTIONS and SUBCOMMANDS.
of_page() { # FILE
    awk '
        function put() {
            if (said != "") print said
            said = ""
        }
        /^\.Sh/ { put(); where = $2; if (where == "OPTIONS") said = "-" }
        where == "SUBCOMMANDS" && /^\.It Cm / { put(); said = $3 }
        (where == "OPTIONS" || where == "SUBCOMMANDS") && /^\.It Fl / {
            for (i = 2; i < NF; i++)
                if ($i == "Fl" && said != "") said = said " -" $(i + 1)
        }
        END { put() }' "$1"
}

# What the completion offers for the words of a line; the last one is what the cursor stands behind.
offers() { # WORD...
    bash -c '. "$0" && COMP_WORDS=("$@") && COMP_CWORD=$(($# - 1)) &&
        _malote_complete "$1" && echo "${COMPREPLY[*]}"' "$PWD/$completion" "$@"
}

of_completion() { # PROGRAM
    local word
    echo "- $(offers "$1" --)"
    for word in $(offers "$1" ''); do
        echo "$word $(offers "$1" "$word" --)"
    done
}

sorted() { # lines of words: each word once, in order
    local line words first
    while read -r first line; do
        read -r -a words <<<"$line"
        echo "$first $(printf '%s\n' "${words[@]}" | sort -u | tr '\n' ' ')"
    done | sort
}

compare() { # FILE WANTED FOUND PROGRAM
    local line
    while IFS= read -r line; do
        case $line in
        '<'*) complain "$1: $4 --help says '${line#< }', which is not here" ;;
        '>'*) complain "$1: '${line#> }' is not what $4 --help says" ;;
        esac
    done < <(diff <(echo "$2") <(echo "$3") || true)
}

check_program() { # PROGRAM
    local page help
    page=$(page_of "$1")
    if [ ! -f "$page" ]; then
        complain "$page: missing"
        return
    fi
    help=$(of_help "$1" | sorted)
    compare "$page" "$help" "$(of_page "$page" | sorted)" "$1"
    compare "$completion" "$help" "$(of_completion "$1" | sorted)" "$1"
}

# Anywhere in a page, an example too: no option that none of the programs has.
check_words() {
    local known page option
    known=$(for program in malote malote-ca maloted; do of_help "$program"; done |
        grep -oE -- '--[a-z-]+' | sort -u)
    for page in docs/man/*; do
        while IFS= read -r option; do
            grep -qxF -- "$option" <<<"$known" || complain "$page: no program has $option"
        done < <(grep -v '^\.\\"' "$page" | sed -E 's/Fl -([a-z])/--\1/g' |
            grep -oE -- '--[a-z][a-z-]*' | sort -u)
    done
}

# What getopt takes is said by --help.
check_parsers() {
    local known option
    known=$(for program in malote malote-ca maloted; do of_help "$program"; done | tr ' ' '\n')
    while IFS= read -r option; do
        grep -qxF -- "--$option" <<<"$known" ||
            complain "src/cmd: --$option is taken, but no --help names it"
    done < <(sed -nE 's/.*\{ "([a-z-]+)", (no|required|optional)_argument.*/\1/p' src/cmd/*.c |
        sort -u)
}

# Sections that every page of a program has, and what mandoc thinks of each.
check_form() {
    local page section said
    for page in docs/man/*; do
        said=$(mandoc -T lint -W warning "$page" 2>&1) || complain "$said"
        case $page in
        *.[18]) ;;
        *) continue ;;
        esac
        for section in NAME SYNOPSIS DESCRIPTION ENVIRONMENT FILES 'EXIT STATUS' EXAMPLES \
            'SEE ALSO'; do
            grep -qx "\.Sh $section" "$page" || complain "$page: no section $section"
        done
    done
}

[ -d docs/man ] || exit 0
for program in malote malote-ca maloted; do
    if [ ! -x "$bin/$program" ]; then
        echo "$bin/$program: not built, so its page cannot be checked"
        exit 1
    fi
    check_program "$program"
done
check_words
check_parsers
check_form
exit $bad
