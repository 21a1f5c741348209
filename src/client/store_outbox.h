/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_STORE_OUTBOX_H
#define MALOTE_CLIENT_STORE_OUTBOX_H

#include "client/store.h"

/*
 * The outbox in malote.db: messages of ours until their fate is final.  Transactions and errors as
 * in store.h.  Messages are given out without their body except where it is said.
 */

struct store_outgoing {
    struct name recipient;
    struct span body;
    uint16_t flags; /* ENVELOPE_WANTS_READ, or 0 */
};

/*
 * Kept: with an id and the next number of its stream, neither ever used before.  MLT_ERR_TOO_MANY
 * when LIMIT_OUTBOX messages wait.  After an I/O error the file is opened anew and looked at, since
 * what was to be synced last may stand all the same: nothing is kept unless that fails too, and
 * then nobody knows.
 */
MUST_CHECK enum mlt_err store_outbox_keep(struct store *store, const struct store_outgoing *message,
                                          uint8_t id[static ENVELOPE_ID]);

/* A recipient for whom something waits: the one that follows `after` (NULL: the first).  `row` is
 * the stream's, for turn.h. */
struct store_stream {
    int64_t row;
    struct name recipient;
};
MUST_CHECK enum mlt_err store_outbox_next_stream(struct store *store, const struct name *after,
                                                 struct store_stream *stream, bool *found);

/* With body: the first message that waits for this recipient beyond row `after`.  Rows and numbers
 * of a stream rise together. */
MUST_CHECK enum mlt_err store_outbox_next(struct store *store, const struct name *recipient,
                                          int64_t after, struct store_message *m, bool *found);

/*
 * Takes down what the server said of a message; says it of itself when it repeats something, or
 * knows less than we do (*changed false), so an outcome may come any number of times and late.
 * What may pass (outcome_is_passing) lets the message wait, also one that was stored.  `m` is the
 * message afterwards; *found is false for an id that is none of ours.
 */
struct store_news {
    bool found;
    bool changed;
    enum store_state before;
    struct store_message m;
};
MUST_CHECK enum mlt_err store_outbox_note(struct store *store, const struct outcome *outcome,
                                          struct store_news *news);

/* Refused by ourselves: `why` is one of store.h. */
MUST_CHECK enum mlt_err store_outbox_refuse(struct store *store, int64_t row, unsigned why);

/* A session has sent these rows.  Their LIMIT_OUTBOX_S run from the first time on. */
MUST_CHECK enum mlt_err store_outbox_tried(struct store *store, const int64_t *rows, size_t count);

/* Gives up what nothing was heard of for LIMIT_OUTBOX_S: EXPIRED, or UNKNOWN if it was stored;
 * never what no session has tried yet.  *count: how many. */
MUST_CHECK enum mlt_err store_outbox_expire(struct store *store, uint64_t *count);

/* Out of the outbox: it is not sent (again).  A change only for one that waited, which is then
 * DROPPED.  MLT_ERR_MISSING when it is not there. */
MUST_CHECK enum mlt_err store_outbox_drop(struct store *store,
                                          const uint8_t id[static ENVELOPE_ID]);

/* The first beyond `after` that is in the outbox: waiting, stored, or not delivered and not dropped
 * yet.  With body. */
MUST_CHECK enum mlt_err store_outbox_list(struct store *store, int64_t after,
                                          struct store_message *m, bool *found);

/* How many wait. */
MUST_CHECK enum mlt_err store_outbox_count(struct store *store, uint64_t *waiting);

/* A message of ours.  With body. */
MUST_CHECK enum mlt_err store_outbox_find(struct store *store, const uint8_t id[static ENVELOPE_ID],
                                          struct store_message *m, bool *found);

/* The next change of state or reason since store_open or the last call, by whichever process. */
MUST_CHECK enum mlt_err store_outbox_change(struct store *store, struct store_message *m,
                                            bool *found);

/* Since the first message that was kept through this handle: is the fate of one still open? */
enum store_awaits { STORE_AWAITS_NOTHING = 0, STORE_AWAITS_STORED, STORE_AWAITS_WAITING };
MUST_CHECK enum mlt_err store_outbox_awaits(struct store *store, enum store_awaits *awaits);

/* The first of these beyond `after` that still waits. */
MUST_CHECK enum mlt_err store_outbox_awaited(struct store *store, int64_t after,
                                             struct store_message *m, bool *found);

#endif
