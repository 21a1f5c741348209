#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The library's binary interface is the committed one, and each way to change it is noticed.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

LIBRARY=$ROOT/build/$BUILD/src/client/libmalote.so.0
BASELINE=$ROOT/tests/abi/libmalote.abi
MAP=$ROOT/src/client/libmalote.map
[ "$(uname -m)" = x86_64 ] || skip "the baseline was made on x86_64"

expect 0 "$ROOT/scripts/abi.sh" "$LIBRARY"
is "$(objdump -p "$LIBRARY" | sed -n 's/^ *SONAME *//p')" libmalote.so.0

# planted NAME SED-EXPRESSION: the same, had this been promised before.
planted() {
    sed -E "$2" "$BASELINE" >"$T/$1.abi"
    ! cmp -s "$BASELINE" "$T/$1.abi" || fail "$1: nothing was planted"
    expect 1 "$ROOT/scripts/abi.sh" "$LIBRARY" "$T/$1.abi"
}
planted a_function_is_gone "s/'mlt_look'/'mlt_gaze'/"
planted an_error_has_another_number "s/('MLT_ERROR_PIN' value=)'118'/\1'218'/"
planted a_structure_has_another_layout "s/(mlt_contact' size-in-bits=)'[0-9]+'/\1'448'/"
int=$(sed -nE "s/.*<type-decl name='int' .* id='([^']*)'.*/\1/p" "$BASELINE")
planted a_parameter_has_another_type \
    "/function-decl name='mlt_shown'/,/<\/function-decl>/ s/(<parameter type-id=)'[^']*'( name='row')/\1'$int'\2/"

# One symbol more than listed, and one less.
sed '/mlt_look;/d' "$MAP" >"$T/short.map"
expect 1 "$ROOT/scripts/abi.sh" "$LIBRARY" "$BASELINE" "$T/short.map"
sed 's/    mlt_look;/&\n    mlt_loom;/' "$MAP" >"$T/long.map"
expect 1 "$ROOT/scripts/abi.sh" "$LIBRARY" "$BASELINE" "$T/long.map"

# The archive has the same names and no others; so the malote command cannot reach behind them.
nm -g --defined-only "$ROOT/build/$BUILD/src/client/libmalote.a" | sed -n 's/^[0-9a-f]* [A-Z] //p' |
    sort >"$T/archived"
sed -n 's/^ *\(mlt_[a-z_0-9]*\);$/\1/p' "$MAP" | diff - "$T/archived" || fail "libmalote.a exports more"
