#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# maloted --limits prints the table of limits; --check looks at configuration, addresses and users
# and leaves; a start looks at the same before it makes a file.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

expect 0 maloted --limits
is "$(grep -c LIMIT_ "$T/out")" "$(grep -cE '^X\(LIMIT_' "$ROOT/src/base/limits.def")"
printf 'listen = 127.0.0.1:0\nrealm = example.org\n' >"$T/good.conf"
chmod 600 "$T/good.conf"
expect 0 maloted --config "$T/good.conf" --check
echo 'cert-life = 24h' >>"$T/good.conf"
expect 0 maloted --config "$T/good.conf" --check
# once is no matter of a file that stays
for line in 'accept-clock = yes' 'cert-life = 30' 'cert-life = 9m' 'cert-life = 91d'; do
    echo "$line" >"$T/bad.conf"
    chmod 600 "$T/bad.conf"
    expect 2 maloted --config "$T/bad.conf" --check
    one_line "$T/err"
done
printf 'listen = 127.0.0.1:0\ncolour = blue\n' >"$T/bad.conf"
chmod 600 "$T/bad.conf"
expect 2 maloted --config "$T/bad.conf" --check
{ printf 'listen = '; head -c 300 /dev/zero | tr '\0' 1; echo; } >"$T/long.conf"
chmod 600 "$T/long.conf"
expect 2 maloted --config "$T/long.conf" --check

# what could not be opened was not refused whole
expect 2 maloted --config "$T/nope" --check
one_line "$T/err"
has "$T/err" "cannot read $T/nope: No such file"
hasnt "$T/err" refused

passphrase
# refused WORDS OPTION...: by --check and by a start, in one line with WORDS, and nothing is made.
refused() {
    local words=$1
    shift
    for more in --check "--passphrase-file $T/pass"; do
        # shellcheck disable=SC2086  # words
        expect 2 maloted --data "$T/none" "$@" $more
        one_line "$T/err"
        has "$T/err" "$words"
        [ ! -e "$T/none" ] || fail "a file was made"
    done
}
refused "cannot listen on 300.1.1.1:5: " --listen 300.1.1.1:5
refused "cannot listen on 300.1.1.1:5: " --listen 127.0.0.1:0 --listen 300.1.1.1:5
expect 0 maloted --listen 127.0.0.1:0 --listen "[::1]:5" --listen :6 --listen localhost --check
[ "$(id -u)" -eq 0 ] || { refused "need root" --user-net nobody; exit 0; }

refused "cannot start: --user-net nobodyhere: there is no such user" --user-net nobodyhere
refused "cannot start: --user-ca nobodyhere: there is no such user" --user-ca nobodyhere
refused "must not be root" --user-net root
refused "must not be root" --user-net nobody --user-ca 0
refused "two different users" --user-net nobody --user-ca nobody
expect 0 maloted --user-net nobody --user-ca 61200 --check
# a directory that is somebody else's: the one line has the fault, whatever was noticed before
LISTEN=127.0.0.1:0
start_server
stop_server
rm -r "$D/ca"
expect 6 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass" --user-net 61300
one_line "$T/err"
has "$T/err" "cannot start: the directory 'net' belongs to user number "
