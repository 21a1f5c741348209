#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./run refuses in one line what a verb does not take, and a build/ that is somebody else's.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

refused() { # ARGUMENT...
    expect 2 "$ROOT/run" "$@"
    one_line "$T/err"
    has "$T/err" "./run"
}
refused fly
for verb in build demo bench planted fmt; do
    refused "$verb" --fast
done
begun=$SECONDS
absent=nothing_is
refused test "${absent}_called_so"
refused test unit "e2e ${absent}_called_so"
[ $((SECONDS - begun)) -lt 20 ] || fail "it built before it refused"
refused vectors x
refused vectors --write x
refused install --fast
refused fault --most
refused fault --seed x
refused fault earthquake
refused soak --clients 1
refused soak --messages 0
refused soak --forever
refused sim 0
refused sim 1 x
refused sim 1 2 3
refused fuzz 0
refused fuzz 1 nowhere
refused fuzz 1 ../fuzz/fuzz_name
expect 0 "$ROOT/run"
for verb in build demo test install vectors bench fault planted soak sim "fuzz --merge" fmt; do
    has "$T/out" "./run $verb"
done

[ "$(id -u)" -eq 0 ] || exit 0
mkdir -p "$T/tree/build/gcc"
cp -r "$ROOT/run" "$ROOT/scripts" "$T/tree/"
chmod -R go=u,go-w "$T/tree"
chmod 711 "$T"
chown 65534:65534 "$T/tree" "$T/tree/build"
status=0
setpriv --reuid=65534 --regid=65534 --clear-groups "$T/tree/run" build >"$T/out" 2>"$T/err" \
    </dev/null || status=$?
is "$status" 2
is "$(cat "$T/err")" "./run: build/ belongs to another user; as root: rm -rf $T/tree/build"
