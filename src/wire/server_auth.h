/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_SERVER_AUTH_H
#define MALOTE_WIRE_SERVER_AUTH_H

#include "wire/typed_list.h"

/*
 * ServerAuth.  Body of the frame: vec16 Ys, then the seal of this plaintext:
 *   vec16 CA certificate, vec16 server certificate, typed list
 *   -- the signature covers all before this line --
 *   vec16 signature -- Finished covers all before this line -- finished[32]
 * PROTOCOL.md 4.3
 */

#define SERVER_AUTH_FINISHED 32

/* The body of the frame, apart; everything borrowed. */
struct server_auth_frame {
    struct span dh_field;  /* Ys with its length: in the clear, covered by transcript and MAC */
    struct span dh_public; /* its content */
    struct span sealed;
};

MUST_CHECK enum mlt_err server_auth_frame_decode(struct span body, size_t dh_size,
                                                 struct server_auth_frame *frame);

struct server_auth {
    struct span ca_certificate; /* borrowed, like every span here */
    struct span certificate;
    struct typed_list list;
};

/* The signed body alone: from a cursor, which remembers its error; and appended. */
void server_auth_get_body(struct wire_in *in, struct server_auth *a);
MUST_CHECK enum mlt_err server_auth_encode_body(const struct server_auth *a, struct buf *out);

struct server_auth_parts {
    struct span body;            /* what is signed */
    struct span signature;       /* its content */
    struct span signature_field; /* with its length: what Finished covers beyond the body */
    struct span finished;        /* SERVER_AUTH_FINISHED bytes */
};

/* The whole plaintext apart. */
MUST_CHECK enum mlt_err server_auth_split(struct span plaintext, struct server_auth *a,
                                          struct server_auth_parts *parts);

/* Appends the whole plaintext; signature_field is made from the signature. */
MUST_CHECK enum mlt_err server_auth_join(const struct server_auth_parts *parts, struct buf *out);

#endif
