/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_RECEIPT_H
#define MALOTE_WIRE_RECEIPT_H

#include "base/buf.h"
#include "wire/envelope.h"

/* Recipient to server: "I have this one, fsynced."  RECEIPT: sender address, id[16]. */

struct receipt {
    struct address sender;
    uint8_t id[ENVELOPE_ID];
};

MUST_CHECK enum mlt_err receipt_encode(const struct receipt *r, struct buf *out);
MUST_CHECK enum mlt_err receipt_decode(struct span src, struct receipt *r);

#endif
