/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_POST_H
#define MALOTE_CLIENT_POST_H

#include "client/courier.h"
#include "client/event.h"
#include "client/link.h"
#include "client/turn.h"

/*
 * A courier in its place: what it says goes over the client's link, what it has for the host into
 * the client's events, and its turns are those of the home.
 */
struct post {
    struct link **link;         /* the client's, which may be NULL */
    struct event_queue *events; /* the client's */
    struct turn *turn;
    struct courier *courier;
    struct courier_news news; /* gathered by post_run, for the client to take */
};

struct post_config {
    const struct env *env;
    const struct home *home;
    struct store *store;
    struct link **link;
    struct event_queue *events;
    bool receives;
};

/* `post` stays where it is until post_close. */
MUST_CHECK enum mlt_err post_open(struct post *post, const struct post_config *config);
/* { 0 } is closed. */
void post_close(struct post *post);

/* Records for the courier; post_run has to follow.  MLT_ERR_UNEXPECTED for a DELIVER that is not
 * for `me`. */
MUST_CHECK enum mlt_err post_deliver(struct post *post, struct span body, const struct name *me);
MUST_CHECK enum mlt_err post_outcome(struct post *post, struct span body);

/* What came is confirmed; unless the session is at its end, what may go goes. */
MUST_CHECK enum mlt_err post_run(struct post *post, bool at_end);

#endif
