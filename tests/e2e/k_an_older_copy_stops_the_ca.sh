#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An older ca/ is put back by hand.  Net's newest head tells the CA: it issues nothing, says so to
# whoever asks, and does not forget it; the right ca/ goes on.  A ledger that was rewritten is
# refused at the start.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

says() { # TEXT
    grep -qF -- "$1" "$T/server.log"
}

start_server
join ana
stop_server
cp -a "$D/ca" "$T/older"
start_server
join bia
wait_for 15 heads_agree
expect 0 ca audit
stop_server
cp -a "$D/ca" "$T/right"

rm -r "$D/ca" && cp -a "$T/older" "$D/ca"
: >"$T/server.log"
launch_server
wait_for 20 says "the CA has stopped issuing"
expect 0 ca list
has "$T/out" "the CA has stopped issuing"
expect 4 ca audit
has "$T/out" "the CA has stopped issuing"
stop_server
# It is not net that remembers.
expect 4 offline audit
has "$T/out" "the CA has stopped issuing"
mv "$D/net/head" "$T/head"
: >"$T/server.log"
launch_server
wait_for 20 says "the CA has stopped issuing"
stop_server
mv "$T/head" "$D/net/head"

rm -r "$D/ca" && cp -a "$T/right" "$D/ca"
start_server
expect 0 ca audit
serves
stop_server

# One leaf changed, with the hash that fits it.
python3 - "$D/ca/ledger.db" <<'END'
import hashlib, sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    (leaf,) = db.execute("SELECT bytes FROM leaf WHERE position = 1").fetchone()
    leaf = leaf[:-1] + bytes([leaf[-1] ^ 1])
    db.execute("DROP TRIGGER leaf_is_final")
    db.execute("UPDATE leaf SET bytes = ?, hash = ? WHERE position = 1",
               (leaf, hashlib.sha256(b"\0" + leaf).digest()))
END
: >"$T/server.log"
expect 4 timeout 30 maloted --data "$D" --listen 127.0.0.1:0 --passphrase-file "$T/pass"
has "$T/err" "ledger.db was changed or is damaged"
expect 4 offline list
has "$T/err" "ledger.db was changed or is damaged"
one_line "$T/err"
