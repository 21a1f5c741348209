#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Section 7: exit codes, and every error one line.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
# 2: usage, and commands that are not built
for arguments in "" "fly" "send" "send joao one two three" "listen --count x" "join" "chat" \
    "join malote://nonsense" "send joao hi --wait tomorrow" "--home"; do
    # shellcheck disable=SC2086  # words
    expect 2 malote $arguments
done
expect 2 as maria doctor
one_line "$T/err"
has "$T/err" 'not built'
# 0: how a subcommand is called, also behind its words; a text behind "--" is a text
for arguments in "join" "send" "listen" "chat" "contacts" "status" "outbox" "history" \
    "audit" "doctor" "send joao --json" "outbox drop"; do
    for help in --help -h; do
        # shellcheck disable=SC2086
        expect 0 malote $arguments $help
        has "$T/out" "usage: malote ${arguments%% *}"
        is "$(wc -l <"$T/out")" 2
        is "$(wc -c <"$T/err")" 0
    done
done
for arguments in "invite" "invites" "uninvite" "pending" "approve" "refuse joao" "list --json" "show" "reissue" "erase joao" \
    "revoke" "renew" "crl" "audit" "passwd" "backup" "restore" "export" "import"; do
    for help in --help -h; do
        # shellcheck disable=SC2086
        expect 0 malote-ca --data "$T/none" $arguments $help
        has "$T/out" "usage: malote-ca ${arguments%% *}"
        is "$(wc -l <"$T/out")" 2
        is "$(wc -c <"$T/err")" 0
    done
done
expect 0 malote-ca -h
has "$T/out" "usage: malote-ca"
expect 0 as maria send joao -- --help
expect 0 malote -h
has "$T/out" "usage: malote"
expect 2 as maria send joao hi --wait tomorrow
has "$T/err" "--wait takes stored, delivered or read, not 'tomorrow'"
expect 2 malote join malote://nonsense
has "$T/err" "malote://HOST:PORT/FINGERPRINT[/INVITE]"
one_line "$T/err"
for arguments in "" "fly" "approve joao" "approve joao xyz" "invite --count 0" "invite --expires soon" \
    "revoke" "revoke joao --reason spite" "revoke joao maria" "renew" "renew relay" "crl more" "audit all" \
    "list --state ill" "list --sort age" "list a b" "show" "backup" "export" "import" "restore"; do
    # shellcheck disable=SC2086
    expect 2 malote-ca --data "$D" $arguments
    one_line "$T/err"
done
for arguments in "--fly" "--cert-life 30" "--cert-life 9m" "--cert-life 91d" "--enrol anyone" "--realm -bad-" "--listen nowhere" "--kdf-cost 7" "left over"; do
    # shellcheck disable=SC2086
    expect 2 maloted --data "$T/none" --passphrase-file "$T/pass" $arguments
done

# 1: refused by the other side
expect 1 as maria send nobody hello
one_line "$T/err"
# 7: fewer than asked
expect 7 as maria listen --count 1 --timeout 1
# 4: no identity here; 3: nobody there
expect 4 as stranger send maria hello
one_line "$T/err"
# 4: a key that is not its certificate's; 6: one that is cut
cp -a "$T/home-maria" "$T/home-mixed"
cp -a "$T/home-joao/key" "$T/home-mixed/key"
expect 4 as mixed status
one_line "$T/err"
has "$T/err" "key, certificate and CA do not belong together"
truncate -s 700 "$T/home-mixed/key"
expect 6 as mixed status
one_line "$T/err"
has "$T/err" "damaged"
stop_server
# 5: kept in the outbox; 3: where nothing waits
expect 5 as maria send joao hello
one_line "$T/err"
expect 3 as maria status
one_line "$T/err"
expect 3 as maria chat joao
one_line "$T/err"
is "$(echo unread | { as maria chat joao 2>"$T/err" || true; cat; })" unread
expect 3 as maria listen --count 1 --timeout 2
