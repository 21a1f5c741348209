#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What bash offers for a line, with and without an identity; it never asks, waits or complains.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# offer WANTED WORD...: the last word is the one being completed.
offer() {
    local wanted=$1 got
    shift
    got=$(timeout -k 5 20 bash -uc '. "$0"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _malote_complete "$1"; echo "${COMPREPLY[*]-}"' \
        "$ROOT/packaging/completion/malote.bash" "$@" 2>"$T/complaints" </dev/null) ||
        fail "completing '$*' ended with status $?"
    [ "$got" = "$wanted" ] || fail "for '$*' it offers '$got' instead of '$wanted'"
    [ ! -s "$T/complaints" ] || fail "completing '$*' said: $(cat "$T/complaints")"
}

mkdir "$T/place" "$T/place/data dir"
touch "$T/place/class.txt"
cd "$T/place"

# subcommands and options
offer 'join send listen chat outbox history contacts status audit' malote ''
offer 'send status' malote s
offer 'chat' /usr/bin/malote ch
offer '--home --help' malote --h
offer '--wait --timeout --json' malote send --
offer '--json --count --timeout --tell-read' malote listen --
offer '--json --all' malote outbox --
offer '--json' malote send --wait delivered --j
offer '--name --bits --min-group --protect' malote --passphrase-fd 3 join --
offer 'invite invites uninvite pending approve refuse list show reissue revoke renew crl audit passwd backup restore export import erase' malote-ca ''
offer '--passphrase-fd --passphrase-file' malote-ca --pass
offer '--export-passphrase-fd --export-passphrase-file --json' malote-ca export --
offer '--rotate --new-passphrase-fd --new-passphrase-file --kdf-cost --json' malote-ca passwd --
offer '--state --sort --json' malote-ca list --
offer '--reason --json' malote-ca revoke --
offer '--out --json' malote-ca crl --
offer '--count --names --expires --json' malote-ca --data there invite --
offer '--kdf-cost' maloted --enrol open --k
# values, also after "=", which readline makes a word of its own
offer 'stored delivered read' malote send --wait ''
offer 'stored delivered read' malote send --wait =
offer 'delivered' malote send --wait = del
offer '3072' malote join --bits 3
offer 'ffdhe2048 ffdhe3072 ffdhe4096' malote join --min-group ffdhe
offer 'invite open approve' maloted --enrol ''
offer 'approve' maloted --enrol = a
offer '24h' malote-ca invite --expires 2
offer 'late' malote-ca list --state l
offer 'name expiry seen' malote-ca list --sort ''
offer 'key-compromise' malote-ca revoke --reason k
offer '24h' maloted --cert-life 2
offer 'root' maloted --user-ca roo
# files and directories
offer 'data dir' malote --home dat
offer 'class.txt' malote-ca invite --names cl
offer 'class.txt' maloted --config cla
offer 'class.txt' malote-ca crl --out cl
offer 'class.txt' malote-ca restore cl
offer 'class.txt' malote-ca export --export-passphrase-file cl
# nothing where nothing is known
offer '' malote join ''
offer '--json' malote audit --
offer 'list drop' malote outbox ''
offer '' malote outbox list ''
offer '' malote --home "$T/none" send ''
offer '' malote send -- -
offer '' maloted ''
offer '' maloted --listen ''
offer '' malote fly away ''
offer '' malote 'send$(touch intruder)' ''
[ ! -e intruder ] || fail "a word on the line was executed"

# names, once there are some
start_server
join maria joao
listen joao --count 2
send maria joao one
offer 'joao' malote --home "$T/home-maria" send ''
offer 'joao' malote --home = "$T/home-maria" chat j
offer 'joao' malote --home "$T/home-maria" history ''
offer '' malote --home "$T/home-maria" chat x
offer '' malote --home "$T/home-maria" send joao ''
MALOTE_HOME=$T/home-maria offer 'joao' malote send jo
HOME=$T offer 'joao' malote --home '~/home-maria' send ''

# a protected key: no names, no question on the terminal, and malote itself gives up at once
timeout 60 malote --home "$T/home-ines" --passphrase-file "$T/pass" join "$(invite ines)" \
    --name ines --protect >"$T/join" 2>&1 </dev/null ||
    { cat "$T/join"; fail "ines could not join"; }
mkdir "$T/watched"
cat >"$T/watched/malote" <<CODE
#!/bin/sh
'$BIN/malote' "\$@"
echo \$? >'$T/status'
CODE
chmod +x "$T/watched/malote"
cat >"$T/ask.sh" <<CODE
PATH='$T/watched':\$PATH
. '$ROOT/packaging/completion/malote.bash'
COMP_WORDS=(malote --home '$T/home-ines' send '') COMP_CWORD=4
_malote_complete malote
echo "offered [\${COMPREPLY[*]-}]"
CODE
timeout 40 pty_run --timeout 20 -- bash "$T/ask.sh" >"$T/tty" || fail "status $? on a terminal"
is "$(tr -d '\r' <"$T/tty")" 'offered []'
is "$(cat "$T/status" 2>/dev/null || echo 'killed')" 2

# a malote that hangs
mkdir "$T/slow"
printf '#!/bin/sh\nexec sleep 600\n' >"$T/slow/malote"
chmod +x "$T/slow/malote"
PATH=$T/slow:$PATH offer '' malote send ''
