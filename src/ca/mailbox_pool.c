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
/* Below logins and messages, above nothing. */
static const int thread_nice = 10;
static const char trial_label[] = "malote v1 mailbox trial";

struct mailbox_pool {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
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

static bool wait_for_room(struct mailbox_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping && pool->ready >= pool->target)
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

static void *run(void *ctx)
{
    struct mailbox_pool *pool = ctx;
    setpriority(PRIO_PROCESS, (id_t)gettid(), thread_nice);
    while (wait_for_room(pool)) {
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
    return NULL;
}

/* The thread must not take signals from the loop that waits for them. */
static enum mlt_err start_thread(struct mailbox_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(&pool->thread, NULL, run, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? MLT_OK : MLT_ERR_SYSTEM;
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
    enum mlt_err err = made->fd >= 0 ? start_thread(made) : MLT_ERR_SYSTEM;
    if (err != MLT_OK) {
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
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
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
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return any;
}

void mailbox_pool_give_back(struct mailbox_pool *pool, EVP_PKEY **key)
{
    add(pool, key);
}
