/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_SERVER_HELLO_H
#define MALOTE_WIRE_SERVER_HELLO_H

#include "wire/mailbox.h"
#include "wire/typed_list.h"

/*
 * Body: version u16, random[32], vec16 p, vec16 g, typed list.  The group travels in full;
 * whether it is one of RFC 7919 is crypto/dh's to say.  PROTOCOL.md 4.1
 */

#define WIRE_VERSION        0
#define SERVER_HELLO_RANDOM 32

/* Entry of the typed list: ca's nonce, opaque to all but ca.  The client's signature covers it, and
 * so proves to ca that it logged in now: PROTOCOL.md 9.4. */
#define SERVER_HELLO_MAILBOX_NONCE 1

struct server_hello {
    uint8_t random[SERVER_HELLO_RANDOM];
    struct span p; /* borrowed, like every span here */
    struct span g;
    struct typed_list list;
};

/* MLT_ERR_VERSION, before anything else is looked at. */
MUST_CHECK enum mlt_err server_hello_decode(struct span src, struct server_hello *hello);
MUST_CHECK enum mlt_err server_hello_encode(const struct server_hello *hello, struct buf *out);

#endif
