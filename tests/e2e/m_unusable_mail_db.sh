#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mailboxes that this version must not touch: the server says which and why, ends, and leaves them
# as they are; put right, they hold what they held.  For what may pass by itself it waits.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
expect 0 as maria send joao "kept through all of it"
stop_server
M=$D/net/mail.db
cp -a "$M" "$T/good"

# refused REASON: with mail.db as it is now.
refused() {
    cp -a "$M" "$T/before"
    : >"$T/server.log"
    launch_server
    wait_for 30 gone "$SERVER"
    wait "$SERVER" && fail "served with a mail.db that is $1"
    has "$T/server.log" "mail.db cannot be opened: $1"
    has "$T/server.log" "the net process keeps dying: giving up, see the log"
    cmp "$M" "$T/before" || fail "mail.db was changed"
    cp -a "$T/good" "$M"
}

printf '\x7f' | dd of="$M" bs=1 seek=63 conv=notrunc 2>/dev/null # user_version
refused "file was written by a newer malote"
chmod 640 "$M"
refused "not private"
printf 'no database' | dd of="$M" conv=notrunc 2>/dev/null
refused "file is damaged"

start_server
has "$T/server.log" "mailboxes with mail: 1, messages in them: 1"
listen joao --count 1
wait "$LISTENER" || fail "the listener ended with status $?"
heard joao "kept through all of it" || fail "lost: $(cat "$T/heard-joao")"
stop_server

# Copied back as somebody else: what to do is said, and done it is noticed without a new start.
if [ "$(id -u)" = 0 ]; then
    owner=$(stat -c %u:%g "$M")
    chown 0:0 "$M"
    : >"$T/server.log"
    launch_server
    foreign() { grep -q "mail.db cannot be opened: .* has to belong to the user that" "$T/server.log"; }
    wait_for 30 foreign
    chown "$owner" "$M"
    served() { grep -q "mailboxes with mail:" "$T/server.log"; }
    wait_for 20 served
    stop_server
fi

# Another program has it for itself: nobody is let in before it goes.
cat >"$T/holder.py" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA locking_mode = EXCLUSIVE")
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
PY
mkfifo "$T/let-go"
python3 "$T/holder.py" "$M" <"$T/let-go" >"$T/holder" &
STARTED+=("$!")
exec 9>"$T/let-go"
wait_for 10 grep -q held "$T/holder"
: >"$T/server.log"
launch_server 9>&-
waits() { grep -q "mail.db cannot be opened: in use by another process; clients wait" "$T/server.log"; }
wait_for 30 waits
hasnt "$T/server.log" "mailboxes with mail:"
exec 9>&-
opened() { grep -q "mailboxes with mail: 0, messages in them: 0" "$T/server.log"; }
wait_for 20 opened
serves
