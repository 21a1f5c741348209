/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_desk.h"

#include "base/alloc.h"
#include "base/limits.h"

enum mlt_err mail_done_new(enum mail_done_kind kind, struct mail_done_entry **entry)
{
    struct mail_done_entry *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->done.kind = kind;
    *entry = made;
    return MLT_OK;
}

static const enum mail_done_kind answer_kinds[] = {
    [MAIL_JOB_PUT] = MAIL_PUT,
    [MAIL_JOB_REMOVE] = MAIL_REMOVED,
    [MAIL_JOB_TELL] = MAIL_TOLD,
    [MAIL_JOB_NOTED] = MAIL_NOTHING,
    [MAIL_JOB_ERASE] = MAIL_ERASED,
    [MAIL_JOB_READ] = MAIL_READ,
    [MAIL_JOB_READ_NOTICES] = MAIL_NOTICES,
};

enum mlt_err mail_job_new(enum mail_job_kind kind, struct mail_job **job)
{
    CLEANUP(mail_job_free) struct mail_job *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->kind = kind;
    if (answer_kinds[kind] != MAIL_NOTHING)
        TRY(mail_done_new(answer_kinds[kind], &made->answer));
    *job = made;
    made = NULL;
    return MLT_OK;
}

static void free_done(struct mail_done_entry *entry)
{
    if (entry != NULL)
        mail_done_clear(&entry->done);
    alloc_free(entry);
}

void mail_job_free(struct mail_job **job)
{
    if (*job == NULL)
        return;
    free_done((*job)->answer);
    buf_clear(&(*job)->plain);
    mail_key_release(&(*job)->key);
    secret_clear(&(*job)->secret);
    alloc_free(*job);
    *job = NULL;
}

void mail_jobs_clear(struct mail_job_list *jobs)
{
    while (!STAILQ_EMPTY(jobs)) {
        struct mail_job *gone = STAILQ_FIRST(jobs);
        STAILQ_REMOVE_HEAD(jobs, next);
        mail_job_free(&gone);
    }
}

void mail_dones_clear(struct mail_done_list *list)
{
    while (!STAILQ_EMPTY(list)) {
        struct mail_done_entry *gone = STAILQ_FIRST(list);
        STAILQ_REMOVE_HEAD(list, next);
        free_done(gone);
    }
}

static void init_side(struct mail_desk_side *side)
{
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(&side->work, &how);
    pthread_condattr_destroy(&how);
    STAILQ_INIT(&side->jobs);
}

enum mlt_err mail_desk_init(struct mail_desk *desk, const struct mail_store_config *c)
{
    ENSURE(pthread_mutex_init(&desk->lock, NULL) == 0, MLT_ERR_NOMEM);
    init_side(&desk->writer);
    init_side(&desk->reader);
    TRY(mail_map_init(&desk->askers, c->env));
    STAILQ_INIT(&desk->done);
    desk->wake = c->wake;
    desk->ctx = c->ctx;
    return MLT_OK;
}

void mail_desk_clear(struct mail_desk *desk)
{
    if (desk->wake == NULL)
        return;
    mail_map_empty(&desk->askers);
    mail_map_clear(&desk->askers);
    mail_jobs_clear(&desk->writer.jobs);
    mail_jobs_clear(&desk->reader.jobs);
    mail_dones_clear(&desk->done);
    pthread_cond_destroy(&desk->writer.work);
    pthread_cond_destroy(&desk->reader.work);
    pthread_mutex_destroy(&desk->lock);
    desk->wake = NULL;
}

static bool is_said(const struct mail_job *job)
{
    return job->kind == MAIL_JOB_TELL || job->kind == MAIL_JOB_NOTED;
}

static bool has_room(const struct mail_desk_side *side, const struct mail_job *job)
{
    switch (job->kind) {
    case MAIL_JOB_ERASE: /* ca's word, and as many as it has names */
        return true;
    case MAIL_JOB_TELL:
    case MAIL_JOB_NOTED:
        return side->count < LIMIT_STORE_ASKED;
    case MAIL_JOB_PUT:
        return side->count < LIMIT_STORE_JOBS - LIMIT_STORE_KEPT_FREE;
    case MAIL_JOB_REMOVE:
    case MAIL_JOB_READ:
    case MAIL_JOB_READ_NOTICES:
        break;
    }
    return side->count < LIMIT_STORE_JOBS;
}

static enum mlt_err get_asker(struct mail_desk *desk, const struct mail_job *job,
                              struct mail_asker **out)
{
    const struct name *who = job->kind == MAIL_JOB_TELL ? &job->recipient : &job->sender;
    struct mail_asker *asker = (struct mail_asker *)mail_map_find(&desk->askers, job->kind, who);
    if (asker == NULL) {
        TRY(ALLOC_NEW(&asker));
        asker->entry.number = job->kind;
        asker->entry.name = *who;
        enum mlt_err err = mail_map_put(&desk->askers, &asker->entry);
        if (err != MLT_OK) {
            alloc_free(asker);
            return err;
        }
    }
    *out = asker;
    return MLT_OK;
}

static enum mlt_err count_asker(struct mail_desk *desk, struct mail_job *job)
{
    const size_t most = job->kind == MAIL_JOB_TELL ? LIMIT_TELLS_OF_ONE : LIMIT_NOTEDS_OF_ONE;
    struct mail_asker *asker = NULL;
    TRY(get_asker(desk, job, &asker));
    ENSURE(asker->count < most, MLT_ERR_TOO_MANY);
    asker->count++;
    job->asker = asker;
    return MLT_OK;
}

void mail_desk_end(struct mail_desk *desk, struct mail_job *job)
{
    struct mail_asker *asker = job->asker;
    if (asker == NULL)
        return;
    job->asker = NULL;
    pthread_mutex_lock(&desk->lock);
    if (--asker->count == 0) {
        mail_map_remove(&desk->askers, &asker->entry);
        alloc_free(asker);
    }
    pthread_mutex_unlock(&desk->lock);
}

enum mlt_err mail_desk_give(struct mail_desk *desk, struct mail_desk_side *side,
                            struct mail_job **job)
{
    pthread_mutex_lock(&desk->lock);
    enum mlt_err err = has_room(side, *job) ? MLT_OK : MLT_ERR_TOO_MANY;
    if (err == MLT_OK && is_said(*job))
        err = count_asker(desk, *job);
    if (err == MLT_OK) {
        STAILQ_INSERT_TAIL(&side->jobs, *job, next);
        side->count++;
        *job = NULL;
        if (side->count >= side->wanted)
            pthread_cond_signal(&side->work);
    }
    pthread_mutex_unlock(&desk->lock);
    return err;
}

struct mail_done_entry *mail_desk_take(struct mail_desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    struct mail_done_entry *entry = STAILQ_FIRST(&desk->done);
    if (entry != NULL) {
        STAILQ_REMOVE_HEAD(&desk->done, next);
        desk->done_count--;
        if (entry->done.kind == MAIL_READ) {
            desk->read_bytes -= entry->bytes;
            pthread_cond_signal(&desk->reader.work); /* which may have waited for room */
        }
    }
    pthread_mutex_unlock(&desk->lock);
    return entry;
}

void mail_desk_tick(struct mail_desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    desk->tick = true;
    pthread_cond_signal(&desk->writer.work);
    pthread_mutex_unlock(&desk->lock);
}

void mail_desk_stop(struct mail_desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    desk->stopping = true;
    pthread_cond_signal(&desk->writer.work);
    pthread_cond_signal(&desk->reader.work);
    pthread_mutex_unlock(&desk->lock);
}

void mail_desk_answer(struct mail_desk *desk, struct mail_desk_side *side,
                      struct mail_done_list *answers, size_t ended)
{
    pthread_mutex_lock(&desk->lock);
    bool awake = !STAILQ_EMPTY(&desk->done); /* he was woken for those, and takes all there is */
    struct mail_done_entry *entry = NULL;
    STAILQ_FOREACH(entry, answers, next)
    {
        desk->done_count++;
        if (entry->done.kind == MAIL_READ)
            desk->read_bytes += entry->bytes;
    }
    STAILQ_CONCAT(&desk->done, answers);
    side->count -= ended;
    bool wake = !awake && !STAILQ_EMPTY(&desk->done);
    pthread_mutex_unlock(&desk->lock);
    if (wake)
        desk->wake(desk->ctx);
}
