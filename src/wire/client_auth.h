/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_CLIENT_AUTH_H
#define MALOTE_WIRE_CLIENT_AUTH_H

#include "wire/cursor.h"
#include "wire/invite.h"
#include "wire/name.h"

#define CLIENT_AUTH_FINISHED 32

/*
 * ClientAuth, the plaintext under its seal:
 *   kind u8; LOGIN: vec16 certificate | ENROL: vec8 name, vec16 PKCS#10,
 *     vec8 invite id (0 or 8 bytes), vec8 proof (0 or 32, both or neither); features u32
 *   -- the signature covers all before this line --
 *   vec16 signature -- Finished covers all before this line -- finished[32]
 *   zeros up to LIMIT_CLIENT_AUTH
 */

enum client_auth_kind {
    CLIENT_AUTH_RECEIVE = 1, /* LOGIN that gets mail: one per identity, the newest wins */
    CLIENT_AUTH_SEND = 2,    /* LOGIN that only sends: any number */
    CLIENT_AUTH_ENROL = 3
};

struct client_auth {
    enum client_auth_kind kind;
    struct span certificate; /* LOGIN; borrowed, like every span here */
    struct name name;        /* ENROL: any well-formed name; reserved ones are policy's to refuse */
    struct span request;     /* ENROL: PKCS#10 DER */
    bool has_invite;
    uint8_t invite_id[INVITE_ID];
    uint8_t proof[INVITE_PROOF];
    uint32_t features;
};

/* The signed body alone: from a cursor, which remembers its error; and appended. */
void client_auth_get_body(struct wire_in *in, struct client_auth *a);
MUST_CHECK enum mlt_err client_auth_encode_body(const struct client_auth *a, struct buf *out);

/* The whole plaintext, exactly LIMIT_CLIENT_AUTH bytes, apart. */
struct client_auth_parts {
    struct span body;            /* what is signed */
    struct span signature;       /* its content */
    struct span signature_field; /* with its length: what Finished covers beyond the body */
    struct span finished;        /* 32 bytes */
};

MUST_CHECK enum mlt_err client_auth_split(struct span plaintext, struct client_auth *a,
                                          struct client_auth_parts *parts);

/* Appends the whole plaintext, padded; signature_field is made from the signature. */
MUST_CHECK enum mlt_err client_auth_join(const struct client_auth_parts *parts, struct buf *out);

#endif
