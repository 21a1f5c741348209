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
    mkdir -p "$tree"/{src/{base,wire,crypto,relay,ca,client,cmd},include/malote,tests/unit,scripts}
    cp "$here/../.clang-format" "$tree/"
    local room
    for room in base wire crypto relay ca client cmd; do
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
plant src/client/x.c '#include "relay/x.h"';  expect layers client_may_not_include_relay
plant src/client/x.c '# include "ca/x.h"';    expect layers client_may_not_include_ca_with_a_space
plant src/ca/x.c '#include "protocol/x.h"';   expect layers a_file_that_is_not_there
plant src/cmd/x.c '#include "x.h"';           expect layers an_include_without_its_room
plant src/cmd/x.c '#include "../ca/x.h"';     expect layers an_include_by_a_path_upwards
plant src/ca/x.c '#include <uv.h>';           expect layers libuv_outside_net
plant src/relay/x.c '#include <uv.h>';        expect layers libuv_in_relay_outside_net
plant src/relay/x.c '#include <sqlite3.h>';   expect layers sqlite_outside_ca_and_client
plant src/client/x.c '#include <openssl/evp.h>'; expect layers evp_outside_crypto
plant src/crypto/x.c '#include <openssl/ssl.h>'; expect layers libssl_anywhere
plant src/relay/x.c '#include <jansson.h>';   expect layers jansson_outside_cmd
plant src/base/x.c '#include <curl/curl.h>';  expect layers an_unknown_library
plant include/malote/y.h '#include "base/x.h"'; expect layers the_public_header_includes_a_room
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
plant src/ca/x.c 'int  y ( void ) ;';         expect format a_line_laid_out_by_hand

exit "$failed"
