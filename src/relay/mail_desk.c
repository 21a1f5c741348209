/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/mail_desk.h"

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
    [MAIL_JOB_ERASE] = MAIL_NOTHING,
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
    pthread_cond_init(&side->work, NULL);
    STAILQ_INIT(&side->jobs);
}

enum mlt_err mail_desk_init(struct mail_desk *desk, const struct mail_store_config *c)
{
    ENSURE(pthread_mutex_init(&desk->lock, NULL) == 0, MLT_ERR_NOMEM);
    init_side(&desk->writer);
    init_side(&desk->reader);
    STAILQ_INIT(&desk->done);
    desk->wake = c->wake;
    desk->ctx = c->ctx;
    return MLT_OK;
}

void mail_desk_clear(struct mail_desk *desk)
{
    if (desk->wake == NULL)
        return;
    mail_jobs_clear(&desk->writer.jobs);
    mail_jobs_clear(&desk->reader.jobs);
    mail_dones_clear(&desk->done);
    pthread_cond_destroy(&desk->writer.work);
    pthread_cond_destroy(&desk->reader.work);
    pthread_mutex_destroy(&desk->lock);
    desk->wake = NULL;
}

enum mlt_err mail_desk_give(struct mail_desk *desk, struct mail_desk_side *side,
                            struct mail_job **job)
{
    pthread_mutex_lock(&desk->lock);
    bool room = side->count < LIMIT_STORE_JOBS;
    if (room) {
        STAILQ_INSERT_TAIL(&side->jobs, *job, next);
        side->count++;
        *job = NULL;
        pthread_cond_signal(&side->work);
    }
    pthread_mutex_unlock(&desk->lock);
    return room ? MLT_OK : MLT_ERR_TOO_MANY;
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
