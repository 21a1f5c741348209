#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chat NAME in plain line mode, over pipes: what is typed is sent, what comes is shown.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
CHATS=()
mkfifo "$T/keys-maria" "$T/keys-joao"
for name in maria joao; do
    other=joao
    [ "$name" = maria ] || other=maria
    timeout 60 malote --home "$T/home-$name" chat "$other" <"$T/keys-$name" >"$T/chat-$name" 2>"$T/chat-$name.log" &
    STARTED+=($!)
    CHATS+=($!)
done
exec 7>"$T/keys-maria" 8>"$T/keys-joao"
for name in maria joao; do
    wait_for 15 grep -q "you are $name" "$T/chat-$name.log"
done
echo "hello joao" >&7
wait_for 20 grep -qF "hello joao" "$T/chat-joao"
echo "hello maria" >&8
wait_for 20 grep -qF "hello maria" "$T/chat-maria"
# What others write waits for listen.
join ines
for name in joao maria maria; do
    expect 0 send ines "$name" "from another"
done
exec 7>&- 8>&-
for pid in "${CHATS[@]}"; do
    wait "$pid" || fail "chat ended with status $?"
done
# How many is said in words that fit.
expect 0 as joao chat maria
has "$T/err" "one message from somebody else waits"
expect 0 as maria chat joao
has "$T/err" "2 messages from others wait"
