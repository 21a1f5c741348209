#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The checks, checked: into a small clean tree one violation is planted at a time, and the check
# whose business it is must name the file.  Prints "ok NAME" or "not ok NAME" per violation.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

clean_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{src/{base,wire,crypto,mail,relay,ca,client,cmd},include/malote,examples,tests/unit,scripts}
    cp "$here/../.clang-format" "$tree/"
    printf '/* SPDX-License-Identifier: Apache-2.0 */\n#include "relay/x.h"\n' \
        >"$tree/src/cmd/maloted.h"
    printf '/* SPDX-License-Identifier: Apache-2.0 */\n' >"$tree/examples/x.c"
    local room
    for room in base wire crypto mail relay ca client cmd; do
        printf '/* SPDX-License-Identifier: Apache-2.0 */\nint %s_x(void);\n' "$room" \
            >"$tree/src/$room/x.h"
        cat >"$tree/src/$room/x.c" <<CODE
/* SPDX-License-Identifier: Apache-2.0 */
#include "$room/x.h"

/* Prose may say memcmp(a, b) and system(3). */
int ${room}_x(void)
{
    return "goto free(x)"[0];
}
CODE
    done
}

# Pages, completion and three small programs that fit together, for check_pages.sh.
pages_tree() {
    clean_tree
    mkdir -p "$tree"/{docs/man,packaging/completion,build/bin}
    local program page
    for program in malote malote-ca maloted; do
        page=$tree/docs/man/$program.$([ "$program" = malote ] && echo 1 || echo 8)
        cat >"$tree/build/bin/$program" <<'CODE'
#!/bin/sh
echo "usage: $(basename "$0") [--home DIR] ... (see --nothing)"
[ "$(basename "$0")" != maloted ] || exit 0
printf '  send NAME [--json]\n        send it\n  fly\n        fly (not built yet)\n'
CODE
        [ "$program" != maloted ] || sed -i 's/ (see --nothing)//' "$tree/build/bin/$program"
        chmod +x "$tree/build/bin/$program"
        {
            printf '.Dd November 22, 2026\n.Dt %s %s\n.Os\n' "${program^^}" "${page##*.}"
            printf '.Sh NAME\n.Nm %s\n.Nd a program\n' "$program"
            printf '.Sh %s\nwords\n' SYNOPSIS DESCRIPTION
            printf '.Sh OPTIONS\n.Bl -tag -width Ds\n'
            printf '.It Fl -%s\nwords\n' home help version
            printf '.El\n'
            [ "$program" = maloted ] ||
                printf '.Sh SUBCOMMANDS\n.Bl -tag -width Ds\n.It Cm send\nwords\n%s\n.El\n' \
                    "$(printf '.Bl -tag -width Ds\n.It Fl -json\nwords\n.El')"
            printf '.Sh %s\nwords\n' ENVIRONMENT FILES 'EXIT STATUS' EXAMPLES 'SEE ALSO'
        } >"$page"
    done
    cat >"$tree/packaging/completion/malote.bash" <<'CODE'
_malote_complete() {
    COMPREPLY=()
    case ${COMP_WORDS[*]} in
    *' send --') COMPREPLY=(--json) ;;
    *' --') COMPREPLY=(--home --help --version) ;;
    'maloted '*) ;;
    *) COMPREPLY=(send) ;;
    esac
}
CODE
}

# replace FILE SED: one change to a tree of pages; nothing changed would test nothing.
replace() {
    pages_tree
    planted=$1
    cp "$tree/$1" "$tree/before"
    sed -i "$2" "$tree/$1"
    ! cmp -s "$tree/before" "$tree/$1" || echo "not ok checks nothing was planted in $1 by $2"
    rm "$tree/before"
}

# expect CHECK NAME: the check must fail now and name the planted file.
expect() {
    local out
    if out=$("$here/check_$1.sh" "$tree" 2>&1) || ! grep -q "$planted" <<<"$out"; then
        echo "not ok checks $2: check_$1.sh did not find it; it said: $out"
        failed=1
    else
        echo "ok checks $2"
    fi
}

# plant FILE LINE: adds one line to a clean tree.
plant() {
    clean_tree
    planted=$1
    printf '%s\n' "$2" >>"$tree/$1"
}

clean_tree
for check in layers words spdx format documents; do
    if out=$("$here/check_$check.sh" "$tree" 2>&1); then
        echo "ok checks a_clean_tree_passes_$check"
    else
        echo "not ok checks a_clean_tree_passes_$check: $out"
        failed=1
    fi
done

plant src/base/x.c '#include "wire/x.h"';     expect layers base_may_not_include_wire
plant src/relay/x.c '#include "ca/x.h"';      expect layers relay_may_not_include_ca
plant src/mail/x.c '#include "relay/x.h"';    expect layers mail_may_not_include_relay
plant src/client/x.c '#include "relay/x.h"';  expect layers client_may_not_include_relay
plant src/client/x.c '# include "ca/x.h"';    expect layers client_may_not_include_ca_with_a_space
plant src/ca/x.c '#include "protocol/x.h"';   expect layers a_file_that_is_not_there
plant src/cmd/x.c '#include "x.h"';           expect layers an_include_without_its_room
plant src/cmd/x.c '#include "../ca/x.h"';     expect layers an_include_by_a_path_upwards
plant src/ca/x.c '#include <uv.h>';           expect layers libuv_outside_net
plant src/relay/x.c '#include <uv.h>';        expect layers libuv_in_relay_outside_net
plant src/relay/x.c '#include <sqlite3.h>';   expect layers sqlite_outside_db
plant src/client/x.c '#include <openssl/evp.h>'; expect layers evp_outside_crypto
plant src/crypto/x.c '#include <openssl/ssl.h>'; expect layers libssl_anywhere
plant src/relay/x.c '#include <jansson.h>';   expect layers jansson_outside_cmd
plant src/base/x.c '#include <curl/curl.h>';  expect layers an_unknown_library
plant include/malote/y.h '#include "base/x.h"'; expect layers the_public_header_includes_a_room
plant examples/x.c '#include "client/x.h"';   expect layers an_example_reaches_behind_the_public_header
for room in client crypto wire; do
    plant src/cmd/x.c "#include \"$room/x.h\""
    expect layers "the_malote_command_includes_$room"
done
plant src/cmd/x.c '#include "cmd/maloted.h"'; expect layers the_malote_command_includes_a_header_of_maloted
plant src/cmd/maloted.h '#include "client/x.h"'; expect layers maloted_includes_client
plant src/relay/x.c '#include <malote/client.h>'; expect layers the_server_uses_the_client_library
mkdir -p "$tree/src/extra"; clean_tree; mkdir -p "$tree/src/extra"
planted=src/extra/x.c
printf '#include <stdio.h>\n' >"$tree/$planted"; expect layers a_room_that_is_not_in_the_table

for call in memcmp sprintf vsprintf strcpy strcat atoi gets alloca rand system popen malloc \
    calloc realloc free strdup; do
    plant src/ca/x.c "int y = $call (z);"
    expect words "the_call_$call"
done
plant src/ca/x.c '/* a */ int y = memcmp(a, b); /* c */'; expect words a_call_between_comments
plant src/ca/x.c 'goto out;';                 expect words goto
plant src/ca/x.c 'typedef int y;';            expect words typedef
plant src/ca/x.c '/* TODO finish */';         expect words a_mark_left_over
plant scripts/x.sh '# good enough for now';   expect words for_now
plant README.md 'see issue 2';                expect words a_workshop_word
plant src/ca/x.c 'void cert_helper(void);';   expect words an_empty_word
clean_tree
planted=src/ca/ca_util.c
cp "$tree/src/ca/x.c" "$tree/$planted";       expect words an_empty_file_name

plant src/ca/y.c 'int y;';                    expect spdx a_file_without_licence_line
plant src/ca/x.c '/* SPDX-License-Identifier: Apache-2.0 */'; expect spdx a_second_licence_line

plant README.md 'held by `test_nothing`';           expect documents a_test_that_does_not_exist
plant README.md 'see [there](nowhere.md)';           expect documents a_link_that_leads_nowhere
plant src/ca/x.c '/* PROTOCOL.md 99.1 */';           expect documents a_section_that_is_not_there
plant src/ca/x.c 'int  y ( void ) ;';         expect format a_line_laid_out_by_hand

pages_tree
if out=$("$here/check_pages.sh" "$tree" 2>&1); then
    echo "ok checks clean_pages_pass"
else
    echo "not ok checks clean_pages_pass: $out"
    failed=1
fi
completion=packaging/completion/malote.bash
replace docs/man/malote.1 's/Fl -home/Ar DIR/';       expect pages a_page_without_an_option
replace docs/man/maloted.8 's/-home/-house/';         expect pages a_page_with_an_option_too_many
replace docs/man/malote-ca.8 's/Cm send/Cm fly/';     expect pages a_page_with_what_is_not_built
replace docs/man/malote.1 's/Fl -json/Fl -jsan/';     expect pages a_page_with_another_option_there
replace docs/man/malote.1 's/^words$/say --wrods/';   expect pages an_example_with_no_such_option
replace docs/man/malote.1 's/^\.Sh FILES$//';         expect pages a_page_without_a_section
replace docs/man/malote.1 's/^\.Os$/.Oz/';            expect pages a_page_that_mandoc_warns_of
replace "$completion" 's/(send)/()/';                 expect pages a_completion_without_a_subcommand
replace "$completion" 's/--home/--hose/';             expect pages a_completion_with_no_such_option
replace "$completion" 's/(send)/(send fly)/'; expect pages a_completion_with_what_is_not_built
replace src/cmd/x.c '$a { "hide", no_argument, NULL, 1 },'
planted='hide is taken';                                    expect pages an_option_that_help_hides
rm -r "$tree/docs" "$tree/build"

exit "$failed"
