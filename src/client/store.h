/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_STORE_H
#define MALOTE_CLIENT_STORE_H

#include "base/env.h"
#include "client/home.h"
#include "wire/outcome.h"

/*
 * malote.db: every message of this home, both ways, and which numbers it used.  What is received
 * stands here; what is sent in store_outbox.h, what was in store_history.h.
 *
 * Every function is one transaction, on disk (fsynced) when it returns, unless it stands between
 * store_begin and store_end; killed at any point the old state is there or the new one.  Processes
 * that share a home take turns.
 *
 * MLT_ERR_NEWER for a later malote's file, MLT_ERR_DAMAGED, MLT_ERR_LOCKED after
 * LIMIT_STORE_BUSY_MS, MLT_ERR_SYSTEM with errno (disk full, read-only), else MLT_ERR_DATABASE.
 * After an I/O error the file is opened anew by the next call, which fails if that does.
 */
struct store; /* opaque */

/* Both borrowed for the life of the store. */
MUST_CHECK enum mlt_err store_open(const struct home *home, const struct env *env,
                                   struct store **store);

/* What was not ended is as if it had not been begun. */
void store_close(struct store **store);

/* What is called between them is one transaction: on disk when store_end returns MLT_OK.  `err`,
 * the first failure of any of it, undoes all and is returned. */
MUST_CHECK enum mlt_err store_begin(struct store *store);
MUST_CHECK enum mlt_err store_end(struct store *store, enum mlt_err err);

/* What is known of a message of ours.  Where the server has a word for it, its number. */
enum store_state {
    STORE_WAITING = 0,                   /* to be sent, or to be sent again */
    STORE_STORED = OUTCOME_STORED,       /* in the recipient's mailbox; the text stays here */
    STORE_DELIVERED = OUTCOME_DELIVERED, /* from here on: not sent again */
    STORE_REFUSED = OUTCOME_REFUSED,
    STORE_UNKNOWN = OUTCOME_UNKNOWN, /* was stored, and nothing was heard for LIMIT_OUTBOX_S */
    STORE_EXPIRED = OUTCOME_EXPIRED,
    STORE_READ = OUTCOME_READ,
    STORE_DROPPED = 7 /* the host let go of it before there was an answer */
};

/* Why it was refused, or still waits: enum outcome_reason, or one of our own. */
enum { STORE_WHY_TOO_LONG = 256 };

struct store_message {
    int64_t row; /* rises in the order of arrival */
    struct name peer;
    bool is_ours;
    uint8_t id[ENVELOPE_ID];
    int64_t time_ms; /* theirs: the server's; ours: when it was kept */
    uint64_t epoch;
    uint64_t number;
    uint16_t flags;
    struct buf body;        /* a NUL behind it, which does not count */
    bool is_shown;          /* theirs */
    uint64_t gap;           /* theirs: so many of its stream are missing before it */
    enum store_state state; /* ours, and the rest too */
    unsigned why;
    int64_t changed_ms; /* of `state` or `why`; 0: never */
};

void store_message_clear(struct store_message *m);

/* A received message; judged by (sender, id), so a repetition changes nothing (*fresh false). */
MUST_CHECK enum mlt_err store_put(struct store *store, const struct envelope *e, bool *fresh);

/* The first received message beyond `after` that was not shown yet; from `only` unless NULL. */
MUST_CHECK enum mlt_err store_unshown(struct store *store, int64_t after, const struct name *only,
                                      struct store_message *m, bool *found);

/* Says that a person or a pipe has it.  With `tell`, a sender who wanted to hear so will. */
MUST_CHECK enum mlt_err store_shown(struct store *store, int64_t row, bool tell);

/* The first beyond `after` whose sender is to hear that it was read; and that he was told. */
MUST_CHECK enum mlt_err store_untold(struct store *store, int64_t after, struct store_message *m,
                                     bool *found);
MUST_CHECK enum mlt_err store_told(struct store *store, int64_t row);

/* How many are not shown yet, except those from `except` (NULL: all). */
MUST_CHECK enum mlt_err store_count_unshown(struct store *store, const struct name *except,
                                            uint64_t *count);

struct store_contact {
    struct name name;
    int64_t received_ms; /* 0: never */
    int64_t sent_ms;     /* a message of ours reached them; 0: never */
};

/* The contact whose name follows `after` (NULL: the first). */
MUST_CHECK enum mlt_err store_next_contact(struct store *store, const struct name *after,
                                           struct store_contact *contact, bool *found);

#endif
