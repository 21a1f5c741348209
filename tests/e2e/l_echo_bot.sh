#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# examples/echo_bot.c, built as a stranger would: with pkg-config against an installed prefix,
# shared and static.  It answers, also what came while it was away and more than a window of it,
# comes back when the server does, and ends cleanly.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/scripts/build.sh"

# build_bot NAME FLAG...: from outside the repository, so that nothing of it helps.
build_bot() {
    local name=$1
    shift
    cp "$ROOT/examples/echo_bot.c" "$T/$name.c"
    (cd "$T" && cc -Wall -Wextra -Werror -o "$name" "$name.c" "$@" -Wl,-rpath,"$P/lib") ||
        fail "$name could not be built"
}

P=$T/prefix
(cd "$ROOT" && install_library "$P" "$BUILD")
export PKG_CONFIG_PATH=$P/lib/pkgconfig
is "$(pkg-config --modversion malote)" "$(malote --version | sed 's/malote //')"
read -r -a shared <<<"$(pkg-config --cflags --libs malote)"
read -r -a all <<<"$(pkg-config --cflags --libs --static malote)"
build_bot bot_shared "${shared[@]}"
objdump -p "$T/bot_shared" | grep -q 'NEEDED *libmalote.so.0' || fail "the bot does not need libmalote.so.0"
# Where there is no shared library the linker takes the other.
rm "$P"/lib/libmalote.so
build_bot bot_static "${all[@]}"
! objdump -p "$T/bot_static" | grep -q libmalote || fail "the bot still needs a shared libmalote"

is_here() { # TIMES
    [ "$(grep -c 'here as bot' "$T/bot.log")" -ge "$1" ]
}

start_bot() { # PROGRAM
    : >"$T/bot.log"
    "$T/$1" "$T/home-bot" >"$T/bot.out" 2>"$T/bot.log" </dev/null &
    BOT=$!
    STARTED+=("$BOT")
    wait_for 15 is_here 1
}

end_bot() {
    kill -TERM "$BOT"
    wait_for 10 gone "$BOT"
    wait "$BOT" || fail "the bot ended with status $?"
    is "$(wc -c <"$T/bot.out")" 0 # the library says nothing on stdout
}

start_server
join bot maria

# Each of its two forms answers; what is sent while neither runs is answered by the next.
for form in bot_shared bot_static; do
    start_bot "$form"
    listen maria --count 1
    expect 0 send maria bot "eco de $form"
    wait_for 10 heard maria "eco de $form"
    wait_for 10 gone "$LISTENER"
    end_bot
done
expect 0 send maria bot "while you were away"
listen maria --count 1
start_bot bot_shared
wait_for 10 heard maria "while you were away"
end_bot

# The server goes away and comes back: so does the bot.
start_bot bot_shared
stop_server
start_server
wait_for 15 is_here 2
listen maria --count 1
expect 0 send maria bot "back again"
wait_for 10 heard maria "back again"
end_bot

# A message that came, and that nobody could show: it is answered by whoever comes next, once.
malote --home "$T/home-bot" listen --count 1 >/dev/full 2>"$T/full.log" </dev/null &
STARTED+=("$!")
wait_for 15 grep -q listening "$T/full.log"
expect 0 send maria bot "not shown"
wait_for 10 grep -q stdout "$T/full.log"
listen maria
start_bot bot_shared
wait_for 10 heard maria "not shown"
end_bot
start_bot bot_shared
expect 0 send maria bot "one more"
wait_for 10 heard maria "one more"
end_bot
is "$(grep -c 'not shown' "$T/heard-maria")" 1

# More than may be on their way at once wait for the bot: while the bot's identity talks with
# somebody else they come and are not shown.  Each is answered, once, and none is left.
kill "$LISTENER"
wait_for 10 gone "$LISTENER"
join joao
mkfifo "$T/keys"
malote --home "$T/home-bot" chat joao <"$T/keys" >"$T/chat" 2>"$T/chat.log" &
STARTED+=("$!")
exec 7>"$T/keys"
wait_for 15 grep -q 'you are bot' "$T/chat.log"
seq -f 'n%.0f' 150 | as maria chat bot >"$T/backlog" 2>&1 || fail "$(cat "$T/backlog")"
exec 7>&-
wait "${STARTED[-1]}" || fail "the chat ended with status $?"

unshown() {
    as bot status --json </dev/null | grep -o '"unshown":[0-9]*'
}
is "$(unshown)" '"unshown":150'
listen maria
start_bot bot_shared
all_echoed() {
    [ "$(wc -l <"$T/heard-maria")" -ge 150 ]
}
wait_for 30 all_echoed
is "$(grep -o '"text":"n[0-9]*"' "$T/heard-maria" | sort | uniq | wc -l)" 150
is "$(wc -l <"$T/heard-maria")" 150
is "$(unshown)" '"unshown":0'
end_bot
is "$(grep -vc 'here as' "$T/bot.log")" 1 # the goodbye

# An echo for somebody who is away waits for her, also when the bot is gone.
kill "$LISTENER"
wait_for 10 gone "$LISTENER"
start_bot bot_shared
expect 0 send maria bot "for later" --wait delivered
stored() {
    as bot history maria --json </dev/null | grep -q '"state":"stored".*for later\|for later.*"state":"stored"'
}
wait_for 10 stored
end_bot
listen maria
wait_for 10 heard maria "for later"

# What cannot work is said in a line.
stop_server
expect 1 "$T/bot_shared" "$T/home-bot"
has "$T/err" "127.0.0.1:$PORT: Connection refused"
one_line "$T/err"
expect 1 "$T/bot_shared" "$T/nowhere"
has "$T/err" "$T/nowhere"
has "$T/err" "join first"
one_line "$T/err"
