#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run demo: two people, a server, and somebody on the wire between them.  Everything shown is
# also checked; what does not hold ends the demo with status 1.  Leaves nothing behind.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
BIN=$PWD/build/bin
PROXY=$PWD/build/gcc/tests/support/wire_proxy
unset MALOTE_HOME CREDENTIALS_DIRECTORY
export LC_ALL=C.UTF-8

T=$(mktemp -d "${TMPDIR:-/tmp}/malote-demo.XXXXXX")
STARTED=()

cleanup() {
    local status=$? pid
    trap - EXIT INT TERM
    for pid in "${STARTED[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    for pid in "${STARTED[@]}"; do
        for _ in $(seq 60); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$T"/*.log >&2 || true
    fi
    rm -rf "$T"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- how it looks ----

STEP=0
step() {
    STEP=$((STEP + 1))
    printf '\n%2d  %s\n' "$STEP" "$1"
}

note() {
    printf '    %s\n' "$@"
}

# Set apart; long lines are folded, or cut where only their beginning matters.
screen() {
    fold -s -w 74 | sed 's/ *$//; s/^/    | /'
}

cut_screen() {
    cut -c 1-74 | screen
}

failed() {
    printf '\n    FAILED: %s\n' "$1" >&2
    exit 1
}

wait_for() { # SECONDS COMMAND...
    local tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || failed "waited in vain for: $*"
        sleep 0.05
    done
}

run_as() { # NAME ARGUMENT...: malote from that person's own directory
    local name=$1
    shift
    timeout 30 "$BIN/malote" --home "$T/$name" "$@" </dev/null
}

listen_as() { # NAME [COUNT]: in the background, for one message or COUNT
    : >"$T/$1.log"
    "$BIN/malote" --home "$T/$1" listen --count "${2:-1}" --timeout 30 >"$T/$1.heard" 2>"$T/$1.log" </dev/null &
    LISTENER=$!
    STARTED+=("$LISTENER")
    wait_for 10 grep -q listening "$T/$1.log"
}

hex_of() { # FILE
    od -An -v -tx1 "$1" | tr -d ' \n'
}

# ---- what happens ----

start_server() {
    step "A server with its own certificate authority starts"
    : >"$T/server.out"
    (umask 077 && head -c 18 /dev/urandom | base64 >"$T/passphrase")
    "$BIN/maloted" --data "$T/server" --listen 127.0.0.1:0 --advertise 127.0.0.1 \
        --passphrase-file "$T/passphrase" >"$T/server.out" 2>"$T/server.log" </dev/null &
    STARTED+=($!)
    wait_for 20 grep -q '^malote://' "$T/server.out"
    ADDRESS=$(sed -n 's/^listening on //p' "$T/server.out")
    URL=$(grep '^malote://' "$T/server.out")
    note "maloted listens on $ADDRESS. Its first run made a keystore (under a passphrase" \
        "drawn at random for this demo), a CA, and a join URL for the first user:"
    sed -E 's|(malote://[^/]*/.{16}).*/(.{8}).*|\1.../\2...|' <<<"$URL" | screen
}

start_eavesdropper() {
    : >"$T/proxy.out"
    "$PROXY" --to "$ADDRESS" --record "$T/wire" --flip up:2:30 --while "$T/flip" \
        >"$T/proxy.out" 2>"$T/proxy.log" </dev/null &
    STARTED+=($!)
    wait_for 5 grep -q listening "$T/proxy.out"
    WIRE=127.0.0.1:$(sed -n 's/^listening on //p' "$T/proxy.out")
}

join_both() {
    step "maria and joao join"
    start_eavesdropper
    # maria's way to the server leads past somebody who writes everything down.
    run_as maria join "$(sed -E "s|//[^/]*/|//$WIRE/|" <<<"$URL")" --name maria >"$T/join.log" 2>&1 ||
        failed "maria could not join: $(cat "$T/join.log")"
    timeout 30 "$BIN/malote-ca" --data "$T/server" invite joao >"$T/invite" </dev/null
    run_as joao join "$(grep '^malote://' "$T/invite")" --name joao >"$T/join.log" 2>&1 ||
        failed "joao could not join: $(cat "$T/join.log")"
    for name in maria joao; do
        grep -q 'PRIVATE KEY' "$T/$name/key" || failed "$name has no key"
    done
    note "Each made an RSA pair on their own side; only the public half went out, encrypted." \
        "maria reaches the server through somebody who writes down every byte."
}

exchange() {
    step "maria writes, joao reads, joao answers"
    TEXT="Meet me at the old bridge at nine. Bring the blue folder."
    listen_as joao
    run_as maria send joao "$TEXT" >"$T/sent" 2>&1 || failed "maria: $(cat "$T/sent")"
    wait "$LISTENER" || failed "joao's listen ended with status $?"
    grep -qF "$TEXT" "$T/joao.heard" || failed "joao did not see it"
    printf "\$ malote send joao '%s'\n" "$TEXT" | screen
    screen <"$T/sent"
    printf '$ malote listen                                   (joao)\n' | screen
    screen <"$T/joao.heard"
    listen_as maria
    run_as joao send maria "I will be there." >"$T/sent" 2>&1 || failed "joao: $(cat "$T/sent")"
    wait "$LISTENER" || failed "maria's listen ended with status $?"
    grep -qF "I will be there." "$T/maria.heard" || failed "maria did not see the answer"
    printf '$ malote listen                                   (maria)\n' | screen
    screen <"$T/maria.heard"
}

show_certificate() {
    step "maria's certificate is plain X.509"
    local ca=$T/maria/ca.pem own=$T/maria/certificate.pem verdict
    printf '$ openssl x509 -text        (without the long numbers)\n' | screen
    openssl x509 -in "$own" -noout -text -certopt no_sigdump,no_header |
        grep -vE '^ {20}([0-9a-f]{2}:)*[0-9a-f]{2}:?$|Modulus:' | cut -c 9- | cut_screen
    verdict=$(openssl verify -x509_strict -CAfile "$ca" "$own" 2>&1) || failed "openssl: $verdict"
    [[ $verdict == *": OK" ]] || failed "openssl: $verdict"
    printf '$ openssl verify -x509_strict -CAfile ca.pem certificate.pem\n%s\n' \
        "${verdict/#$T\/maria\//}" | screen
}

show_keystore() {
    step "The server's private keys lie in chaves.txt, encrypted"
    local file=$T/server/ca/chaves.txt
    [ -s "$file" ] || failed "no keystore"
    ! grep -q 'PRIVATE' "$file" || failed "a key in clear"
    head -n 4 "$file" | cut_screen
    note "scrypt from the passphrase, AES-256-CTR, HMAC-SHA-256; each line vouches for the one before."
}

show_wire() {
    step "What the eavesdropper saw of maria's message"
    local connection number size offset needle file
    read -r connection number size offset <<<"$(awk '
        $2 == "up" && $4 == 16 && $5 > best { best = $5; line = $1 " " $3 " " $5 " " $6 }
        END { print line }' "$T/wire.frames")"
    [ -n "$offset" ] || failed "nothing was recorded"
    od -A d -t x1z -v -j "$offset" -N 112 "$T/wire.$connection.up" | head -n 7 |
        cut -d ' ' -f 2- | screen
    needle=$(printf %s "${TEXT:0:16}" >"$T/needle" && hex_of "$T/needle")
    for file in "$T"/wire.*.up "$T"/wire.*.down; do
        [[ $(hex_of "$file") != *"$needle"* ]] || failed "the text is readable on the wire"
        ! grep -qa 'maria\|joao' "$file" || failed "a name is readable on the wire"
    done
    note "Record $number of its connection, $size bytes. Neither the text nor either name is in anything" \
        "that went over the wire (searched: $(cat "$T"/wire.*.up "$T"/wire.*.down | wc -c) bytes)."
}

write_to_the_absent() {
    step "joao is away, maria writes all the same"
    local text="The bridge is closed. Come to the mill." file
    run_as maria send joao "$text" --json >"$T/sent" 2>&1 || failed "maria: $(cat "$T/sent")"
    grep -q '"state":"stored"' "$T/sent" || failed "not stored: $(cat "$T/sent")"
    printf "\$ malote send joao '%s' --json\n" "$text" | screen
    screen <"$T/sent"
    printf %s "${text:0:16}" >"$T/needle"
    while IFS= read -r file; do
        ! grep -qaFf "$T/needle" "$file" || failed "the text is readable in $file"
    done < <(find "$T/server" -type f)
    run_as joao listen --count 1 --timeout 30 >"$T/joao.heard" 2>"$T/joao.log" ||
        failed "joao: $(cat "$T/joao.log")"
    grep -qF "$text" "$T/joao.heard" || failed "joao did not get it"
    printf '$ malote listen                                   (joao, later)\n' | screen
    screen <"$T/joao.heard"
    note "The server had it on its disk, encrypted, before it said so; joao's login opened it."
}

flip_one_bit() {
    step "Somebody flips one bit of a message in transit"
    local status=0 other="Bring the blue folder."
    listen_as joao 2
    touch "$T/flip"
    run_as maria send joao "$other" >"$T/sent" 2>&1 || status=$?
    rm "$T/flip"
    [ "$status" -eq 5 ] || failed "maria was told something else: exit $status: $(cat "$T/sent")"
    printf "\$ malote send joao '%s'        (exit %d)\n" "$other" "$status" | screen
    screen <"$T/sent"
    [ ! -s "$T/joao.heard" ] || failed "joao saw it"
    run_as maria send joao "And the key." >"$T/sent" 2>&1 ||
        failed "the next message did not get through: $(cat "$T/sent")"
    wait "$LISTENER" || failed "joao's listen ended with status $?"
    [ "$(grep -cF "$other" "$T/joao.heard")" -eq 1 ] || failed "joao does not have it once"
    tail -n 1 "$T/joao.heard" | grep -qF "And the key." || failed "joao did not see the next one"
    note "Refused before it was decrypted; joao got nothing of it. It stayed in maria's outbox, and" \
        "went again, untouched, before the next one:"
    screen <"$T/joao.heard"
}

start_server
join_both
exchange
show_certificate
show_keystore
show_wire
write_to_the_absent
flip_one_bit

cat <<'TEXT'

All of it held. The same by hand, in two terminals:

    build/bin/maloted --data /tmp/try                     (asks for a passphrase, prints a join URL)
    build/bin/malote --home /tmp/maria join URL --name maria
    build/bin/malote --home /tmp/maria chat maria         (talks to herself; malote-ca invites more)

TEXT
