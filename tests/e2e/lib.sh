# SPDX-License-Identifier: Apache-2.0
# What the end-to-end scripts share: the real binaries of build/$BUILD in a directory of their
# own.  A script sources this first; it runs with a time limit from outside (tests/run.sh), and
# everything it started is ended by pid when it leaves.
set -euo pipefail

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-gcc}
BIN=$ROOT/build/$BUILD/src/cmd
SUPPORT=$ROOT/build/$BUILD/tests/support
PATH=$BIN:$SUPPORT:$PATH
export LC_ALL=C.UTF-8
unset MALOTE_HOME CREDENTIALS_DIRECTORY
# A sanitizer's finding ends the program, so that its status tells.
# Who is not dumpable cannot be searched for leaks; the unit programs are.
export ASAN_OPTIONS=exitcode=95:abort_on_error=0:detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:exitcode=95

T=$(mktemp -d "${TMPDIR:-/tmp}/malote-e2e.XXXXXX")
export XDG_DATA_HOME=$T/xdg
STARTED=()

cleanup() {
    local status=$? pid
    trap - EXIT
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
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        tail -n 30 "$T"/*.log "$T"/heard-* 2>/dev/null || true
    fi
    # What a sanitizer said in a process whose status nobody saw.
    if grep -lE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$T"/*.log 2>/dev/null; then
        grep -hE -A 12 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$T"/*.log | head -n 40
        status=95
    fi
    rm -rf "$T"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM INT

fail() {
    echo "FAILED (line ${BASH_LINENO[0]}): $*"
    exit 1
}

# The reason is the script's last line; tests/run.sh prints it.
skip() {
    echo "skip: $*"
    exit 77
}

# small_disk SIZE: in $T/small, gone when the script leaves; at most one a script.
small_disk() {
    [ "$(id -u)" = 0 ] || skip "only root may mount a small disk"
    mkdir -p "$T/small"
    mount -t tmpfs -o "size=$1,mode=0700" malote "$T/small" 2>/dev/null || skip "no mount here"
    trap leave_small_disk EXIT
}
leave_small_disk() { # what is mounted goes first; the status of the script stays what it was
    local status=$?
    set +e
    umount -l "$T/small"
    (exit "$status")
    cleanup
}

# wait_for SECONDS COMMAND...: polls until it succeeds; twice as long, for other tests run beside.
wait_for() {
    local until=$((SECONDS + 2 * $1)) what="${*:2}"
    shift
    while ! "$@"; do
        [ "$SECONDS" -le "$until" ] || fail "waited in vain for: $what"
        sleep 0.05
    done
}

# What happens from here on happens in a later second than what is before.
next_second() {
    local second
    second=$(date +%s)
    later() { [ "$(date +%s)" -gt "$second" ]; }
    wait_for 3 later
}

# expect STATUS COMMAND...: a program, or a function below; output in $T/out and $T/err.
expect() {
    local want=$1 got=0
    shift
    if declare -F "$1" >/dev/null; then
        "$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
    else
        timeout -k 5 60 "$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
    fi
    if [ "$got" -ne "$want" ]; then
        cat "$T/out" "$T/err"
        fail "exit $got instead of $want: $*"
    fi
}

one_line() { # FILE
    [ "$(wc -l <"$1")" -eq 1 ] || { cat "$1"; fail "$1 is not one line"; }
}

has() { # FILE TEXT
    grep -qF -- "$2" "$1" || { cat "$1"; fail "'$2' is not in $1"; }
}

hasnt() { # FILE TEXT
    ! grep -qF -- "$2" "$1" || { cat "$1"; fail "'$2' is in $1"; }
}

is() { # GOT WANTED
    [ "$1" = "$2" ] || fail "got '$1' instead of '$2'"
}

# ---- the server ----

D=$T/data
LISTEN=127.0.0.1:0

passphrase() {
    [ -f "$T/pass" ] || (umask 077 && head -c 18 /dev/urandom | base64 >"$T/pass")
}

# launch_server OPTION...: starts maloted without waiting; SERVER is its pid.
launch_server() {
    passphrase
    rm -f "$T/server.out"
    : >"$T/server.out"
    maloted --data "$D" --listen "$LISTEN" --advertise "${ADVERTISE:-127.0.0.1}" --kdf-cost 1024 \
        --passphrase-file "$T/pass" "$@" \
        >"$T/server.out" 2>>"$T/server.log" </dev/null &
    SERVER=$!
    STARTED+=("$SERVER")
}

server_is_up() {
    grep -q '^listening on ' "$T/server.out" || { kill -0 "$SERVER" 2>/dev/null ||
        fail "maloted ended: $(tail -n 3 "$T/server.log")"; return 1; }
}

# start_server OPTION...: sets SERVER, ADDRESS, PORT and, on a first run, URL.
start_server() {
    launch_server "$@"
    wait_for 20 server_is_up
    ADDRESS=$(sed -n 's/^listening on //p' "$T/server.out" | head -n 1)
    PORT=${ADDRESS##*:}
    URL=$(grep '^malote://' "$T/server.out" || true)
    # Once started again it is where its clients look for it.
    LISTEN=${LISTEN%:*}:$PORT
}

stop_server() {
    kill -TERM "$SERVER"
    wait_for 10 gone "$SERVER"
    wait "$SERVER" || fail "maloted ended with status $?"
}

# Ended; whether somebody has read its status yet is no matter.
gone() { # PID
    local status
    ! kill -0 "$1" 2>/dev/null && return 0
    status=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    [[ ${status##*) } == Z* ]]
}

# The child of the server whose title is "maloted: net" or "maloted: ca".
child_of() { # PID ROLE
    local pid
    for pid in $(cat "/proc/$1/task/$1/children"); do
        if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "maloted: $2"; then
            echo "$pid"
            return 0
        fi
    done
    return 1
}

ca() { # malote-ca over ca.sock
    timeout -k 5 60 malote-ca --data "$D" "$@" </dev/null
}

offline() { # malote-ca on the files of a server that does not run
    timeout -k 5 60 malote-ca --data "$D" --passphrase-file "$T/pass" "$@" </dev/null
}

# Both ca and net keep what the CA signed last.
heads_agree() {
    python3 - "$D" <<'END'
import sqlite3, sys
data = sys.argv[1]
with sqlite3.connect(f"file:{data}/ca/ledger.db?mode=ro", uri=True) as db:
    (own,) = db.execute("SELECT value FROM meta WHERE key = 'head'").fetchone()
    (size,) = db.execute("SELECT count(*) FROM leaf").fetchone()
with open(f"{data}/net/head", "rb") as file:
    sys.exit(file.read() != own or int.from_bytes(own[17:25], "big") != size)
END
}

# ---- clients ----

as() { # NAME COMMAND...: malote from the home of NAME
    local name=$1
    shift
    timeout -k 5 60 malote --home "$T/home-$name" "$@"
}

invite() { # NAME [OPTION...]: an URL
    ca invite "$@" | grep '^malote://'
}

# An URL that leads to another port (a proxy) of this host.
url_via() { # URL PORT
    sed -E "s|^(malote://([^@/]*@)?).*:[0-9]+/|\1127.0.0.1:$2/|" <<<"$1"
}

join() { # NAME...
    local name
    for name in "$@"; do
        as "$name" join "$(invite "$name")" --name "$name" >"$T/join-$name.out" 2>&1 </dev/null ||
            { cat "$T/join-$name.out"; fail "$name could not join"; }
    done
}

# listen NAME OPTION...: in the background, JSON lines to $T/heard-NAME; LISTENER is its pid.
listen() {
    local name=$1
    shift
    : >"$T/heard-$name"
    : >"$T/listen-$name.log"
    malote --home "$T/home-$name" listen --json --timeout 90 "$@" \
        >"$T/heard-$name" 2>"$T/listen-$name.log" </dev/null &
    LISTENER=$!
    STARTED+=("$LISTENER")
    wait_for 15 is_listening "$name"
}

is_listening() { # NAME
    grep -q 'listening' "$T/listen-$name.log"
}

send() { # FROM TO TEXT
    as "$1" send "$2" "$3" </dev/null
}

heard() { # NAME TEXT
    grep -qF -- "\"text\":\"$2\"" "$T/heard-$1"
}

# serves: an honest newcomer joins, and a message gets through.  For the end of every attack.
HONEST=0
serves() {
    HONEST=$((HONEST + 1))
    local one=h${HONEST}a two=h${HONEST}b
    join "$one" "$two"
    listen "$two" --count 1
    send "$one" "$two" "still serving $HONEST" >"$T/serves.out" 2>&1 ||
        { cat "$T/serves.out"; fail "the server serves no honest client any more"; }
    wait_for 10 heard "$two" "still serving $HONEST"
    wait "$LISTENER" || fail "the listener ended with status $?"
}

# ---- people on the wire ----

# proxy OPTION...: PROXY is its port, PROXY_PID its pid; records below $T/wire.
proxy() {
    : >"$T/proxy.out"
    wire_proxy --to "127.0.0.1:$PORT" "$@" >"$T/proxy.out" 2>>"$T/proxy.log" </dev/null &
    PROXY_PID=$!
    STARTED+=("$PROXY_PID")
    wait_for 5 grep -q listening "$T/proxy.out"
    PROXY=$(sed -n 's/^listening on //p' "$T/proxy.out")
}

# A file of the server's, as one line of hex, to search for text in what was seen.
hex_of() {
    od -An -v -tx1 "$@" | tr -d ' \n'
}

# rehome FROM NAME PORT: the same identity in another home, whose way to the server is PORT.
rehome() {
    rm -rf "$T/home-$2"
    cp -r "$T/home-$1" "$T/home-$2"
    sed -i "s/^port .*/port $3/" "$T/home-$2/server"
}

# ---- the second implementation, tests/interop ----

# interop PROGRAM ARGUMENT...: Debian's Python, which has python3-cryptography.
interop() {
    PYTHONDONTWRITEBYTECODE=1 timeout -k 5 90 \
        /usr/bin/python3 "$ROOT/tests/interop/$1.py" "${@:2}" </dev/null
}

# interop_start OUT PROGRAM ARGUMENT...: in the background; INTEROP is its pid, OUT what it says.
interop_start() {
    local out=$1
    : >"$out"
    PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$ROOT/tests/interop/$2.py" "${@:3}" \
        >"$out" 2>>"$T/interop.log" </dev/null &
    INTEROP=$!
    STARTED+=("$INTEROP")
}

# An attacker and a victim, certified: $T/py-mallory and $T/py-victim.
two_strangers() {
    is "$(interop peer join "$(invite mallory)" mallory "$T/py-mallory")" "issued 0"
    is "$(interop peer join "$(invite victim)" victim "$T/py-victim")" "issued 0"
    remember
}

# Who is certified, and nothing that changes by itself: the rest of the list, who was seen when.
certified() {
    ca list --json | sed -n '/"type":"certificate"/{s/,"seen":"[^"]*"//;p;}'
}

# What unharmed compares with.
remember() {
    PROCESSES="$(child_of "$SERVER" net) $(child_of "$SERVER" ca)"
    certified >"$T/list-before"
}

# hostile_clients ROW CLASSES URL [MORE]: every variant is told alert protocol, and is logged once
# with one of CLASSES and never under the victim's name; those called honest are welcomed, and a
# wrong proof of an invite is refused by a Welcome.
hostile_clients() {
    local variant id said class
    interop attack_server "$1" "$3" "$T/py-mallory" "$T/py-victim" "${@:4}" >"$T/verdicts"
    [ "$(grep -vc '^honest' "$T/verdicts")" -ge 3 ] || fail "row $1: too few: $(cat "$T/verdicts")"
    while read -r variant id said; do
        case $variant in
        honest*)
            [[ $said == "welcome 1 0" || $said == "welcome 2 0" || $said == "outcome 3 1" ]] ||
                fail "$variant: $said"
            continue
            ;;
        esac
        wait_for 5 grep -q "connection $id " "$T/server.log"
        is "$variant: $(grep -c "connection $id " "$T/server.log")" "$variant: 1"
        class=$(sed -nE "s/.*connection $id .* name ([a-z.-]+) ended: MLT_ERR_([A-Z_]+):.*/\1 \2/p" \
            "$T/server.log")
        [[ $class != victim* ]] || fail "$variant became the victim: $class"
        [[ ${class#* } =~ ^($2)$ ]] || fail "$variant: logged as $class"
        case $said in
        "alert protocol (plain)" | "alert protocol (sealed)" | "alert of 33 bytes") ;;
        "welcome 4 3") [[ $variant == proof_* ]] || fail "$variant: $said" ;;
        *) fail "$variant: $said" ;;
        esac
    done <"$T/verdicts"
}

# hostile_servers ROW VICTIM [MORE]: every variant meets the real client of $T/home-maria, which
# refuses it; one called genuine_server shows that nothing else stood in its way.
hostile_servers() {
    local variant status
    interop_start "$T/evil" attack_client "$1" "127.0.0.1:$PORT" "${@:2}"
    wait_for 10 grep -q ^variants "$T/evil"
    rehome maria evil "$(sed -n 's/^listening on //p' "$T/evil")"
    for variant in $(sed -n 's/^variants: //p' "$T/evil"); do
        status=0
        as evil send victim "for the real server only" </dev/null >"$T/out" 2>"$T/err" || status=$?
        wait_for 10 grep -q "^verdict: $variant: " "$T/evil"
        one_line "$T/err"
        if [ "$variant" = genuine_server ]; then
            has "$T/evil" "verdict: $variant: in session"
            continue
        fi
        is "$variant $status" "$variant 4"
        grep -qE "^verdict: $variant: alert protocol \((plain|sealed)\)$" "$T/evil" ||
            fail "$(grep "^verdict: $variant:" "$T/evil")"
    done
    wait "$INTEROP" || fail "the hostile server ended with status $?"
}

# The same processes, the same certificates, and an honest newcomer is served.
unharmed() {
    is "$(child_of "$SERVER" net) $(child_of "$SERVER" ca)" "$PROCESSES"
    certified | grep -v '"newcomer"' | diff - "$T/list-before" ||
        fail "the list of users changed"
    serves
}

# ---- a clock of ours ----

# own_clock [wall]: what is started from here on sees a clock that is turn_clock's to set, the same
# one in all processes, also those that cannot open files elsewhere: it is linked where they work.
# With `wall` only the wall clock is, and time goes on as ever: a clock that was set.
own_clock() {
    local library program
    library=$(find /usr/lib -name libfaketimeMT.so.1 -print -quit)
    [ -n "$library" ] || skip "faketime is not here"
    CLOCK=0
    mkdir -p "$T/clocked" "$D/ca" "$D/net"
    chmod 700 "$D" "$D/ca" "$D/net"
    printf '+%09d' 0 >"$T/now"
    ln -f "$T/now" "$D/ca/now"
    ln -f "$T/now" "$D/net/now"
    for program in maloted malote malote-ca; do
        cat >"$T/clocked/$program" <<WRAPPER
#!/bin/sh
export LD_PRELOAD=$library FAKETIME_NO_CACHE=1 ${1:+FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1}
export FAKETIME_TIMESTAMP_FILE=$([ "$program" = maloted ] && echo now || echo "$T/now")
cd "$T"
exec $BIN/$program "\$@"
WRAPPER
        chmod 755 "$T/clocked/$program"
    done
    PATH=$T/clocked:$PATH
}

# turn_clock SECONDS: on, or back.
turn_clock() {
    CLOCK=$((CLOCK + $1))
    printf '%+010d' "$CLOCK" 1<>"$T/now"
}

# clock_says [FORMAT]: what they see now.
clock_says() {
    date -u -d "@$(($(date +%s) + CLOCK))" "${1:-+%Y-%m-%dT%H}"
}
