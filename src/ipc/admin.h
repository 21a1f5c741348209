/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_IPC_ADMIN_H
#define MALOTE_IPC_ADMIN_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "pki/profile.h"
#include "wire/name.h"

/*
 * What malote-ca asks of the ca process over ca.sock (or of the same code, in its own process,
 * while maloted does not run): one ADMIN_REQUEST, any number of ADMIN_ROW, one ADMIN_END.
 */

enum admin_verb {
    ADMIN_INVITE = 1,
    ADMIN_PENDING,
    ADMIN_APPROVE,
    ADMIN_REFUSE,
    ADMIN_LIST,
    ADMIN_SHOW,
    ADMIN_REISSUE,
    ADMIN_ERASE
};

struct admin_request {
    enum admin_verb verb;
    bool has_name;
    struct name name;
    uint8_t fingerprint[HASH_LEN]; /* APPROVE */
    uint32_t count;                /* INVITE */
    int64_t expires_s;             /* INVITE, REISSUE: from now */
};

/* A row: one of these, by verb. */
enum admin_row_kind { ADMIN_ROW_URL = 1, ADMIN_ROW_PENDING, ADMIN_ROW_CERT };

enum cert_state { CERT_STATE_VALID = 1, CERT_STATE_EXPIRED, CERT_STATE_REVOKED };

struct admin_row {
    enum admin_row_kind kind;
    struct name name;              /* "" on an invite not bound to a name */
    uint8_t fingerprint[HASH_LEN]; /* PENDING, CERT: of the public key */
    int64_t at_s;                  /* PENDING: asked; CERT: issued; URL: expires */
    struct span url;               /* URL */
    enum cert_role role;           /* CERT */
    enum cert_state state;         /* CERT */
    uint8_t serial[CERT_SERIAL];   /* CERT */
    int64_t not_after_s;           /* CERT */
    uint64_t ledger_index;         /* CERT */
    struct span certificate;       /* CERT, SHOW only: DER */
};

struct admin_end {
    enum mlt_err err;
    struct span text; /* when err: one line, what failed and what to do */
};

MUST_CHECK enum mlt_err admin_request_encode(const struct admin_request *r, struct buf *out);
MUST_CHECK enum mlt_err admin_request_decode(struct span src, struct admin_request *r);
MUST_CHECK enum mlt_err admin_row_encode(const struct admin_row *r, struct buf *out);
MUST_CHECK enum mlt_err admin_row_decode(struct span src, struct admin_row *r);
MUST_CHECK enum mlt_err admin_end_encode(const struct admin_end *e, struct buf *out);
MUST_CHECK enum mlt_err admin_end_decode(struct span src, struct admin_end *e);

#endif
