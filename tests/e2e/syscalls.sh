# SPDX-License-Identifier: Apache-2.0
# What is killed at one syscall of its work, found with strace.  Sourced after lib.sh.

[ "$(id -u)" -eq 0 ] || skip "only root may trace a process that is not dumpable"
command -v strace >/dev/null || skip "no strace"

# trace_ca OPTION...: strace on the server's ca; TRACER is its pid, $T/trace what it writes.
trace_ca() {
    : >"$T/tracer.log"
    strace -o "$T/trace" -e trace=all "$@" -p "$(child_of "$SERVER" ca)" 2>"$T/tracer.log" &
    TRACER=$!
    STARTED+=("$TRACER")
    wait_for 5 grep -q attached "$T/tracer.log"
}

# kill_ca_at CALL NTH
kill_ca_at() {
    trace_ca -e "inject=$1:signal=KILL:when=$2"
}

was_killed() {
    grep -q 'killed by SIGKILL' "$T/trace"
}

ca_is_back() {
    ca list >/dev/null 2>&1
}

# choose_points LEAST: from what was traced, $T/points; at least so many have to be there.
choose_points() {
    local total
    wait "$TRACER" || true
    # strace counts the calls of each name: "pwrite64 3" is the third.
    sed -nE 's/^([a-z0-9_]+)\(.*/\1/p' "$T/trace" | awk '{ print $1, ++seen[$1] }' >"$T/all"
    total=$(wc -l <"$T/all")
    [ "$total" -gt "$1" ] || fail "only $total syscalls seen"
    SEED=${SEED:-$RANDOM}
    KILL_POINTS=${KILL_POINTS:-3}
    [ "$KILL_POINTS" != all ] || KILL_POINTS=$total
    echo "seed $SEED, of $total syscalls"
    shuf -n "$KILL_POINTS" --random-source=<(yes "$SEED") "$T/all" >"$T/points"
}

# choose_traced LEAST: the same of a program that was run under strace -f, each of its processes
# counted for itself, as strace's inject does.
choose_traced() {
    local total
    sed -nE 's/^([0-9]+) +([a-z0-9_]+)\(.*/\1 \2/p' "$T/trace" |
        awk '{ print $2, ++seen[$1, $2] }' | awk '!met[$0]++' >"$T/all"
    total=$(wc -l <"$T/all")
    [ "$total" -gt "$1" ] || fail "only $total syscalls seen"
    SEED=${SEED:-$RANDOM}
    local points=${KILL_POINTS:-3}
    [ "$points" != all ] || points=$total
    echo "seed $SEED, of $total syscalls"
    shuf -n "$points" --random-source=<(yes "$SEED") "$T/all" >"$T/points"
}
