/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_COURIER_H
#define MALOTE_CLIENT_COURIER_H

#include "client/store_outbox.h"
#include "wire/receipt.h"

/*
 * What a client does with messages, without a socket: which one goes next, what an answer means,
 * what is confirmed when.  Whatever is said to the server about a message (RECEIPT, NOTED) is said
 * after the store has it on disk.  PROTOCOL.md 8.1 to 8.3
 *
 * Order: at most one session of a home has unanswered messages to a recipient (turn), and sends
 * them in the order of their numbers.  After a passing outcome for one of them the later ones
 * under way are awaited, and then all go again from that one on, after a pause that doubles.
 *
 * Driven so: courier_up at the login; courier_deliver and courier_outcome for the records of one
 * read, then courier_process, which also has to be called when courier_due_ms has come and after
 * courier_wake; courier_down when the session is gone.  Any error of these ends the session (the
 * caller hangs up and calls courier_down): nothing was said that is not on disk.
 */
struct courier; /* opaque */

/* The turns of turn.h. */
struct courier_turn {
    void *ctx;
    enum mlt_err (*take)(void *ctx, int64_t stream, bool *taken);
    void (*leave)(void *ctx, int64_t stream);
};

/* A message that stays in the outbox for a reason the store does not hold. */
struct courier_wait {
    uint8_t id[ENVELOPE_ID];
    struct name recipient;
    enum mlt_err
        err; /* MLT_ERR_TIMEOUT: no answer for LIMIT_OUTCOME_MS; else why the session ended */
};

/* To the server, in the order of the calls; and to the host.  None may call the courier.  What
 * they borrow is theirs during the call. */
struct courier_out {
    void *ctx;
    enum mlt_err (*send)(void *ctx, const struct envelope *e);
    enum mlt_err (*receipt)(void *ctx, const struct receipt *r);
    enum mlt_err (*noted)(void *ctx, const struct noted *n);
    /* At most LIMIT_SEND_WINDOW + 1 from one courier_process and the courier_down after it. */
    void (*wait)(void *ctx, const struct courier_wait *wait);
};

struct courier_config {
    const struct env *env; /* borrowed, as the store */
    struct store *store;
    struct courier_turn turn;
    struct courier_out out;
    bool receives; /* the sessions are of CLIENT_AUTH_RECEIVE: they may say what was read */
};

MUST_CHECK enum mlt_err courier_new(const struct courier_config *config, struct courier **courier);
/* As courier_down, without a word to the host. */
void courier_free(struct courier **courier);

/* Logged in; the server takes bodies up to `max_body`. */
void courier_up(struct courier *c, uint32_t max_body);

/* The session is gone, `err` says why; what it had not answered waits again. */
void courier_down(struct courier *c, enum mlt_err err);

/* A DELIVER: kept, and confirmed by courier_process. */
MUST_CHECK enum mlt_err courier_deliver(struct courier *c, const struct envelope *e);

/* An OUTCOME.  One for a message that is none of ours is NOTED, if it is kept, and otherwise
 * ignored: an earlier home of this identity may have sent it. */
MUST_CHECK enum mlt_err courier_outcome(struct courier *c, const struct outcome *o);

/* Commits what came, confirms it, and sends what may go. */
MUST_CHECK enum mlt_err courier_process(struct courier *c);

/* The first half of it: for a session that takes leave, or has failed. */
MUST_CHECK enum mlt_err courier_settle(struct courier *c);

/* Something was put into the outbox, or shown with `tell`. */
void courier_wake(struct courier *c);

/* When courier_process has something to do though nothing came, on the clock of env_mono_ms;
 * INT64_MAX: never. */
int64_t courier_due_ms(const struct courier *c);

/* Since the last call. */
struct courier_news {
    bool messages; /* store_unshown may have more */
    bool fates;    /* store_outbox_change may have more */
};
struct courier_news courier_take_news(struct courier *c);

/*
 * A new session goes on; this one cannot.  The server refuses a stream until a certain message of
 * it comes again, and that one will not: it was dropped, say.  Or it has not answered one for
 * LIMIT_OUTCOME_MS.
 */
bool courier_is_stuck(const struct courier *c);

/* Unanswered. */
size_t courier_under_way(const struct courier *c);

#endif
