/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_MAIL_H
#define MALOTE_TESTS_SIM_MAIL_H

#include "relay/router.h"

/*
 * mail/mail_store.h as a model: what a commit brought to disk stays, what has not come so far goes
 * with the process.  One commit takes all that waits.  It may fail; then it may come true all the
 * same, later, and until the store has recovered nothing works.
 *
 * Answers come through server.h, later, in order.
 */

void mail_init(void);
void mail_clear(void);

/* The server's process begins, or is gone: what was not committed is lost, a running commit is on
 * disk or is not. */
void mail_begin(struct router *router);
void mail_lose(void);

void mail_put(const struct envelope *e, void *ticket);
void mail_remove(const struct name *recipient, int64_t row, enum outcome_state state);
void mail_tell(const struct router_notice *notice);
void mail_noted(const struct name *sender, const struct noted *noted);
void mail_read(const struct router_read *read);
void mail_read_notices(const struct router_read_notices *read);

/* The disk fails from now on, for so long. */
void mail_fail(int64_t us);

/* A row somewhere cannot be opened any more. */
void mail_damage(void);

/* What has lain there for too long goes. */
void mail_tick(void);

/* What lies there, when loud. */
void mail_say(void);

/* Lies anything there, or is it under way? */
bool mail_is_empty(void);

struct mail_figures {
    uint64_t commits, failed_commits, puts, came_true, full, expired;
};
struct mail_figures mail_figures(void);

#endif
