/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_DESK_H
#define MALOTE_MAIL_DESK_H

#include <pthread.h>
#include <sys/queue.h>

#include "mail/mail_key.h"
#include "mail/mail_map.h"
#include "mail/mail_store.h"

/* Between the owner of a mail store and its two threads: jobs one way, completions the other. */

enum mail_job_kind {
    MAIL_JOB_PUT,
    MAIL_JOB_REMOVE,
    MAIL_JOB_TELL,
    MAIL_JOB_NOTED,
    MAIL_JOB_ERASE,
    MAIL_JOB_READ,
    MAIL_JOB_READ_NOTICES
};

struct mail_done_entry {
    STAILQ_ENTRY(mail_done_entry) next;
    struct mail_done done;
    size_t bytes;      /* of the put that it answers, or of the messages it carries */
    uint64_t failures; /* of puts, so far; 0: none to tell */
    int64_t row;       /* of the message that left its mailbox */
};

STAILQ_HEAD(mail_done_list, mail_done_entry);

MUST_CHECK enum mlt_err mail_done_new(enum mail_done_kind kind, struct mail_done_entry **entry);
void mail_dones_clear(struct mail_done_list *list);

/* Whose receipts *read*, or whose NOTEDs, wait. */
struct mail_asker {
    struct mail_entry entry; /* by the job's kind and his name */
    size_t count;
};

struct mail_job {
    STAILQ_ENTRY(mail_job) next;
    struct mail_asker *asker; /* of a TELL or NOTED that was given */
    enum mail_job_kind kind;
    struct mail_done_entry *answer; /* made with the job: want of memory leaves none unanswered */
    bool says;                      /* it has something to say */
    bool here;                      /* what it is about was there at the last attempt */
    struct name sender, recipient;
    uint8_t id[ENVELOPE_ID];
    enum outcome_state state;
    enum outcome_reason reason;
    int64_t row;
    /* PUT */
    struct buf plain; /* the body of its DELIVER */
    struct mail_key *key;
    void *ticket;
    uint64_t failures; /* that its owner had taken when he gave it */
    /* READ and READ_NOTICES: beyond `row` */
    size_t most, most_bytes;
    uint8_t segment[MAIL_SEGMENT];
    struct secret secret;
    bool lost;
    uint64_t read_ticket;
};

STAILQ_HEAD(mail_job_list, mail_job);

/* With its answer, unless it needs none. */
MUST_CHECK enum mlt_err mail_job_new(enum mail_job_kind kind, struct mail_job **job);
void mail_job_free(struct mail_job **job);
void mail_jobs_clear(struct mail_job_list *jobs);

/* One for each thread. */
struct mail_desk_side {
    pthread_cond_t work;
    struct mail_job_list jobs;
    size_t count;  /* given and not answered: bounded by LIMIT_STORE_JOBS */
    size_t wanted; /* its thread is not woken for fewer */
};

struct mail_desk {
    pthread_mutex_t lock; /* over everything below but `wake` */
    struct mail_desk_side writer, reader;
    struct mail_map askers;
    struct mail_done_list done;
    size_t done_count; /* that is not taken */
    size_t read_bytes; /* of messages among them */
    bool tick;         /* the writer is to look at the time */
    bool stopping;
    void (*wake)(void *ctx);
    void *ctx;
};

MUST_CHECK enum mlt_err mail_desk_init(struct mail_desk *desk, const struct mail_store_config *c);
void mail_desk_clear(struct mail_desk *desk);

/* The owner's: takes the job over.  MLT_ERR_TOO_MANY, MLT_ERR_NOMEM; the job is then still the
 * caller's.  What clients merely say has a bound for each name and one for all of it, puts leave a
 * part to removals, and an erasure is always taken. */
MUST_CHECK enum mlt_err mail_desk_give(struct mail_desk *desk, struct mail_desk_side *side,
                                       struct mail_job **job);
struct mail_done_entry *mail_desk_take(struct mail_desk *desk);
void mail_desk_tick(struct mail_desk *desk);
void mail_desk_stop(struct mail_desk *desk);

/* The writer's, before it frees the job. */
void mail_desk_end(struct mail_desk *desk, struct mail_job *job);
/* A thread's: its answers, and how many of its jobs they end.  Wakes the owner if he has to be. */
void mail_desk_answer(struct mail_desk *desk, struct mail_desk_side *side,
                      struct mail_done_list *answers, size_t ended);

#endif
