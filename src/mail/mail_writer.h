/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_WRITER_H
#define MALOTE_MAIL_WRITER_H

#include "mail/mail_chain.h"
#include "mail/mail_count.h"
#include "mail/mail_reader.h"

/*
 * The thread that writes.  mail_writer.c: its turns, what it takes and what it answers;
 * mail_apply.c: what a job does inside a transaction; mail_sweep.c: what leaves by itself;
 * mail_recover.c: what happens when the disk fails.
 */

/*
 * The store's own clock.  It runs while the server runs, by the monotonic clock, and a stop counts
 * by the wall clock, but for LIMIT_STORE_DOWN_MS (or half of a mailbox's time) at most.  So a wall
 * clock that jumps, or that was wrong when the machine started, never makes everybody's mail expire
 * at once; what it costs is that mail may outlive its time by as long as the server was down, when
 * nobody could have fetched it.
 */
struct mail_clock {
    int64_t age_ms, mono_ms; /* it was that age then */
    int64_t saved_ms;        /* the age that is in the database */
};

struct mail_writer {
    const struct env *env;
    struct mail_limits limits;
    int dirfd;
    struct mail_desk *desk;
    struct mail_reader *reader;

    struct mail_table table;
    struct mail_counts counts;
    struct mail_chains chains;
    struct mail_clock clock;
    int64_t next_message, next_notice; /* rows; never used twice in one run */
    bool notices;                      /* there may be some */
    struct mail_row *touched;          /* removed ones whose segment may have become empty */
    size_t touched_count;

    struct mail_job_list taken; /* in order; what failed and is to be done again stays in front */
    struct mail_done_list out;  /* of the transaction under way, beside its jobs' own answers */
    uint64_t failures;          /* of puts; see mail_job.failures */
    size_t most;                /* jobs of a transaction: fewer after one that failed */
    size_t expected;            /* jobs of the next one */
    int64_t commit_ns;          /* what the last commit took */
    bool sweep;                 /* something may have expired, or be left of what was erased */

    bool complained;  /* the log says that it cannot be written */
    bool well;        /* the database is open, and what is in it is on disk */
    bool gone;        /* the database was removed while it was open */
    bool no_room;     /* the disk is full: no puts */
    bool stuck;       /* nothing is tried before retry_ms */
    int64_t retry_ms; /* by the monotonic clock */
    int64_t written;  /* database_written at the last checkpoint */
    int64_t doubt;    /* rows from here on were reported as failed, and may be there; 0: none */
    struct mail_done_list doubtful; /* of a sweep that may have happened */
};

MUST_CHECK enum mlt_err mail_writer_init(struct mail_writer *w,
                                         const struct mail_store_config *config,
                                         struct mail_desk *desk, struct mail_reader *reader,
                                         int dirfd);
void mail_writer_clear(struct mail_writer *w);

/* The thread: until the desk stops, and what was given is done. */
void *mail_writer_run(void *writer);

/* ---- between its files ---- */

int64_t mail_writer_age(const struct mail_writer *w);

/* Removes m, which `box` holds (NULL: an erased one), and keeps a notice for its sender with the
 * state and reason of *notice, which it completes. */
MUST_CHECK enum mlt_err mail_apply_removal(struct mail_writer *w, struct mail_box *box,
                                           const struct mail_row *m, struct mail_notice *notice);
/* Does the job, inside a transaction, and fills its answer. */
MUST_CHECK enum mlt_err mail_apply(struct mail_writer *w, struct mail_job *job);
/* Before the commit: what the jobs left to be written once. */
MUST_CHECK enum mlt_err mail_apply_rest(struct mail_writer *w);

/* The answer of a put that was not kept, and of no put given before its owner heard of it. */
void mail_writer_refuse(struct mail_writer *w, struct mail_job *job);
/* All puts in `taken` are refused and leave it. */
void mail_writer_refuse_all(struct mail_writer *w);

/* `most` messages, LIMIT_EXPIRE_BATCH at most, of what has expired or was erased, inside a
 * transaction; answers go to w->out.  *more: there is more of it. */
MUST_CHECK enum mlt_err mail_sweep(struct mail_writer *w, size_t most, bool *more);

/* Says once in the log that mail is not kept, and once that it is again. */
void mail_recover_complain(struct mail_writer *w, enum mlt_err err);
void mail_recover_praise(struct mail_writer *w);

/* A transaction of so many jobs ended in `err`; it held puts from row `first` on. */
struct mail_attempt {
    int64_t first;
    size_t count;
};
void mail_recover_note(struct mail_writer *w, enum mlt_err err, const struct mail_attempt *attempt);
/* When it is time for it: tries what failed. */
void mail_recover_try(struct mail_writer *w);
/* Is there room on the disk for puts?  May checkpoint. */
bool mail_recover_has_room(struct mail_writer *w);
/* How much of the disk the next transaction may take: a WAL that has grown over all of it, for
 * nothing, leaves no room to end it. */
uint64_t mail_recover_budget(const struct mail_writer *w);
/* Moves the WAL into the database, when it is long enough. */
void mail_recover_checkpoint(struct mail_writer *w);

#endif
