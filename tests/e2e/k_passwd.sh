#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malote-ca passwd: the old passphrase is refused and the new one works; members, invites and stored
# mail go on; with --rotate a copy of chaves.txt from before opens nothing of the new one.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

secret_file() { # NAME TEXT
    (umask 077 && echo "$2" >"$T/$1")
}
offline() { # PASSPHRASE-FILE ARGUMENT...
    timeout -k 5 60 malote-ca --data "$D" --passphrase-file "$T/$1" "${@:2}" </dev/null
}

secret_file second "another passphrase"
start_server
join maria joao
# Mail that waits for joao, under his mailbox pair.
send maria joao "before the change" >/dev/null
PAULO=$(invite paulo)

# Not while maloted runs: nobody but it may rewrite its files.
expect 3 offline pass passwd --new-passphrase-file "$T/second"
one_line "$T/err"
has "$T/err" "stop it first"
stop_server

cp "$D/ca/chaves.txt" "$T/chaves.before"
stat -c '%a %u %g' "$D/ca/chaves.txt" "$D/ca/ledger.db" >"$T/modes"

# A wrong old one, none for the new, two lines, an open file: nothing changes.
expect 4 offline second passwd --new-passphrase-file "$T/second"
expect 2 setsid -w malote-ca --data "$D" --passphrase-file "$T/pass" passwd
has "$T/err" "--new-passphrase-fd N"
printf 'two\nlines\n' >"$T/two" && chmod 600 "$T/two"
expect 2 offline pass passwd --new-passphrase-file "$T/two"
cp "$T/second" "$T/open" && chmod 644 "$T/open"
expect 6 offline pass passwd --new-passphrase-file "$T/open"
expect 2 offline pass passwd --new-passphrase-file "$T/second" --new-passphrase-fd 3
# The same one again is no change, and is not called one; another cost alone is.
expect 1 offline pass passwd --new-passphrase-file "$T/pass"
one_line "$T/err"
has "$T/err" "is the old one"
expect 1 offline pass passwd --rotate --new-passphrase-file "$T/pass" --kdf-cost 2048
expect 1 offline pass passwd --new-passphrase-file "$T/pass" --kdf-cost 1024
cmp "$D/ca/chaves.txt" "$T/chaves.before"

expect 0 offline pass passwd --new-passphrase-file "$T/second"
expect 4 offline pass list
has "$T/err" "wrong passphrase"
expect 0 offline second list --json
stat -c '%a %u %g' "$D/ca/chaves.txt" "$D/ca/ledger.db" | diff - "$T/modes"

expect 0 offline second passwd --new-passphrase-file "$T/second" --kdf-cost 2048
has "$D/ca/chaves.txt" "scrypt 2048 "

# Every byte of the line counts, as it does at the first start: spaces, a NUL.
printf ' with spaces \0 and more ' >"$T/odd" && chmod 600 "$T/odd"
expect 0 offline second passwd --new-passphrase-file "$T/odd"
expect 0 offline odd list
for near in 'with spaces \0 and more' ' with spaces \0 and more' ' with spaces \0 and mor' ' with spaces '; do
    printf "$near" >"$T/near" && chmod 600 "$T/near"
    expect 4 offline near list
done
expect 0 offline odd passwd --new-passphrase-file "$T/second"

# By descriptors, both from one: the old passphrase first, then the new one.
expect 0 bash -c 'cat "$1" "$2" | malote-ca --data "$3" --passphrase-fd 0 passwd --rotate \
    --new-passphrase-fd 0 --json' - "$T/second" "$T/pass" "$D"
has "$T/out" '"rotated":true'
# No sealed word is in both files: the old master key opens nothing of the new one.
tr ' ' '\n' <"$T/chaves.before" | grep -E '^[0-9a-f]{64,}$' | sort >"$T/words.before"
tr ' ' '\n' <"$D/ca/chaves.txt" | grep -E '^[0-9a-f]{64,}$' | sort >"$T/words.after"
[ "$(wc -l <"$T/words.after")" -ge 10 ] || fail "too few words"
is "$(comm -12 "$T/words.before" "$T/words.after" | wc -l)" 0
# The old file put back beside the new ledger.db is refused, not believed.
cp "$D/ca/chaves.txt" "$T/chaves.after"
cat "$T/chaves.before" >"$D/ca/chaves.txt"
expect 6 offline pass list
cat "$T/chaves.after" >"$D/ca/chaves.txt"
expect 0 offline pass audit

# Everybody goes on: stored mail, logins, an invite from before.
start_server
listen joao --count 1
wait_for 10 heard joao "before the change"
wait "$LISTENER"
as paulo join "$PAULO" --name paulo >"$T/out" 2>&1 </dev/null || { cat "$T/out"; fail "paulo"; }
send maria joao "after it" >/dev/null
listen joao --count 1
wait_for 10 heard joao "after it"
wait "$LISTENER"
stop_server
hasnt "$T/server.log" "another passphrase"
