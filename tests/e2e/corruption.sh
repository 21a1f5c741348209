# SPDX-License-Identifier: Apache-2.0
# For scripts that send one message many times, each through a proxy of its own that does one
# thing to one frame.  Sourced after lib.sh, with the server up, maria joined and joao listening.
# A seed chooses the positions: SEED=N repeats a run.

SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((SEED % 32768))
echo "seed $SEED"
NET=$(child_of "$SERVER" net)
BATCH=24 # at once: those that wait for a deadline wait together
FIRST=1000 # every message has the same length
TRIES=$FIRST
PENDING=()

below() { # N: a number from 0 to N-1
    echo $(((RANDOM * 32768 + RANDOM) % $1))
}

descriptors() {
    find "/proc/$NET/fd" -mindepth 1 | wc -l
}

# record_wire: what one honest message looks like, in $T/wire.0.* and $T/wire.frames.
record_wire() {
    proxy --record "$T/wire"
    rehome maria via "$PROXY"
    as via send joao "attempt $TRIES" </dev/null
    kill "$PROXY_PID"
    wait_for 5 gone "$PROXY_PID"
}

# size_of DIRECTION FRAME: header included; of the recorded message
size_of() {
    awk -v d="$1" -v f="$2" '$1 == 0 && $2 == d && $3 == f { print $5 + 4 }' "$T/wire.frames"
}

# piece_of DIRECTION FRAME: a file that holds this recorded frame
piece_of() {
    local at
    at=$(awk -v d="$1" -v f="$2" '$1 == 0 && $2 == d && $3 == f { print $6 }' "$T/wire.frames")
    # An attempt in the background may be reading it: it is written once.
    [ -e "$T/piece.$1.$2" ] ||
        tail -c "+$((at + 1))" "$T/wire.0.$1" | head -c "$(size_of "$1" "$2")" >"$T/piece.$1.$2"
    echo "$T/piece.$1.$2"
}

# attempt CODES DELIVERIES OPTION...: sends through wire_proxy OPTION...; CODES are the exit codes
# that are right ("4", "4|5"), DELIVERIES how often the message may have arrived ("0", "1").
attempt() {
    TRIES=$((TRIES + 1))
    attempt_in_background "$TRIES" "$@" &
    PENDING+=("$!")
    [ "${#PENDING[@]}" -lt "$BATCH" ] || settle
}

attempt_in_background() {
    local n=$1 codes=$2 deliveries=$3 status=0
    shift 3
    trap - EXIT
    : >"$T/proxy.$n.out"
    wire_proxy --to "127.0.0.1:$PORT" "$@" >"$T/proxy.$n.out" 2>>"$T/proxy.log" </dev/null &
    local proxy_pid=$!
    wait_for 10 grep -q listening "$T/proxy.$n.out"
    rehome maria "try$n" "$(sed -n 's/^listening on //p' "$T/proxy.$n.out")"
    timeout -k 5 60 malote --home "$T/home-try$n" send joao "attempt $n" \
        >"$T/try.$n.out" 2>"$T/try.$n.err" </dev/null || status=$?
    kill "$proxy_pid" 2>/dev/null || true
    wait "$proxy_pid" 2>/dev/null || true
    echo "$status $codes $deliveries $*" >"$T/try.$n.result"
    rm -rf "$T/home-try$n"
}

# Waits for all attempts and judges them.
settle() {
    local pid
    for pid in "${PENDING[@]}"; do
        wait "$pid" || fail "an attempt did not end as it should"
    done
    PENDING=()
}

judge() { # N
    local status codes deliveries what heard
    read -r status codes deliveries what <"$T/try.$1.result"
    [[ "|$codes|" == *"|$status|"* ]] ||
        fail "$what: exit $status instead of $codes: $(cat "$T/try.$1.err")"
    [ "$status" -eq 0 ] || one_line "$T/try.$1.err"
    heard=$(grep -cF "\"text\":\"attempt $1\"" "$T/heard-joao" || true)
    [ "$heard" -le "$deliveries" ] || fail "$what: delivered $heard times"
    [ "$status" -ne 0 ] || is "$what: $heard" "$what: $deliveries"
}

has_descriptors() {
    [ "$(descriptors)" -le "$1" ]
}

# unharmed BASELINE: every attempt ended as it should, the same net process still serves, and
# holds no more descriptors than before.
unharmed() {
    local n
    settle
    for n in $(seq "$((FIRST + 1))" "$TRIES"); do
        judge "$n"
    done
    wait_for 15 has_descriptors "$1"
    is "$(child_of "$SERVER" net)" "$NET"
    serves
    echo "$((TRIES - FIRST)) attempts"
}
