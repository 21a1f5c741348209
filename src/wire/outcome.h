/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_OUTCOME_H
#define MALOTE_WIRE_OUTCOME_H

#include "base/buf.h"
#include "wire/envelope.h"

/* What became of a message: server to sender.  OUTCOME: id[16], state u8, reason u8. */

enum outcome_state {
    OUTCOME_STORED = 1, /* fsynced in the mailbox (reserved: no mailbox in this version) */
    OUTCOME_DELIVERED,  /* the recipient's client has it fsynced */
    OUTCOME_REFUSED,    /* reason says why; the recipient did not get it */
    OUTCOME_UNKNOWN     /* forwarded, but the recipient's session ended before it confirmed */
};

enum outcome_reason {
    OUTCOME_REASON_NONE = 0,
    OUTCOME_REASON_NO_SUCH_NAME,
    OUTCOME_REASON_AWAY,
    OUTCOME_REASON_BUSY,
    OUTCOME_REASON_DUPLICATE /* this id is already in flight from this sender */
};

struct outcome {
    uint8_t id[ENVELOPE_ID];
    enum outcome_state state;
    enum outcome_reason reason;
};

MUST_CHECK enum mlt_err outcome_encode(const struct outcome *o, struct buf *out);
MUST_CHECK enum mlt_err outcome_decode(struct span src, struct outcome *o);

/* For people; static storage. */
const char *outcome_text(const struct outcome *o);

#endif
