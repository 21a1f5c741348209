#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run install puts everything where a system looks for it, whatever the umask, and refuses a
# prefix that it could not write into the unit.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

P=$T/prefix
(umask 077 && expect 0 "$ROOT/scripts/install.sh" --prefix "$P")
is "$(find "$P" ! -type l ! -perm -go=r)" ""
is "$(find "$P" -type d ! -perm -go=x)" ""
for named in $(sed 1d "$T/out"); do
    [ -e "$P/$named" ] || fail "it says that it installed $named"
done
for kind in bin/malote-ca libmalote.so client.h malote.pc man bash-completion sysusers; do
    has "$T/out" "$kind"
done
has "$P/lib/systemd/system/maloted.service" "ExecStart=$P/sbin/maloted "
for program in bin/malote bin/malote-ca sbin/maloted; do
    [ -x "$P/$program" ] || fail "no $program"
done

for page in "$ROOT"/docs/man/*; do
    page=${page##*/}
    file=$P/share/man/man${page##*.}/$page
    [ -f "$file" ] || fail "no $file"
    is "$(stat -c %a "$file")" 644
    expect 0 mandoc -T ascii -O width=78 "$file"
    sed 's/.\x08//g' "$T/out" >"$T/page"
    has "$T/page" "${page%.*} - "
    has "$T/page" "SECURITY CONSIDERATIONS"
    [ "$(wc -L <"$T/page")" -le 80 ] || fail "$page has lines longer than 80 columns"
done
for page in malote.1 malote-protocol.7 malote-ca.8 maloted.8; do
    [ -f "$P/share/man/man${page##*.}/$page" ] || fail "no page $page"
done

# The library, for a program of somebody else's: tests/e2e/l_echo_bot.sh builds one.
for file in include/malote/client.h lib/libmalote.so.0 lib/libmalote.a lib/pkgconfig/malote.pc; do
    cmp "$ROOT/build/$file" "$P/$file" || fail "no $file"
done
is "$(readlink "$P/lib/libmalote.so")" libmalote.so.0
PKG_CONFIG_PATH=$P/lib/pkgconfig pkg-config --exists malote || fail "pkg-config does not find malote"

# bash-completion loads a file by the name of the command.
for program in malote malote-ca maloted; do
    file=$P/share/bash-completion/completions/$program
    [ -f "$file" ] || fail "no $file"
    expect 0 bash -c ". '$file' && complete -p $program"
done

refused() { # ARGUMENT...
    expect 2 "$ROOT/scripts/install.sh" "$@"
    one_line "$T/err"
}
refused --nowhere
refused --prefix
refused --prefix=
refused --prefix ""
for odd in "$T/a b" $'$T/a\tb' "$T/a|b" "$T/a&b" "$T/a%b" $'$T/a\nb'; do
    refused --prefix "$odd"
    refused --prefix="$odd"
done
is "$(find "$T" -name 'a?b')" ""
# what leads elsewhere and back is one path
mkdir "$T/here"
expect 0 env CALLER_DIR="$T/here" "$ROOT/scripts/install.sh" --prefix ../here/./there
has "$T/here/there/lib/systemd/system/maloted.service" "ExecStart=$T/here/there/sbin/maloted "
