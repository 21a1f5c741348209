#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack row 31: kill -9 at one syscall of an enrolment, a renewal, a revocation and the daily
# signing of the list, on the CA's own files.  What is there afterwards is what was there before or
# what was to be, never half of it: a reader of its own and the CA's audit find every file whole,
# every number where it was or one further, and nobody who was revoked is ever valid again.  And the
# same deed, done again, succeeds.  KILL_POINTS=all takes every syscall, a number that many of each
# deed (default 3); SEED repeats a choice.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

command -v strace >/dev/null || skip "no strace"
passphrase

deed() { # DAYS_AGO DEED [NAME]
    (cd "$D/ca" && timeout -k 5 60 ca_deed "$1" "$T/pass" "${@:2}") >"$T/deed.out" 2>"$T/deed.err"
}

must() { # DAYS_AGO DEED [NAME]
    deed "$@" || { cat "$T/deed.out" "$T/deed.err"; fail "$point: $*"; }
}

# What ledger.db says of it, one line: revoked certificates, certificates and the number of the list.
state() {
    python3 - "$D/ca/ledger.db" <<'CODE'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
one = lambda sql: db.execute(sql).fetchone()[0]
print(one("SELECT count(*) FROM revocation"), one("SELECT count(*) FROM certificate"),
      one("SELECT ifnull(max(number), 0) FROM crl"),
      one("SELECT count(*) FROM revocation JOIN certificate USING(serial) WHERE name = 'old'"),
      one("SELECT count(*) FROM member WHERE spki IS NULL"))
CODE
}

# Whoever looks, looks after a start, as it happens by itself; `old` was revoked long ago.
whole() {
    must 0 tend
    must 0 audit
    interop read_store "$D" "$T/pass" >"$T/store" || { cat "$T/store"; fail "$point: read_store"; }
    is "$(sed -n 's/^crl [0-9]*//p' "$T/store" | wc -w)" "$(state | cut -d ' ' -f 1)"
    is "$(state | cut -d ' ' -f 4)" 1
}

# before and after: `state` of either, but for the number of the list, which only rises.
without_number() {
    cut -d ' ' -f 1,2,4,5 <<<"$1"
}

fresh() {
    rm -rf "$D"
    cp -a "$T/origin" "$D"
}

# Every syscall from where the deed begins, as "NAME NTH".
points_of() { # TRACE
    sed -nE 's/^(write\(2, "deed\\n")/\n\1/; s/^([a-z0-9_]+)\(.*/\1/; p' "$1" |
        awk '/^$/ { begun = 1; next } /^[a-z0-9_]+$/ { ++seen[$1]; if (begun) print $1, seen[$1] }
             /^write\(2/ { ++seen["write"] }'
}

kill_at_each() { # DEED [NAME]
    local call nth before after now kills=0
    fresh
    before=$(state)
    (cd "$D/ca" && strace -o "$T/trace" ca_deed 0 "$T/pass" "$@") >"$T/deed.out" 2>&1 ||
        { cat "$T/deed.out"; fail "$1 untouched"; }
    point="$1, not killed"
    whole
    after=$(state)
    [ "$before" != "$after" ] || fail "$1 changes nothing"
    points_of "$T/trace" >"$T/all"
    [ "$(wc -l <"$T/all")" -gt 30 ] || fail "only $(wc -l <"$T/all") syscalls of $1"
    local most=${KILL_POINTS:-3}
    [ "$most" != all ] || most=$(wc -l <"$T/all")
    shuf -n "$most" --random-source=<(yes "$SEED") "$T/all" >"$T/points"
    while read -r call nth; do
        point="$1, killed at $call $nth"
        fresh
        (cd "$D/ca" && strace -o "$T/trace" -e "inject=$call:signal=KILL:when=$nth" \
            ca_deed 0 "$T/pass" "$@" || true) >/dev/null 2>&1 </dev/null
        grep -q 'killed by SIGKILL' "$T/trace" || continue
        kills=$((kills + 1))
        whole
        now=$(state)
        [ "$(without_number "$now")" = "$(without_number "$before")" ] ||
            [ "$(without_number "$now")" = "$(without_number "$after")" ] ||
            fail "$point: $now is neither $before nor $after"
        [ "$(cut -d ' ' -f 3 <<<"$now")" -ge "$(cut -d ' ' -f 3 <<<"$before")" ] ||
            fail "$point: the number went back"
        must 0 "$@"
        must 0 audit
        is "$(without_number "$(state)")" "$(without_number "$after")"
    done <"$T/points"
    [ "$kills" -gt 0 ] || fail "$1 was never killed"
    echo "$1: $kills kills survived, of $(wc -l <"$T/all") syscalls"
}

SEED=${SEED:-$RANDOM}
echo "seed $SEED"
point="the beginning"
mkdir -p "$D/ca"
chmod 700 "$D" "$D/ca"
must 40 open
must 40 enrol maria
must 40 enrol old
must 40 tend
must 40 revoke old
cp -a "$D" "$T/origin"

kill_at_each enrol joao
kill_at_each renew maria
kill_at_each revoke maria
kill_at_each tend
