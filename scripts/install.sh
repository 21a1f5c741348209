#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run install [--prefix DIR]: what was built, to where a system looks for it.
set -euo pipefail
umask 022
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

refuse() {
    echo "./run install: $1" >&2
    exit 2
}

prefix=/usr/local
while [ $# -gt 0 ]; do
    case $1 in
    --prefix)
        [ $# -gt 1 ] || refuse "--prefix needs a directory"
        prefix=$2
        shift 2
        ;;
    --prefix=*)
        prefix=${1#*=}
        shift
        ;;
    *) refuse "unknown argument '$1'; it takes --prefix DIR" ;;
    esac
    [ -n "$prefix" ] || refuse "--prefix needs a directory"
done
case $prefix in
/*) ;;
*) prefix=${CALLER_DIR:-$PWD}/$prefix ;;
esac
prefix=$(realpath -m -- "$prefix")
# It goes into the unit, into which these would bring another meaning.
case $prefix in
*[[:space:]\|\&\\%\$\"\']*)
    refuse "no white space and none of | & \\ % \$ \" ' in --prefix: $(printf %q "$prefix")"
    ;;
esac

if ! mkdir -p "$prefix" 2>/dev/null || [ ! -w "$prefix" ]; then
    echo "./run install: cannot write to $prefix; run as root, or name another --prefix" >&2
    exit 2
fi

install -d "$prefix/bin" "$prefix/sbin" "$prefix/share/doc/malote" \
    "$prefix/lib/systemd/system" "$prefix/lib/sysusers.d"
install -m 755 build/bin/malote build/bin/malote-ca "$prefix/bin/"
install -m 755 build/bin/maloted "$prefix/sbin/"
sed "s|@PREFIX@|$prefix|g" packaging/maloted.service >"$prefix/lib/systemd/system/maloted.service"
install -m 644 packaging/malote.sysusers "$prefix/lib/sysusers.d/malote.conf"
for document in *.md LICENSE packaging/README.md; do
    [ -f "$document" ] || continue
    case $document in
    packaging/README.md) install -m 644 "$document" "$prefix/share/doc/malote/systemd.md" ;;
    *) install -m 644 "$document" "$prefix/share/doc/malote/" ;;
    esac
done
install_library "$prefix"
# Where the loader looks by its cache; below another prefix LD_LIBRARY_PATH or an rpath tells it.
case $prefix in
/usr | /usr/local) [ "$(id -u)" -ne 0 ] || ldconfig ;;
esac
for page in docs/man/*.[1-8]; do
    install -D -m 644 "$page" "$prefix/share/man/man${page##*.}/${page##*/}"
done
# bash-completion looks for a file of the command's name.
for program in malote malote-ca maloted; do
    install -D -m 644 packaging/completion/malote.bash \
        "$prefix/share/bash-completion/completions/$program"
done
cat <<TEXT
installed below $prefix:
  bin/malote bin/malote-ca sbin/maloted
  lib/systemd/system/maloted.service lib/sysusers.d/malote.conf
  include/malote/client.h lib/libmalote.so lib/libmalote.a lib/pkgconfig/malote.pc
  share/man share/bash-completion/completions share/doc/malote
TEXT
