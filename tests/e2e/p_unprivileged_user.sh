#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Section 2: started as an ordinary user: one uid, which the log says; all works.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" -eq 0 ] || { start_server; serves; exit 0; }
passphrase
chmod 755 "$T"
D=$T/user/data
install -d -m 700 -o 65534 -g 65534 "$T/user"
install -m 600 -o 65534 -g 65534 "$T/pass" "$T/user/pass"
touch "$T/server.log" "$T/server.out"
cp "$(command -v maloted)" "$T/maloted" # the tree of this test may be closed to others
chmod 755 "$T/maloted"
setpriv --reuid=65534 --regid=65534 --clear-groups "$T/maloted" --data "$D" --listen 127.0.0.1:0 \
    --advertise 127.0.0.1 --kdf-cost 1024 --passphrase-file "$T/user/pass" >"$T/server.out" \
    2>>"$T/server.log" </dev/null &
SERVER=$!
STARTED+=("$SERVER")
wait_for 20 server_is_up
PORT=$(sed -n 's/^listening on .*://p' "$T/server.out")
for role in net ca; do
    is "$(awk '/^Uid:/ { print $2 }' "/proc/$(child_of "$SERVER" "$role")/status")" 65534
    is "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$(child_of "$SERVER" "$role")/status")" 1
    is "$(awk '/^Seccomp:/ { print $2 }' "/proc/$(child_of "$SERVER" "$role")/status")" 2
done
serves
stop_server
is "$(find "$T/user/data" ! -uid 65534 | wc -l)" 0
