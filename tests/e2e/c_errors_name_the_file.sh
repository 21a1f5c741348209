#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A file that others can read, and one that a passphrase does not open, are named, with what to do.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria
expect 0 as maria status
home=$T/home-maria

# the client's files, each in the command that needs it
for file in key server certificate.pem ca.pem malote.db; do
    chmod 644 "$home/$file"
    expect 6 as maria status
    one_line "$T/err"
    has "$T/err" "$home/$file is not private: it must be yours, no link, and closed to others (chmod go= $home/$file)"
    hasnt "$T/err" "join again"
    bash -c "$(sed 's/.*(\(chmod .*\)).*/\1/' "$T/err")"
    expect 0 as maria status
done
chmod 755 "$home"
expect 6 as maria status
one_line "$T/err"
has "$T/err" "$home is not private"
has "$T/err" "(chmod go= $home)"
chmod 700 "$home"

# its passphrase
(umask 077 && echo right >"$T/right" && echo wrong >"$T/wrong")
as ana --passphrase-file "$T/right" join "$(invite ana)" --protect >"$T/out" 2>&1 </dev/null ||
    fail "$(cat "$T/out")"
expect 0 as ana --passphrase-file "$T/right" status
expect 4 as ana --passphrase-file "$T/wrong" status
one_line "$T/err"
has "$T/err" "wrong passphrase for $T/home-ana/key, or that file is damaged"
chmod 644 "$T/right"
expect 6 as ana --passphrase-file "$T/right" status
one_line "$T/err"
has "$T/err" "cannot read the passphrase: $T/right: not private"
expect 6 as ana --passphrase-file "$T/none" status
has "$T/err" "cannot read the passphrase: $T/none: not found"

# the server's
stop_server
server_refuses() { # STATUS TEXT
    expect "$1" maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$SECRET"
    has "$T/err" "$2"
    expect "$1" malote-ca --data "$D" --passphrase-file "$SECRET" list
    one_line "$T/err"
    has "$T/err" "$2"
}
SECRET=$T/wrong
server_refuses 4 "ca/chaves.txt does not open: wrong passphrase"
has "$T/err" "in $D: "
SECRET=$T/right
server_refuses 6 "cannot read the passphrase: $T/right: not private"
SECRET=$T/pass
for file in chaves.txt ledger.db; do
    chmod 644 "$D/ca/$file"
    server_refuses 6 "$file cannot be used: not private"
    chmod 600 "$D/ca/$file"
done
start_server
expect 0 as maria status
