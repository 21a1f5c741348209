/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_RECEIPT_H
#define MALOTE_WIRE_RECEIPT_H

#include "base/buf.h"
#include "wire/outcome.h"

/*
 * Recipient to server: "I have this one, fsynced" (OUTCOME_DELIVERED), or "a person has seen it"
 * (OUTCOME_READ).  RECEIPT: sender address, id[16], state u8.  PROTOCOL.md 8.1
 */

struct receipt {
    struct address sender;
    uint8_t id[ENVELOPE_ID];
    enum outcome_state state;
};

MUST_CHECK enum mlt_err receipt_encode(const struct receipt *r, struct buf *out);
MUST_CHECK enum mlt_err receipt_decode(struct span src, struct receipt *r);

#endif
