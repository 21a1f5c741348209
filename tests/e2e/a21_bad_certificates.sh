#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attack rows 21 and 22: some hundred certificates that are wrong in one thing each, most of them
# signed by the real CA's key, shown to the server by a client that holds their key; and a hostile
# server's to the client, which refuses before it shows its name.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
as maria join "$URL" --name maria </dev/null
cp -r "$D/ca" "$T/ca"
[ "$(id -u)" -ne 0 ] || chown -R 0:0 "$T/ca"

timeout 100 forge client "127.0.0.1:$PORT" "$T/ca" "$T/pass" >"$T/verdicts"
[ "$(wc -l <"$T/verdicts")" -gt 60 ] || fail "too few: $(cat "$T/verdicts")"
while read -r kind verdict; do
    case $kind in
    good) [[ $verdict == "logged in" ]] || fail "a good certificate: $verdict" ;;
    # Of before this CA, and not in its ledger: it may ask to be renewed, and is not.
    expired) [[ $verdict == "renewal refused:"* ]] || fail "$kind: $verdict" ;;
    not_yet_valid) [[ $verdict == refused:*"not valid yet"* ]] || fail "$kind: $verdict" ;;
    *) [[ $verdict == alert:* ]] || fail "$kind: $verdict" ;;
    esac
done <"$T/verdicts"

for kind in good of_a_client expired not_yet_valid ca_bit no_eku unknown_critical twin_ca sha1; do
    : >"$T/forge.out"
    forge server "$kind" >"$T/forge.out" 2>"$T/forge.log" &
    STARTED+=($!)
    wait_for 20 grep -q listening "$T/forge.out"
    read -r _ _ port pin <"$T/forge.out"
    status=0
    timeout 30 malote --home "$T/home-$kind" join \
        "malote://127.0.0.1:$port/$pin/$(printf '0%.0s' $(seq 48))" --name visitor \
        >"$T/out" 2>"$T/err" </dev/null || status=$?
    wait_for 10 grep -q '^client: ' "$T/forge.out"
    if [ "$kind" = good ]; then
        has "$T/forge.out" "client: accepted"
        continue
    fi
    is "$kind $status" "$kind 4"
    one_line "$T/err"
    has "$T/forge.out" "client: alert"
done
serves
