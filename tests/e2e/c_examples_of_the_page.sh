#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each line in EXAMPLES of malote(1) works when it is typed, in this order, by maria.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join joao
listen joao
export HOME=$T/user
mkdir "$HOME"
cd "$HOME"
echo 'all is well' >report.txt
unset XDG_DATA_HOME
export MALOTE_HOME=$HOME/maria

# What stands for something in the page becomes what it stands for.
real() { # LINE
    case $1 in
    *FINGERPRINT/INVITE*) sed "s|malote://[^']*INVITE|$(invite)|" <<<"$1" ;;
    *) echo "$1" ;;
    esac
}

# joao writes until maria has it.
write_to_maria() {
    until malote --home "$T/home-joao" send maria 'a message' </dev/null; do sleep 0.1; done
}

count=0
while IFS= read -r line; do
    count=$((count + 1))
    case $line in
    *' listen '*)
        write_to_maria >"$T/writing.log" 2>&1 &
        STARTED+=("$!")
        ;;
    *'~/work'*) cp -r "$MALOTE_HOME" "$HOME/work" ;;
    esac
    timeout -k 5 60 bash -c "$(real "$line")" >"$T/out" 2>"$T/err" <<<'a line typed' ||
        { cat "$T/out" "$T/err"; fail "status $? of: $line"; }
done < <(awk '/^\.Sh/ { on = $2 == "EXAMPLES" } on && sub(/^\.Dl /, "")' "$ROOT/docs/man/malote.1")
[ "$count" -ge 8 ] || fail "only $count examples were found"

for text in 'chegou o malote?' 'all is well\n' 'a line typed'; do
    wait_for 10 heard joao "$text"
done
has message.json '"text":"a message"'
[ ! -e undelivered.txt ] || fail "an example that succeeded took the way of failure"
