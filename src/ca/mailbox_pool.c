/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mailbox_pool.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/env.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "crypto/rsa.h"

static const unsigned mailbox_bits = 2048;
/* Below logins and messages, above nothing: on a busy machine that may be a minute for a pair. */
static const int spare_nice = 10;
static const char trial_label[] = "malote v1 mailbox trial";

enum { SPARE, URGENT, THREADS };

struct mailbox_pool {
    pthread_t threads[THREADS];
    unsigned started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    bool waited_for;
    int fd;
    unsigned target, ready;
    EVP_PKEY *keys[LIMIT_MAILBOX_POOL];
};

enum mlt_err mailbox_pool_prove(EVP_PKEY *key)
{
    CLEANUP(secret_clear) struct secret value = { 0 };
    CLEANUP(secret_clear) struct secret back = { 0 };
    TRY(secret_new(&value, HASH_LEN));
    TRY(env_random(env_system(), value.p, value.n));
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    TRY(rsa_wrap(key, span_str(trial_label), secret_span(&value), &wrapped));
    TRY(rsa_unwrap(key, span_str(trial_label), buf_span(&wrapped), &back));
    return secret_eq(secret_span(&value), secret_span(&back)) ? MLT_OK : MLT_ERR_CRYPTO;
}

static enum mlt_err make_proven(EVP_PKEY **key)
{
    CLEANUP(rsa_key_free) EVP_PKEY *made = NULL;
    TRY(rsa_key_new(mailbox_bits, &made));
    TRY(mailbox_pool_prove(made));
    *key = made;
    made = NULL;
    return MLT_OK;
}

static bool is_due(const struct mailbox_pool *pool, bool urgent)
{
    return urgent ? pool->waited_for && pool->ready == 0 : pool->ready < pool->target;
}

static bool wait_for_room(struct mailbox_pool *pool, bool urgent)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping && !is_due(pool, urgent))
        pthread_cond_wait(&pool->changed, &pool->lock);
    bool go_on = !pool->stopping;
    pthread_mutex_unlock(&pool->lock);
    return go_on;
}

/* Takes the key. */
static void add(struct mailbox_pool *pool, EVP_PKEY **key)
{
    pthread_mutex_lock(&pool->lock);
    if (!pool->stopping && pool->ready < COUNT_OF(pool->keys)) {
        pool->keys[pool->ready++] = *key;
        pool->waited_for = false;
        *key = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    rsa_key_free(key);
}

static void pause_after_failure(void)
{
    const struct timespec second = { .tv_sec = 1 };
    nanosleep(&second, NULL);
}

static void make_pairs(struct mailbox_pool *pool, bool urgent)
{
    while (wait_for_room(pool, urgent)) {
        EVP_PKEY *key = NULL;
        enum mlt_err err = make_proven(&key);
        if (err == MLT_OK) {
            add(pool, &key);
            eventfd_write(pool->fd, 1);
        } else {
            log_error("a mailbox pair could not be made: %s", err_text(err));
            pause_after_failure();
        }
    }
}

static void *make_spare(void *ctx)
{
    setpriority(PRIO_PROCESS, (id_t)gettid(), spare_nice);
    make_pairs(ctx, false);
    return NULL;
}

/* A thread that has lowered itself may not rise again, so this is another one. */
static void *make_urgent(void *ctx)
{
    make_pairs(ctx, true);
    return NULL;
}

/* The threads must not take signals from the loop that waits for them. */
static enum mlt_err start_threads(struct mailbox_pool *pool)
{
    static void *(*const runs[THREADS])(void *) = { make_spare, make_urgent };
    sigset_t all, before;
    int rc = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (rc == 0 && pool->started < THREADS) {
        rc = pthread_create(&pool->threads[pool->started], NULL, runs[pool->started], pool);
        pool->started += rc == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? MLT_OK : MLT_ERR_SYSTEM;
}

static void end_threads(struct mailbox_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
}

static void release(struct mailbox_pool *pool)
{
    for (unsigned i = 0; i < pool->ready; i++)
        rsa_key_free(&pool->keys[i]);
    file_close(&pool->fd);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    alloc_free(pool);
}

enum mlt_err mailbox_pool_start(unsigned target, struct mailbox_pool **pool)
{
    ENSURE(target >= 1 && target <= LIMIT_MAILBOX_POOL, MLT_ERR_STATE);
    struct mailbox_pool *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->target = target;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    made->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum mlt_err err = made->fd >= 0 ? start_threads(made) : MLT_ERR_SYSTEM;
    if (err != MLT_OK) {
        end_threads(made);
        release(made);
        return err;
    }
    *pool = made;
    return MLT_OK;
}

void mailbox_pool_stop(struct mailbox_pool **pool)
{
    struct mailbox_pool *p = *pool;
    if (p == NULL)
        return;
    end_threads(p);
    release(p);
    *pool = NULL;
}

int mailbox_pool_fd(const struct mailbox_pool *pool)
{
    return pool->fd;
}

bool mailbox_pool_take(struct mailbox_pool *pool, EVP_PKEY **key)
{
    pthread_mutex_lock(&pool->lock);
    bool any = pool->ready > 0;
    if (any)
        *key = pool->keys[--pool->ready];
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return any;
}

void mailbox_pool_hurry(struct mailbox_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->waited_for |= pool->ready == 0;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

void mailbox_pool_give_back(struct mailbox_pool *pool, EVP_PKEY **key)
{
    add(pool, key);
}
