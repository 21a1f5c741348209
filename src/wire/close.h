/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_CLOSE_H
#define MALOTE_WIRE_CLOSE_H

#include "base/buf.h"

/* The authenticated end of a session.  CLOSE: reason u8.  Without it an end is a truncation. */

enum close_reason {
    CLOSE_DONE = 1, /* nothing more to say */
    CLOSE_REPLACED, /* a newer receive login of the same identity */
    CLOSE_REVOKED,  /* the certificate was revoked */
    CLOSE_EXPIRED,  /* the certificate expired */
    CLOSE_SHUTDOWN, /* the server stops */
    CLOSE_SILENT,   /* no ping in time */
    CLOSE_SLOW,     /* too much was waiting to be read */
    CLOSE_AGAIN     /* log in anew: stored mail waits, and this login can no longer open it */
};

MUST_CHECK enum mlt_err close_encode(enum close_reason reason, struct buf *out);
MUST_CHECK enum mlt_err close_decode(struct span src, enum close_reason *reason);

/* For people; static storage. */
const char *close_reason_text(enum close_reason reason);

#endif
