#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 39: links, wrong modes and owners in place of our files; umask 000.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

umask 000
start_server
umask 022
for file in $(find "$D" -type f -not -name '*-shm' -not -name '*-wal'); do
    is "$file $(stat -c %a "$file")" "$file 600"
done
for directory in $(find "$D" -type d); do
    is "$directory $(stat -c %a "$directory")" "$directory 700"
done
umask 000
as maria join "$URL" --name maria </dev/null
umask 022
is "$(stat -c %a "$T/home-maria")" 700
for file in $(find "$T/home-maria" -type f -not -name '*-shm' -not -name '*-wal'); do
    is "$file $(stat -c %a "$file")" "$file 600"
done
stop_server

refuses() { # WHAT: maloted must not start, and must say why in one line
    local status=0
    timeout 30 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass" \
        >"$T/out" 2>"$T/err" </dev/null || status=$?
    [ "$status" -eq 6 ] || [ "$status" -eq 4 ] || { cat "$T/err"; fail "$1: exit $status"; }
    [ ! -s "$T/out" ] || fail "$1: it listened"
}
chmod 644 "$D/ca/chaves.txt"
refuses "a keystore others can read"
chmod 600 "$D/ca/chaves.txt"

mv "$D/ca/chaves.txt" "$T/elsewhere"
ln -s "$T/elsewhere" "$D/ca/chaves.txt"
refuses "a symlink for the keystore"
rm "$D/ca/chaves.txt"
ln "$T/elsewhere" "$D/ca/chaves.txt"
refuses "a hard link for the keystore"
rm "$D/ca/chaves.txt"
mv "$T/elsewhere" "$D/ca/chaves.txt"

chmod 755 "$D"
refuses "a data directory others can enter"
chmod 700 "$D"
mv "$D" "$T/moved"
ln -s "$T/moved" "$D"
refuses "a symlink for the data directory"
rm "$D"
mv "$T/moved" "$D"

# a passphrase file that others can read
chmod 644 "$T/pass"
status=0
timeout 30 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass" >"$T/out" 2>"$T/err" \
    </dev/null || status=$?
[ "$status" -ne 0 ] || fail "a passphrase everybody can read"
chmod 600 "$T/pass"

# the client's key
key=$T/home-maria/key
chmod 640 "$key"
expect 6 as maria status
one_line "$T/err"
chmod 600 "$key"
mv "$key" "$T/key"
ln -s "$T/key" "$key"
expect 6 as maria status
rm "$key"
mv "$T/key" "$key"
start_server
as maria status </dev/null
serves
