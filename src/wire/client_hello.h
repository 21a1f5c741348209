/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_CLIENT_HELLO_H
#define MALOTE_WIRE_CLIENT_HELLO_H

#include "wire/typed_list.h"

/* Body: random[32], vec16 Yc (exactly as long as the group's prime), typed list. */

#define CLIENT_HELLO_RANDOM 32

struct client_hello {
    uint8_t random[CLIENT_HELLO_RANDOM];
    struct span dh_public; /* borrowed */
    struct typed_list list;
};

/* `dh_size` is the length of the prime the server offered. */
MUST_CHECK enum mlt_err client_hello_decode(struct span src, size_t dh_size,
                                            struct client_hello *hello);
MUST_CHECK enum mlt_err client_hello_encode(const struct client_hello *hello, struct buf *out);

#endif
