#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# also: asan
# Attack row 8: a frame, a handshake message, a whole recorded session come again: in the same
# connection, in another, after a rekey, after the server's restart, and to the client.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
two_strangers
join maria
interop peer adopt "$T/home-maria" "$T/py-maria"
remember
hostile_clients 8 'AUTH|UNEXPECTED' "$URL" "$T/recorded"
hasnt "$T/verdicts" whole_session_after_a_restart
hostile_servers 8 "$T/py-maria"
unharmed

stop_server
start_server
remember
url="malote://127.0.0.1:$PORT/$(sed -n 's/^ca //p' "$T/home-maria/server")"
hostile_clients 8 'AUTH|UNEXPECTED' "$url" "$T/recorded"
has "$T/verdicts" whole_session_after_a_restart
unharmed
