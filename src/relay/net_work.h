/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_NET_WORK_H
#define MALOTE_RELAY_NET_WORK_H

#include <sys/queue.h>
#include <uv.h>

#include "base/limits.h"
#include "crypto/dh.h"

/*
 * Heavy steps, off the event loop.  libuv's own queue is unbounded and shared with others, so a
 * bounded one stands before it and at most one job a processor is inside.
 *
 * Who has waited longest is next, and who came last is next after him, in turns: when two hundred
 * come at once, one who logs in among them does not stand behind them all.  Once the oldest has
 * waited for LIMIT_WORK_TURNS_MS it is the order of arrival alone, so that however many come
 * without end, nobody waits for longer than in that order but for as much.
 */

struct net_work;

/* What is to be done.  `done` is called on the loop exactly once, also where `run` was left out. */
struct net_task {
    void *ctx;
    bool (*wanted)(void *ctx); /* on the loop, just before; false leaves `run` out; may be NULL */
    void (*run)(void *ctx);    /* on a worker */
    void (*done)(void *ctx);
};

struct net_job {
    uv_work_t request;
    TAILQ_ENTRY(net_job) next;
    struct net_work *work;
    struct net_task task;
    uint64_t since_ms; /* of the loop's clock */
};

struct net_work {
    uv_loop_t *loop;
    TAILQ_HEAD(net_job_queue, net_job) queue;
    size_t queued;
    bool newest_is_next;
    unsigned running, most_running;
    enum dh_group group;
    EVP_PKEY *pool[LIMIT_EPHEMERAL_POOL]; /* one-use keys made in idle time */
    size_t pool_count;
    EVP_PKEY *refilling; /* the worker's, until its job is done */
    bool refill_running, closing;
};

/* Before the sandbox: asks the system how many processors there are. */
void net_work_init(struct net_work *work, uv_loop_t *loop);

/* Starts nothing more; what runs goes on until `running` is 0. */
void net_work_clear(struct net_work *work);

/* From now on the pool is kept full of keys of this group. */
void net_work_set_group(struct net_work *work, enum dh_group group);

/* MLT_ERR_TOO_MANY when the queue is full: then nothing will be called. */
MUST_CHECK enum mlt_err net_work_add(struct net_work *work, const struct net_task *task);

/* Before what waits, and whatever waits: for what is one job at a time.  MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err net_work_add_first(struct net_work *work, const struct net_task *task);

/* A key made ahead, owned by the caller, or NULL. */
EVP_PKEY *net_work_take_ephemeral(struct net_work *work);

#endif
