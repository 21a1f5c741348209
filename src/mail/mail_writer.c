/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_writer.h"

#include <errno.h>
#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"

/* A transaction stays open for what others are about to give, for this part of what the last commit
 * took (of a slow one: as if it had not taken longer): little against the fsync that it saves. */
static const int64_t company_part = 4;
static const int64_t longest_commit_ns = 16000000;
static const size_t company_at_once = 8; /* jobs: waking up for each costs more than it brings */

/* ---- its clock ---- */

int64_t mail_writer_age(const struct mail_writer *w)
{
    int64_t passed = env_mono_ms(w->env) - w->clock.mono_ms;
    return w->clock.age_ms + (passed > 0 ? passed : 0);
}

/* What a stop counts for; see struct mail_clock. */
static int64_t judge_stop(const struct mail_writer *w, int64_t wall_ms)
{
    int64_t most = LIMIT_STORE_DOWN_MS;
    if (w->limits.ttl_ms > 0 && w->limits.ttl_ms / 2 < most)
        most = w->limits.ttl_ms / 2;
    int64_t now = env_wall_ms(w->env);
    if (wall_ms == 0 || now <= wall_ms)
        return 0;
    return now - wall_ms < most ? now - wall_ms : most;
}

static enum mlt_err start_clock(struct mail_writer *w)
{
    struct mail_marks marks;
    TRY(mail_table_marks(&w->table, &marks));
    w->next_message = marks.next_message;
    w->next_notice = marks.next_notice;
    w->notices = marks.next_notice > 1;
    /* The last row is newer than what was saved, but not by much: further off it is damaged. */
    int64_t age = marks.saved_ms;
    if (marks.kept_ms > age && marks.kept_ms - age <= 2 * (int64_t)LIMIT_STORE_CLOCK_MS)
        age = marks.kept_ms;
    w->clock.age_ms = age + judge_stop(w, marks.wall_ms);
    w->clock.mono_ms = env_mono_ms(w->env);
    w->clock.saved_ms = marks.saved_ms;
    return MLT_OK;
}

/* Inside a transaction, once a minute. */
static enum mlt_err save_clock(struct mail_writer *w)
{
    int64_t age = mail_writer_age(w);
    if (age - w->clock.saved_ms < LIMIT_STORE_CLOCK_MS)
        return MLT_OK;
    TRY(mail_table_set_clock(&w->table, age, env_wall_ms(w->env)));
    w->clock.saved_ms = age;
    return MLT_OK;
}

/* ---- beginning and end ---- */

enum mlt_err mail_writer_init(struct mail_writer *w, const struct mail_store_config *config,
                              struct mail_desk *desk, struct mail_reader *reader, int dirfd)
{
    w->env = config->env;
    w->limits = config->limits;
    w->desk = desk;
    w->reader = reader;
    w->dirfd = dirfd;
    STAILQ_INIT(&w->taken);
    STAILQ_INIT(&w->out);
    STAILQ_INIT(&w->doubtful);
    TRY(mail_counts_init(&w->counts, w->env, &w->table));
    TRY(mail_chains_init(&w->chains, w->env));
    TRY(ALLOC_ARRAY(LIMIT_STORE_BATCH, &w->touched));
    TRY(mail_table_open(&w->table, dirfd, true));
    TRY(start_clock(w));
    w->written = database_written(&w->table.db);
    w->most = LIMIT_STORE_BATCH;
    w->sweep = true;
    w->well = true;
    return MLT_OK;
}

void mail_writer_clear(struct mail_writer *w)
{
    mail_table_close(&w->table);
    mail_counts_clear(&w->counts);
    mail_chains_clear(&w->chains);
    alloc_free(w->touched);
    mail_jobs_clear(&w->taken);
    mail_dones_clear(&w->out);
    mail_dones_clear(&w->doubtful);
    *w = (struct mail_writer) { 0 };
}

/* ---- answers ---- */

/* The job is over; what it says comes behind what the others said. */
static void end_job(struct mail_writer *w, struct mail_job *job, struct mail_done_list *answers)
{
    mail_desk_end(w->desk, job);
    if (job->says) {
        STAILQ_INSERT_TAIL(answers, job->answer, next);
        job->answer = NULL;
    }
    mail_job_free(&job);
}

void mail_writer_refuse(struct mail_writer *w, struct mail_job *job)
{
    struct mail_done *done = &job->answer->done;
    if (job->failures == w->failures)
        w->failures++; /* those given before its owner hears of this one fail as well */
    job->answer->failures = w->failures;
    done->outcome.state = OUTCOME_REFUSED;
    done->outcome.reason = OUTCOME_REASON_NO_ROOM;
    done->row = 0;
    done->fresh = false;
    job->says = true;
}

void mail_writer_refuse_all(struct mail_writer *w)
{
    struct mail_job_list others = STAILQ_HEAD_INITIALIZER(others);
    struct mail_done_list answers = STAILQ_HEAD_INITIALIZER(answers);
    size_t ended = 0;
    while (!STAILQ_EMPTY(&w->taken)) {
        struct mail_job *job = STAILQ_FIRST(&w->taken);
        STAILQ_REMOVE_HEAD(&w->taken, next);
        if (job->kind != MAIL_JOB_PUT) {
            STAILQ_INSERT_TAIL(&others, job, next);
            continue;
        }
        mail_writer_refuse(w, job);
        end_job(w, job, &answers);
        ended++;
    }
    STAILQ_CONCAT(&w->taken, &others);
    if (ended > 0)
        mail_desk_answer(w->desk, &w->desk->writer, &answers, ended);
}

/* ---- transactions ---- */

/* What a job may take of the disk until the WAL is begun anew: pages of three indexes, twice. */
static uint64_t cost_of(const struct mail_job *job)
{
    return LIMIT_STORE_JOB_COST + 2 * (uint64_t)job->plain.len;
}

/* The transaction under way: of the first `count` jobs of `taken`. */
struct batch {
    struct mail_job *last;
    size_t count;
    size_t bytes;
    uint64_t cost, room; /* of the disk */
    bool puts;           /* there is room for them */
    struct timespec until;
};

static bool fits(const struct mail_writer *w, const struct batch *b, const struct mail_job *job)
{
    if (b->count == 0)
        return true;
    return b->count < w->most && b->bytes + job->plain.len <= LIMIT_STORE_BATCH_BYTES &&
           b->cost + cost_of(job) <= b->room && (b->puts || job->kind != MAIL_JOB_PUT);
}

/* *full: a job is left that does not fit. */
static enum mlt_err apply_taken(struct mail_writer *w, struct batch *b, bool *full)
{
    struct mail_job *job = b->last == NULL ? STAILQ_FIRST(&w->taken) : STAILQ_NEXT(b->last, next);
    for (; job != NULL && fits(w, b, job); job = STAILQ_NEXT(job, next)) {
        b->last = job;
        b->count++;
        b->bytes += job->plain.len;
        b->cost += cost_of(job);
        TRY(mail_apply(w, job));
    }
    *full = job != NULL;
    return MLT_OK;
}

/*
 * Whoever was answered by the last transaction is about to give his next job.  Without waiting for
 * him, the first of them would have an fsync alone, and all others the one after it.
 */
static bool has_company(struct mail_writer *w, const struct batch *b)
{
    struct mail_desk *desk = w->desk;
    struct mail_desk_side *side = &desk->writer;
    const size_t expected = w->expected < w->most ? w->expected : w->most;
    int rc = 0;
    pthread_mutex_lock(&desk->lock);
    while (STAILQ_EMPTY(&side->jobs) && b->count < expected && rc == 0 && !desk->stopping) {
        size_t missing = expected - b->count;
        side->wanted = side->count + (missing < company_at_once ? missing : company_at_once);
        rc = pthread_cond_timedwait(&side->work, &desk->lock, &b->until);
    }
    side->wanted = 0;
    bool come = !STAILQ_EMPTY(&side->jobs);
    STAILQ_CONCAT(&w->taken, &side->jobs);
    pthread_mutex_unlock(&desk->lock);
    return come;
}

static enum mlt_err apply_all(struct mail_writer *w, struct batch *b)
{
    bool full = false;
    do {
        TRY(apply_taken(w, b, &full));
    } while (!full && has_company(w, b));
    TRY(mail_apply_rest(w));
    return save_clock(w);
}

static void end_batch(struct mail_writer *w, size_t count)
{
    struct mail_done_list answers = STAILQ_HEAD_INITIALIZER(answers);
    for (size_t i = 0; i < count; i++) {
        struct mail_job *job = STAILQ_FIRST(&w->taken);
        STAILQ_REMOVE_HEAD(&w->taken, next);
        end_job(w, job, &answers);
    }
    mail_desk_answer(w->desk, &w->desk->writer, &answers, count);
}

/* What an attempt that did not happen would have said.  (One in doubt may have happened: then its
 * message is not there at the next one, see remove_one.) */
static void silence(struct mail_writer *w, size_t count)
{
    struct mail_job *job = STAILQ_FIRST(&w->taken);
    for (size_t i = 0; i < count; i++, job = STAILQ_NEXT(job, next))
        job->says = job->says && !job->here;
}

/* A page that only this job needs is damaged: all others can do without it. */
static void give_up(struct mail_writer *w)
{
    if (STAILQ_EMPTY(&w->taken) || STAILQ_FIRST(&w->taken)->kind == MAIL_JOB_PUT)
        return;
    log_error("mail.db is damaged: a job is given up");
    struct mail_job *job = STAILQ_FIRST(&w->taken);
    job->says = job->kind == MAIL_JOB_ERASE; /* somebody counts on that one */
    if (job->says)
        job->answer->done.err = MLT_ERR_DAMAGED;
    end_batch(w, 1);
}

static int64_t now_ns(void)
{
    struct timespec now = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool holds_puts(const struct mail_writer *w)
{
    const struct mail_job *job = NULL;
    STAILQ_FOREACH(job, &w->taken, next)
    {
        if (job->kind == MAIL_JOB_PUT)
            return true;
    }
    return false;
}

static struct batch begin_batch(const struct mail_writer *w)
{
    int64_t until = now_ns() + w->commit_ns / company_part;
    return (struct batch) { .room = mail_recover_budget(w),
                            .puts = holds_puts(w),
                            .until = { until / 1000000000, until % 1000000000 } };
}

static enum mlt_err commit(struct mail_writer *w, enum mlt_err err)
{
    int64_t began_ns = now_ns();
    TRY(database_end(&w->table.db, err));
    int64_t took = now_ns() - began_ns;
    w->commit_ns = took < longest_commit_ns ? took : longest_commit_ns;
    return MLT_OK;
}

/* Those who are answered now, and those who were not taken. */
static void expect_company(struct mail_writer *w)
{
    struct mail_desk *desk = w->desk;
    pthread_mutex_lock(&desk->lock);
    w->expected = desk->writer.count;
    pthread_mutex_unlock(&desk->lock);
}

/* Slowly back to large ones. */
static void note_success(struct mail_writer *w)
{
    mail_counts_end(&w->counts);
    w->most = 2 * w->most < LIMIT_STORE_BATCH ? 2 * w->most : LIMIT_STORE_BATCH;
    if (!w->no_room)
        mail_recover_praise(w);
}

static void write_batch(struct mail_writer *w)
{
    struct batch b = begin_batch(w);
    const int64_t first = w->next_message;
    const int64_t saved = w->clock.saved_ms;
    enum mlt_err err = database_begin(&w->table.db);
    if (err == MLT_OK)
        err = commit(w, apply_all(w, &b));
    if (err == MLT_OK) {
        expect_company(w);
        end_batch(w, b.count);
        note_success(w);
        return;
    }
    const struct mail_attempt attempt = { .first = first, .count = b.count };
    w->expected = 0;
    w->clock.saved_ms = saved;
    if (!w->table.db.broken)
        silence(w, b.count);
    mail_recover_note(w, err, &attempt);
    if (err == MLT_ERR_DAMAGED && b.count == 1)
        give_up(w);
    mail_writer_refuse_all(w);
}

static size_t count_sweep(struct mail_writer *w)
{
    uint64_t room = mail_recover_budget(w) / LIMIT_STORE_JOB_COST;
    size_t most = w->most < LIMIT_EXPIRE_BATCH ? w->most : LIMIT_EXPIRE_BATCH;
    return room > 1 ? (room < most ? (size_t)room : most) : 1;
}

static void write_sweep(struct mail_writer *w)
{
    const struct mail_attempt attempt = { .first = w->next_message, .count = count_sweep(w) };
    bool more = false;
    enum mlt_err err = database_begin(&w->table.db);
    if (err == MLT_OK) {
        err = mail_sweep(w, attempt.count, &more);
        if (err == MLT_OK)
            err = mail_apply_rest(w);
        err = database_end(&w->table.db, err);
    }
    if (err != MLT_OK) {
        mail_recover_note(w, err, &attempt);
        w->sweep = false; /* until the next tick */
        return;
    }
    mail_desk_answer(w->desk, &w->desk->writer, &w->out, 0);
    note_success(w);
    w->sweep = more;
}

/* ---- turns ---- */

static bool has_work(const struct mail_writer *w)
{
    return !w->stuck && (!STAILQ_EMPTY(&w->taken) || w->sweep);
}

/* Takes all jobs there are; false when the desk stops. */
static bool wait_for_turn(struct mail_writer *w, bool *tick)
{
    struct mail_desk *desk = w->desk;
    pthread_mutex_lock(&desk->lock);
    while (STAILQ_EMPTY(&desk->writer.jobs) && !desk->tick && !desk->stopping && !has_work(w))
        pthread_cond_wait(&desk->writer.work, &desk->lock);
    STAILQ_CONCAT(&w->taken, &desk->writer.jobs);
    *tick = desk->tick;
    desk->tick = false;
    bool go_on = !desk->stopping;
    /* The owner does not take what is told: what would say more has time. */
    if (desk->done_count > LIMIT_STORE_JOBS)
        w->sweep = false;
    pthread_mutex_unlock(&desk->lock);
    return go_on;
}

static void take_turn(struct mail_writer *w)
{
    if (w->well && !w->no_room && holds_puts(w) && !mail_recover_has_room(w) && w->well) {
        errno = ENOSPC;
        mail_recover_complain(w, MLT_ERR_SYSTEM);
        w->no_room = true;
        w->retry_ms = env_mono_ms(w->env) + LIMIT_STORE_RETRY_MS;
    }
    if (!w->well || w->no_room)
        mail_writer_refuse_all(w);
    if (w->well && !w->stuck && !STAILQ_EMPTY(&w->taken))
        write_batch(w);
    if (w->well && !w->stuck && w->sweep)
        write_sweep(w);
    mail_recover_checkpoint(w);
}

/* Its time goes on in the database also while nothing else is written there. */
static void write_clock(struct mail_writer *w)
{
    bool empty = true;
    if (!w->well || w->stuck || mail_writer_age(w) - w->clock.saved_ms < LIMIT_STORE_CLOCK_MS ||
        mail_table_is_empty(&w->table, &empty) != MLT_OK || empty)
        return;
    int64_t saved = w->clock.saved_ms;
    enum mlt_err err = database_begin(&w->table.db);
    if (err == MLT_OK)
        err = database_end(&w->table.db, save_clock(w));
    if (err == MLT_OK)
        return;
    const struct mail_attempt attempt = { .first = w->next_message };
    w->clock.saved_ms = saved;
    mail_recover_note(w, err, &attempt);
}

static void finish(struct mail_writer *w)
{
    w->retry_ms = env_mono_ms(w->env);
    mail_recover_try(w);
    for (w->sweep = false; has_work(w); w->sweep = false)
        take_turn(w);
    mail_writer_refuse_all(w);
    if (w->well) {
        w->clock.saved_ms = mail_writer_age(w) - LIMIT_STORE_CLOCK_MS;
        write_clock(w);
    }
}

void *mail_writer_run(void *writer)
{
    struct mail_writer *w = writer;
    bool tick = false;
    while (wait_for_turn(w, &tick)) {
        if (tick) {
            mail_recover_try(w);
            w->sweep = true;
            write_clock(w);
        }
        take_turn(w);
    }
    finish(w);
    return NULL;
}
