/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_MAILROOM_H
#define MALOTE_TESTS_MAILROOM_H

#include "test_base.h"

#include <sqlite3.h>

#include "mail/mail_store.h"

/* A mail store in a directory of its own, with clocks that the test sets and ca's key at hand.
 * Whatever does not happen within ten seconds fails the test. */

struct mailroom {
    struct mail_store *store;
    struct mail_limits limits;
    int dirfd;
};

/* Once a program; the second for CMUnitTest's group. */
int mailroom_start(void **state);
int mailroom_stop(void **state);

/* A fresh directory; the store is opened, and started too unless `idle`. */
void mailroom_open(struct mailroom *m, const struct mail_limits *limits, bool idle);
void mailroom_close(struct mailroom *m);
/* Ends the store and opens what it left; started too, or idle. */
void mailroom_again(struct mailroom *m);
void mailroom_again_idle(struct mailroom *m);
void mailroom_run(struct mailroom *m);

extern const struct mail_limits mailroom_roomy;

#define MAILROOM(m)      MAILROOM_OF(m, false)
#define MAILROOM_IDLE(m) MAILROOM_OF(m, true)
#define MAILROOM_OF(m, idle)                                                                       \
    CLEANUP(mailroom_close) struct mailroom m;                                                     \
    mailroom_open(&m, &mailroom_roomy, idle)

/* The clocks stand still but for this. */
void mailroom_pass(int64_t ms);      /* both */
void mailroom_pass_mono(int64_t ms); /* while the wall clock stands still */
void mailroom_jump(int64_t ms);      /* the wall clock alone */

struct name mailroom_name(const char *text);
void mailroom_set_key(struct mailroom *m, const char *recipient);

/* Message `id` (its number too); the ticket is `id` as well. */
void mailroom_give(struct mailroom *m, const char *sender, const char *recipient, int id,
                   const char *body);
/* The next completion, which the caller clears. */
struct mail_done mailroom_next(struct mailroom *m);
/* The next one of that kind; others before it are dropped. */
struct mail_done mailroom_await(struct mailroom *m, enum mail_done_kind kind);
/* Gives, and what became of it. */
struct mail_done mailroom_put(struct mailroom *m, const char *sender, const char *recipient, int id,
                              const char *body);
/* ... which has to be `stored`; its row. */
int64_t mailroom_keep(struct mailroom *m, const char *sender, const char *recipient, int id,
                      const char *body);
/* Puts 1 to `count`, given in that order: all of them are kept. */
void mailroom_await_stored(struct mailroom *m, int count);
/* A put that was refused has left nothing. */
void mailroom_assert_refused(const struct mail_done *done, enum outcome_reason reason);
/* Removes, and awaits that. */
void mailroom_remove(struct mailroom *m, const char *recipient, int64_t row,
                     enum outcome_state state);
/* What was given before this is done, whether or not it answers. */
void mailroom_settle(struct mailroom *m);
/* ... and nothing of it answers. */
void mailroom_settle_in_silence(struct mailroom *m);
/* A tick, and the sweep it asks for. */
void mailroom_tick(struct mailroom *m);

/* A mailbox as its owner gets it: as text, "ana:1:body bia:2:body ", and "?" for an unreadable
 * one.  Overwritten by the next call. */
const char *mailroom_read(struct mailroom *m, const char *recipient);
/* One answer to `read`, with the key that ca would give for what it asks for. */
struct mail_done mailroom_read_once(struct mailroom *m, struct mail_read *read, struct secret *key);
/* The notices for a sender: "joao:1:delivered ".  Overwritten by the next call. */
const char *mailroom_notices(struct mailroom *m, const char *sender);

/* SQL on the database behind the store's back; a number, or 0 where there is no row. */
int64_t mailroom_sql(const char *sql);
/* Counts and segments fit the messages, and SQLite finds nothing wrong. */
void mailroom_check(void);

#endif
