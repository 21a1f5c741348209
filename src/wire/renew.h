/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_RENEW_H
#define MALOTE_WIRE_RENEW_H

#include "base/buf.h"
#include "wire/welcome.h"

/*
 * A certificate renewed within the session.  RENEW: serial[16], vec16 signature.  RENEWED: result
 * u8, reason u8, retry after u32 (s), vec16 certificate.  PROTOCOL.md 11.5
 */

#define RENEW_SERIAL 16

struct renew {
    uint8_t serial[RENEW_SERIAL]; /* of the certificate that is to be replaced */
    struct span signature;        /* by its key; borrowed */
};

struct renewed {
    enum welcome_result result; /* ISSUED or REFUSED */
    enum refusal reason;        /* when REFUSED */
    uint32_t retry_after_s;     /* when BUSY */
    struct span certificate;    /* when ISSUED: DER; borrowed */
};

MUST_CHECK enum mlt_err renew_encode(const struct renew *r, struct buf *out);
MUST_CHECK enum mlt_err renew_decode(struct span src, struct renew *r);
MUST_CHECK enum mlt_err renewed_encode(const struct renewed *r, struct buf *out);
MUST_CHECK enum mlt_err renewed_decode(struct span src, struct renewed *r);

#endif
