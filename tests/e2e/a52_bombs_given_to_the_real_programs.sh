#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 52: invalid UTF-8, DER and PEM bombs, deep nesting, megabytes of name, given to the
# real programs where they read what others wrote (identity, server, join URL, configuration,
# keystore), in a process that may have 1 GiB and 20 s of processor: refused in one line, with an
# exit code of its own, and never a signal.  (All readers, all inputs: tests/unit/test_bombs.c.)
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria
stop_server
mkdir "$T/bombs"
make_bombs "$T/bombs"
cp "$D/ca/chaves.txt" "$T/good"

bounded() { # COMMAND...: its exit status in STATUS, its errors in $T/err
    STATUS=0
    timeout -k 5 60 prlimit --as=1073741824 --cpu=20 "$@" >"$T/out" 2>"$T/err" </dev/null ||
        STATUS=$?
}

refused() { # WHAT
    [[ $STATUS =~ ^[1-7]$ ]] || { head -c 300 "$T/err"; fail "$1: exit $STATUS"; }
    one_line "$T/err"
    [ "$(wc -c <"$T/err")" -lt 2000 ] || fail "$1: a long answer"
    ! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$T/err" ||
        fail "$1: raw bytes reach the terminal"
}

for bomb in "$T"/bombs/*; do
    name=$(basename "$bomb")
    for file in key ca.pem cert.pem server; do
        [ -f "$T/home-maria/$file" ] || continue
        rm -rf "$T/home-x"
        cp -r "$T/home-maria" "$T/home-x"
        cat "$bomb" >"$T/home-x/$file"
        bounded malote --home "$T/home-x" send joao hello
        refused "$name as $file"
    done
    case $name in
    config_* | utf8_* | one_long_word | open_brackets | nested_600 | zeros_mega)
        bounded maloted --data "$T/none" --config "$bomb" --passphrase-file "$T/pass" --check
        refused "$name as configuration"
        ;;&
    lockbox_* | keystore_* | utf8_* | one_long_word | zeros_mega | nested_600)
        cat "$bomb" >"$D/ca/chaves.txt"
        bounded maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass"
        cat "$T/good" >"$D/ca/chaves.txt"
        refused "$name as keystore"
        ;;&
    url_* | utf8_*)
        # What an argument can hold: 128 KiB, and no zeros.
        bounded malote --home "$T/home-y" join "$(head -c 100000 "$bomb")" --name ana
        refused "$name as join URL"
        ;;
    esac
done
start_server
serves
