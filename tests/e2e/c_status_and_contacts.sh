#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# status says who and where; contacts lists with whom there were messages.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server --realm example.org
join maria joao
as maria status </dev/null >"$T/out"
has "$T/out" maria
has "$T/out" example.org
has "$T/out" 127.0.0.1
listen joao --count 1
send maria joao hello
wait "$LISTENER"
has <(as maria contacts </dev/null) joao
has <(as joao contacts </dev/null) maria
