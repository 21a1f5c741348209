#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --json: one object a line, of the form the manual gives.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
listen joao --count 1
as maria send joao 'quote " backslash \ tab	end' --json </dev/null >"$T/sent"
one_line "$T/sent"
grep -qE '^\{"type":"sent","to":"joao","id":"[0-9a-f]{32}","state":"delivered"\}$' "$T/sent" ||
    fail "not the line of the manual: $(cat "$T/sent")"
wait "$LISTENER"
one_line "$T/heard-joao"
id=$(sed 's/.*"id":"\([0-9a-f]*\)".*/\1/' "$T/sent")
has "$T/heard-joao" "\"id\":\"$id\""
has "$T/heard-joao" '"text":"quote \" backslash \\ tab\tend"'
for command in "list" "pending" "invites"; do
    ca "$command" --json >"$T/out"
    ! grep -vE '^\{.*\}$' "$T/out" || fail "$command --json"
done
has <(ca list --json) '"name":"maria"'
