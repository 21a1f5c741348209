#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# reissue NAME: an invite bound to a name whose key was lost; the old key is refused from then on.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

start_server
join maria joao
url=$(ca reissue maria | grep '^malote://')
as maria2 join "$url" --name maria </dev/null
listen joao --count 1
as maria2 send joao "with the new key" </dev/null
wait_for 10 heard joao "with the new key"
expect 1 as maria send joao "with the old key"
one_line "$T/err"
# and a name never moves without it
expect 1 as thief join "$(ca invite | grep '^malote://')" --name joao
