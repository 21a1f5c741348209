/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_OUTCOME_H
#define MALOTE_WIRE_OUTCOME_H

#include "base/buf.h"
#include "wire/envelope.h"

/*
 * What became of a message: server to sender, more than once if it was stored first.
 * OUTCOME: id[16], state u8, reason u8, kept u8.  NOTED answers one that is kept: id[16], state u8.
 * PROTOCOL.md 8.2
 */

enum outcome_state {
    OUTCOME_STORED = 1, /* fsynced in the mailbox: no need to send it again */
    OUTCOME_DELIVERED,  /* the recipient's client has it fsynced */
    OUTCOME_REFUSED,    /* reason says why; the recipient did not get it */
    OUTCOME_UNKNOWN,    /* neither stored (any more) nor confirmed: send it again */
    OUTCOME_EXPIRED,    /* it lay in the mailbox for too long, and is gone */
    OUTCOME_READ        /* a person has seen it, says the recipient's client */
};

enum outcome_reason {
    OUTCOME_REASON_NONE = 0,
    OUTCOME_REASON_NO_SUCH_NAME,
    OUTCOME_REASON_AWAY,
    OUTCOME_REASON_BUSY,
    OUTCOME_REASON_DUPLICATE, /* this id is already in flight from this session, or for another */
    OUTCOME_REASON_NO_ROOM,   /* the server cannot store now: its disk, or ca */
    OUTCOME_REASON_FULL,      /* the recipient's mailbox is */
    OUTCOME_REASON_SHARE,     /* this sender's share of that mailbox is */
    OUTCOME_REASON_ERASED     /* the administrator erased the mailbox it lay in */
};

struct outcome {
    uint8_t id[ENVELOPE_ID];
    enum outcome_state state;
    enum outcome_reason reason;
    bool kept; /* by the server, which says it again at every login until it is NOTED: never
                  STORED, of the refusals ERASED only */
};

MUST_CHECK enum mlt_err outcome_encode(const struct outcome *o, struct buf *out);
MUST_CHECK enum mlt_err outcome_decode(struct span src, struct outcome *o);

/* NOTED: this state of this message is durable at its sender. */
struct noted {
    uint8_t id[ENVELOPE_ID];
    enum outcome_state state;
};

MUST_CHECK enum mlt_err noted_encode(const struct noted *n, struct buf *out);
MUST_CHECK enum mlt_err noted_decode(struct span src, struct noted *n);

/* Sent again later it may go through; PROTOCOL.md 8.3. */
bool outcome_is_passing(const struct outcome *o);

/* For people; static storage. */
const char *outcome_text(const struct outcome *o);

#endif
