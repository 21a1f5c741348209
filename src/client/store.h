/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_STORE_H
#define MALOTE_CLIENT_STORE_H

#include "base/env.h"
#include "client/home.h"
#include "wire/envelope.h"

/*
 * malote.db: what this client received and which numbers it used.  Every function is one
 * transaction, on disk (fsynced) when it returns; processes that share a home take turns.
 *
 * MLT_ERR_NEWER for a later malote's file, MLT_ERR_DAMAGED, MLT_ERR_LOCKED after
 * LIMIT_STORE_BUSY_MS, MLT_ERR_SYSTEM with errno (disk full, read-only), else MLT_ERR_DATABASE.
 */
struct store; /* opaque */

MUST_CHECK enum mlt_err store_open(const struct home *home, struct store **store);
void store_close(struct store **store);

/* A place in the stream to one recipient; never handed out twice. */
struct store_place {
    uint64_t epoch;
    uint64_t number;
};

MUST_CHECK enum mlt_err store_take_place(struct store *store, const struct name *recipient,
                                         const struct env *env, struct store_place *place);

/* A received message; judged by (sender, id), so a repetition changes nothing (*fresh false). */
MUST_CHECK enum mlt_err store_put(struct store *store, const struct envelope *e, bool *fresh);

struct store_message {
    int64_t row; /* rises in the order of arrival */
    struct name sender;
    int64_t time_ms; /* the server's */
    uint8_t id[ENVELOPE_ID];
    uint64_t epoch;
    uint64_t number;
    struct buf body;
};

void store_message_clear(struct store_message *m);

/* The first message beyond `after` that was not shown yet; from `only` unless that is NULL. */
MUST_CHECK enum mlt_err store_unshown(struct store *store, int64_t after, const struct name *only,
                                      struct store_message *m, bool *found);

/* Says that a person or a pipe has it. */
MUST_CHECK enum mlt_err store_shown(struct store *store, int64_t row);

/* How many are not shown yet, except those from `except` (NULL: all). */
MUST_CHECK enum mlt_err store_count_unshown(struct store *store, const struct name *except,
                                            uint64_t *count);

/* Somebody got a message of ours. */
MUST_CHECK enum mlt_err store_reached(struct store *store, const struct name *recipient,
                                      int64_t now_ms);

struct store_contact {
    struct name name;
    int64_t received_ms; /* 0: never */
    int64_t sent_ms;     /* 0: never */
};

/* The contact whose name follows `after` (NULL: the first). */
MUST_CHECK enum mlt_err store_next_contact(struct store *store, const struct name *after,
                                           struct store_contact *contact, bool *found);

#endif
