/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net_work.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"

static void start_jobs(struct net_work *work);

static void run_job(uv_work_t *request)
{
    struct net_job *job = request->data;
    job->task.run(job->task.ctx);
}

static void end_job(uv_work_t *request, int status)
{
    struct net_job *job = request->data;
    struct net_work *work = job->work;
    (void)status; /* nothing is ever cancelled */
    work->running--;
    job->task.done(job->task.ctx);
    alloc_free(job);
    start_jobs(work);
}

void net_work_init(struct net_work *work, uv_loop_t *loop)
{
    *work = (struct net_work) { .loop = loop, .most_running = uv_available_parallelism() };
    TAILQ_INIT(&work->queue);
    char threads[16];
    snprintf(threads, sizeof(threads), "%u", work->most_running);
    if (setenv("UV_THREADPOOL_SIZE", threads, 1) != 0)
        log_warning("the number of worker threads stays libuv's default");
}

void net_work_clear(struct net_work *work)
{
    work->closing = true;
    while (work->pool_count > 0)
        dh_key_free(&work->pool[--work->pool_count]);
}

static enum mlt_err new_job(struct net_work *work, const struct net_task *task,
                            struct net_job **out)
{
    struct net_job *job = NULL;
    TRY(ALLOC_NEW(&job));
    job->work = work;
    job->task = *task;
    job->since_ms = uv_now(work->loop);
    job->request.data = job;
    *out = job;
    return MLT_OK;
}

static void make_ephemeral(void *ctx)
{
    struct net_work *work = ctx;
    if (dh_key_new(work->group, &work->refilling) != MLT_OK)
        work->refilling = NULL;
}

static void keep_ephemeral(void *ctx)
{
    struct net_work *work = ctx;
    work->refill_running = false;
    if (work->refilling != NULL && !work->closing && work->pool_count < LIMIT_EPHEMERAL_POOL) {
        work->pool[work->pool_count++] = work->refilling;
        work->refilling = NULL;
    }
    dh_key_free(&work->refilling);
}

/* One at a time and only when nothing else waits: a login never queues behind it for long. */
static void refill(struct net_work *work)
{
    bool idle = work->queued == 0 && work->running == 0;
    if (!idle || work->closing || work->group == DH_NONE || work->refill_running ||
        work->pool_count >= LIMIT_EPHEMERAL_POOL)
        return;
    const struct net_task task = { .ctx = work, .run = make_ephemeral, .done = keep_ephemeral };
    work->refill_running = net_work_add(work, &task) == MLT_OK;
}

static bool is_overdue(const struct net_work *work, const struct net_job *job)
{
    return uv_now(work->loop) >= job->since_ms + LIMIT_WORK_TURNS_MS;
}

static struct net_job *take_next(struct net_work *work)
{
    struct net_job *job = TAILQ_FIRST(&work->queue);
    if (work->newest_is_next && !is_overdue(work, job))
        job = TAILQ_LAST(&work->queue, net_job_queue);
    TAILQ_REMOVE(&work->queue, job, next);
    work->queued--;
    return job;
}

static void start_jobs(struct net_work *work)
{
    while (!work->closing && work->running < work->most_running && !TAILQ_EMPTY(&work->queue)) {
        struct net_job *job = take_next(work);
        if (job->task.wanted != NULL && !job->task.wanted(job->task.ctx)) {
            job->task.done(job->task.ctx);
            alloc_free(job);
            continue;
        }
        work->running++;
        work->newest_is_next = !work->newest_is_next;
        if (uv_queue_work(work->loop, &job->request, run_job, end_job) != 0) {
            /* Only a missing callback makes it fail; run it here rather than lose it. */
            run_job(&job->request);
            end_job(&job->request, 0);
        }
    }
    refill(work);
}

void net_work_set_group(struct net_work *work, enum dh_group group)
{
    work->group = group;
    refill(work);
}

enum mlt_err net_work_add(struct net_work *work, const struct net_task *task)
{
    ENSURE(work->queued < LIMIT_WORK_QUEUE, MLT_ERR_TOO_MANY);
    struct net_job *job = NULL;
    TRY(new_job(work, task, &job));
    TAILQ_INSERT_TAIL(&work->queue, job, next);
    work->queued++;
    start_jobs(work);
    return MLT_OK;
}

enum mlt_err net_work_add_first(struct net_work *work, const struct net_task *task)
{
    struct net_job *job = NULL;
    TRY(new_job(work, task, &job));
    TAILQ_INSERT_HEAD(&work->queue, job, next);
    work->newest_is_next = false;
    work->queued++;
    start_jobs(work);
    return MLT_OK;
}

EVP_PKEY *net_work_take_ephemeral(struct net_work *work)
{
    if (work->pool_count == 0)
        return NULL;
    EVP_PKEY *key = work->pool[--work->pool_count];
    work->pool[work->pool_count] = NULL;
    refill(work);
    return key;
}
