/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_OFFER_H
#define MALOTE_CLIENT_OFFER_H

#include "client/event.h"

/*
 * What of the store the host was not given yet: messages in the order of their arrival, and what
 * became of ours.  All of it keeps: what is not taken is there the next time.
 */
struct offer {
    const struct env *env;   /* all three borrowed */
    struct store *store;     /* NULL: there is none, and nothing to give */
    const struct name *only; /* messages of this sender alone; NULL: of all */
    bool has_fates;          /* there may be some */
    bool has_messages;       /* the same */
    int64_t last_row;        /* given out up to here */
    int64_t due_ms;          /* not before: the store failed */
};

/* Messages that the host could not deal with so far come again. */
void offer_anew(struct offer *offer);

/* The next one, or the event is left as it is.  A store that fails is left alone for
 * LIMIT_STORE_RETRY_MS. */
MUST_CHECK enum mlt_err offer_fate(struct offer *offer, struct client_event *event);
MUST_CHECK enum mlt_err offer_message(struct offer *offer, struct client_event *event);

/* How long until there may be something; INT64_MAX: only when there is news. */
int64_t offer_left_ms(const struct offer *offer);

#endif
