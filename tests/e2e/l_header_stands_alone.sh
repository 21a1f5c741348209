#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# <malote/client.h> needs no other header, in strict C99 and in C++, and its initialisers warn in
# neither.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

cat >"$T/use.c" <<'CODE'
#include <malote/client.h>
#include <malote/client.h>

int use(struct mlt_client *client);
int use(struct mlt_client *client)
{
    struct mlt_membership join = MLT_MEMBERSHIP_INIT;
    struct mlt_connection how = MLT_CONNECTION_INIT;
    struct mlt_contact contact = MLT_CONTACT_INIT;
    const struct mlt_event *event = NULL;
    bool found = false;
    join.key_bits = 3072;
    how.kind = MLT_KIND_SEND;
    if (mlt_join(client, &join, NULL, 0) != MLT_ERROR_NONE ||
        mlt_connect(client, &how) != MLT_ERROR_NONE ||
        mlt_next_contact(client, NULL, &contact, &found) != MLT_ERROR_NONE ||
        mlt_next_event(client, &event) != MLT_ERROR_NONE)
        return 1;
    return event != NULL && mlt_event_kind(event) == MLT_EVENT_MESSAGE;
}
CODE
cp "$T/use.c" "$T/use.cc"
strict=(-Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror -fsyntax-only -I"$ROOT/include")
expect 0 gcc -std=c99 "${strict[@]}" -Wstrict-prototypes -Wc++-compat "$T/use.c"
expect 0 clang -std=c99 "${strict[@]}" -Wstrict-prototypes "$T/use.c"
expect 0 clang -std=c2x "${strict[@]}" "$T/use.c"
expect 0 clang++ -std=c++11 "${strict[@]}" "$T/use.cc"
expect 0 clang++ -std=c++20 "${strict[@]}" "$T/use.cc"
if command -v g++ >"$T/gxx"; then
    expect 0 g++ -std=c++11 "${strict[@]}" "$T/use.cc"
fi

# What a host must not leave unread is said to it.
sed 's/    if (mlt_join/    mlt_look(client);\n&/' "$T/use.c" >"$T/careless.c"
expect 1 gcc -std=c99 -Werror -I"$ROOT/include" -c -o "$T/careless.o" "$T/careless.c"
has "$T/err" warn_unused_result
