/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_REVOCATION_H
#define MALOTE_WIRE_REVOCATION_H

#include "base/buf.h"

/*
 * How a revocation reaches clients (PROTOCOL.md 11.4).  REVOKED, signed by the CA: what CRL number
 * n lists beyond number n - 1.  CRL_WANTED asks for what came since; CRL is a piece of the list.
 *
 * REVOKED:    number u64, this update u64 (s), next update u64 (s), vec16 serials, vec16 signature
 * CRL_WANTED: have u64
 * CRL:        number u64, offset u32, total u32, vec24 bytes
 */

#define REVOCATION_SERIAL 16

struct revocation {
    uint64_t number;       /* 1 to 2^63 - 1 */
    int64_t this_update_s; /* before next_update_s */
    int64_t next_update_s;
    struct span serials;   /* REVOCATION_SERIAL bytes each, LIMIT_REVOKED_AT_ONCE at most */
    struct span signature; /* pki/statement.h */
};

/* Appends what the signature covers: the record up to `signature`, which is not looked at. */
MUST_CHECK enum mlt_err revocation_put_signed(const struct revocation *r, struct buf *out);

MUST_CHECK enum mlt_err revocation_encode(const struct revocation *r, struct buf *out);
MUST_CHECK enum mlt_err revocation_decode(struct span src, struct revocation *r);

struct crl_wanted {
    uint64_t have; /* the number that is held; 0: none */
};

MUST_CHECK enum mlt_err crl_wanted_encode(const struct crl_wanted *w, struct buf *out);
MUST_CHECK enum mlt_err crl_wanted_decode(struct span src, struct crl_wanted *w);

struct crl_piece {
    uint64_t number; /* of the list these bytes are of */
    uint32_t offset; /* in its DER */
    uint32_t total;  /* bytes of it, LIMIT_CRL at most */
    struct span bytes;
};

MUST_CHECK enum mlt_err crl_piece_encode(const struct crl_piece *p, struct buf *out);
MUST_CHECK enum mlt_err crl_piece_decode(struct span src, struct crl_piece *p);

#endif
