# SPDX-License-Identifier: Apache-2.0
# Completion of malote, malote-ca and maloted for bash.  It asks nobody for a passphrase, waits for
# nothing longer than two seconds, and says nothing.

# The words of a command line, put together again where readline split --option=value.
_malote_words() { # cursor: sets words, cword, cur
    local i word
    words=() cword=0
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]-}
        if [[ $word == = && ${words[-1]-} == --* ]]; then
            [[ $i -ne $COMP_CWORD ]] || words+=("")
            continue
        fi
        words+=("$word")
    done
    cword=$((${#words[@]} - 1))
    cur=${words[cword]}
}

_malote_offer() { # WORD...
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur")
}

_malote_paths() { # -f or -d
    mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
    compopt -o filenames 2>/dev/null || true
}

# In a session without a terminal, so that a protected key is not asked about on this one.
_malote_contacts() { # [DIR]
    local which=()
    [[ -z ${1-} ]] || which=(--home "${1/#\~\//$HOME/}")
    {
        timeout -s KILL 2 setsid -w malote "${which[@]}" contacts </dev/null |
            sed -n 's/^\([a-z0-9][a-z0-9._-]*\) .*/\1/p'
    } 2>/dev/null
}

# What may follow an option that takes a value; false for one that takes none.
_malote_value() { # PROGRAM OPTION
    case $1:$2 in
    *:--*passphrase-file | *:--config | *:--names | *:--out) _malote_paths -f ;;
    *:--home | *:--data) _malote_paths -d ;;
    malote:--bits | maloted:--ca-bits) _malote_offer 2048 3072 4096 ;;
    malote:--min-group | maloted:--group) _malote_offer ffdhe2048 ffdhe3072 ffdhe4096 ;;
    malote:--wait) _malote_offer stored delivered read ;;
    malote:--timeout) _malote_offer 30s 5m 1h 24h ;;
    malote-ca:--state) _malote_offer valid late grace expired revoked waiting future closed ;;
    malote-ca:--sort) _malote_offer name expiry seen ;;
    malote-ca:--reason)
        _malote_offer unspecified key-compromise affiliation-changed superseded cessation
        ;;
    malote-ca:--expires) _malote_offer 30m 24h 7d 30d ;;
    maloted:--enrol) _malote_offer invite open approve ;;
    maloted:--user-net | maloted:--user-ca) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
    maloted:--kdf-cost | malote-ca:--kdf-cost) _malote_offer 131072 262144 524288 1048576 ;;
    *:--*passphrase-fd | malote:--name | malote:--count | malote-ca:--count) ;;
    maloted:--mailbox-messages) _malote_offer 0 10000 1000000 ;;
    maloted:--mailbox-bytes) _malote_offer 128M 1G 10G ;;
    maloted:--mailbox-share) _malote_offer 10 25 50 100 ;;
    maloted:--mailbox-life) _malote_offer 24h 7d 30d 90d ;;
    maloted:--cert-life) _malote_offer 24h 7d 30d 90d ;;
    maloted:--listen | maloted:--advertise | maloted:--realm) ;;
    *) return 1 ;;
    esac
}

# Walks what stands before the cursor: sets subcommand, operands (how many follow it) and home.
_malote_walk() { # PROGRAM
    local i word
    subcommand='' operands=0 home='' ended=''
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        if [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == --* ]]; then
            cur='' _malote_value "$1" "$word" || continue
            i=$((i + 1))
            [[ $word != --home ]] || home=${words[i]}
        elif [[ -z $subcommand ]]; then
            subcommand=$word
        else
            operands=$((operands + 1))
        fi
    done
    COMPREPLY=()
}

# The options that a program takes before its subcommand, and each subcommand after it.
_malote_options() { # PROGRAM [SUBCOMMAND]
    case $1:${2-} in
    malote:) echo --home --passphrase-fd --passphrase-file --accept-clock --help --version ;;
    malote:join) echo --name --bits --min-group --protect ;;
    malote:send) echo --wait --timeout --json ;;
    malote:listen) echo --json --count --timeout --tell-read ;;
    malote:outbox) echo --json --all ;;
    malote:history) echo --json --count ;;
    malote:status | malote:audit) echo --json ;;
    malote-ca:) echo --data --passphrase-fd --passphrase-file --json --help --version ;;
    malote-ca:invite) echo --count --names --expires --json ;;
    malote-ca:reissue) echo --expires --json ;;
    malote-ca:erase) echo --yes --json ;;
    malote-ca:invites | malote-ca:uninvite | malote-ca:pending | malote-ca:approve | \
        malote-ca:refuse) echo --json ;;
    malote-ca:show | malote-ca:renew | malote-ca:audit) echo --json ;;
    malote-ca:list) echo --state --sort --json ;;
    malote-ca:revoke) echo --reason --json ;;
    malote-ca:crl) echo --out --json ;;
    malote-ca:passwd) echo --rotate --new-passphrase-fd --new-passphrase-file --kdf-cost --json ;;
    malote-ca:backup) echo --verify --json ;;
    malote-ca:restore) echo --accept-loss --json ;;
    malote-ca:export) echo --export-passphrase-fd --export-passphrase-file --json ;;
    malote-ca:import) echo --export-passphrase-fd --export-passphrase-file --kdf-cost --json ;;
    maloted:) echo --data --config --listen --advertise --realm --enrol --passphrase-fd \
        --passphrase-file --user-net --user-ca --kdf-cost --ca-bits --group \
        --mailbox-messages --mailbox-bytes --mailbox-share --mailbox-life --cert-life --accept-clock --limits --check \
        --help --version ;;
    esac
}

_malote_operand() { # PROGRAM
    case $1:$subcommand in
    malote:) _malote_offer join send listen chat outbox history contacts status audit ;;
    malote:outbox) [[ $operands -gt 0 ]] || _malote_offer list drop ;;
    malote:send | malote:chat | malote:history)
        [[ $operands -gt 0 ]] || _malote_offer "$(_malote_contacts "$home")"
        ;;
    malote-ca:) _malote_offer invite invites uninvite pending approve refuse list show reissue \
        revoke renew crl audit passwd backup restore export import erase ;;
    malote-ca:backup | malote-ca:restore | malote-ca:export | malote-ca:import) _malote_paths -f ;;
    esac
}

_malote_complete() {
    local words cword cur subcommand operands home ended program=${1##*/}
    COMPREPLY=()
    _malote_words
    _malote_walk "$program"
    if [[ $cword -gt 1 && -z $ended && ${words[cword - 1]} == --* ]] &&
        _malote_value "$program" "${words[cword - 1]}"; then
        return
    fi
    if [[ -z $ended && $cur == -* ]]; then
        _malote_offer "$(_malote_options "$program" "$subcommand")"
    else
        _malote_operand "$program"
    fi
}

complete -F _malote_complete malote malote-ca maloted
