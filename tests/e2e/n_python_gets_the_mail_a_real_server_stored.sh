#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A recipient of the second implementation and the real server's mailboxes: order from the mailbox
# into live mail, flow control, a receiver that is cut off, replaced, or silent; and what rests in
# mail.db opens with the keystore as section 9.3 says, for its recipient alone, also after a restart.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
for name in ana bia mallory; do
    is "$(interop peer join "$(invite "$name")" "$name" "$T/py-$name")" "issued 0"
done
for scenario in stores live_after_stored window cut_off spools replaced; do
    interop mail "$scenario" "$T/py-ana" "$T/py-bia" "$T/py-mallory" >"$T/out" 2>&1 ||
        fail "$scenario: $(tail -n 4 "$T/out")"
done

for n in $(seq 3); do
    [[ $(interop peer send "$T/py-ana" bia "before $n") == "stored 0 "* ]] || fail "before $n"
done
[[ $(interop peer send "$T/py-bia" mallory "aside") == "stored 0 "* ]] || fail "aside"
stop_server
start_server
[[ $(interop peer send "$T/py-ana" bia "after") == "stored 0 "* ]] || fail "after"
stop_server

hasnt "$D/net/mail.db" "before 1"
interop read_mail "$D" "$T/pass" >"$T/at-rest"
is "$(grep '^bia ' "$T/at-rest" | cut -d ' ' -f 3-)" "0 ana 1 before 1
1 ana 1 before 2
2 ana 1 before 3
0 ana 1 after"
is "$(grep '^bia ' "$T/at-rest" | cut -d ' ' -f 2 | uniq | wc -l)" 2 # segments
is "$(grep '^mallory ' "$T/at-rest" | cut -d ' ' -f 3-)" "0 bia 1 aside"
is "$(sed -n 's/^foreign: //p' "$T/at-rest")" 6 # three segments, two others each

start_server
interop peer listen "$T/py-bia" 4 >"$T/out"
is "$(grep -c '^ana 1 ' "$T/out")" 4
is "$(tail -n 1 "$T/out")" "ana 1 after"
serves
