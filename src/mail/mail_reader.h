/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_READER_H
#define MALOTE_MAIL_READER_H

#include "db/database.h"
#include "mail/mail_desk.h"

/* The thread that reads: drains and notices.  It changes nothing. */

struct mail_reader {
    struct mail_desk *desk;
    int dirfd;
    pthread_mutex_t lock; /* held while it reads; over what follows */
    struct database db;   /* opened when it is needed */
    bool closed;          /* while the writer cannot vouch for the database */
};

MUST_CHECK enum mlt_err mail_reader_init(struct mail_reader *reader, struct mail_desk *desk,
                                         int dirfd);
void mail_reader_clear(struct mail_reader *reader);

/* The thread: until the desk stops. */
void *mail_reader_run(void *reader);

/* For the writer's thread: nobody reads between these two.  Waits for one answer at most. */
void mail_reader_pause(struct mail_reader *reader);
void mail_reader_go_on(struct mail_reader *reader);

/* While paused: its connection ends, and is not made anew until mail_reader_allow. */
void mail_reader_close(struct mail_reader *reader);
void mail_reader_allow(struct mail_reader *reader);

/* What one job is answered with: for the thread, and for tests that need none. */
void mail_reader_answer(struct mail_reader *reader, struct mail_job *job);

#endif
