/* SPDX-License-Identifier: Apache-2.0 */
#include "client/reach.h"

#include <poll.h>

#include "base/file.h"
#include "client/watch.h"

static void unwatch(const struct reach *r)
{
    if (r->fd < 0)
        return;
    enum mlt_err err = watch_set(r->watch, r->fd, false, false);
    (void)err; /* nothing can fail that takes out */
}

void reach_clear(struct reach *r)
{
    reach_stop(r);
    resolver_free(&r->resolver);
}

void reach_stop(struct reach *r)
{
    unwatch(r);
    file_close(&r->fd);
    r->state = REACH_IDLE;
}

enum mlt_err reach_look_up(struct reach *r, const char *host, uint16_t port)
{
    struct dial_address numeric;
    resolver_free(&r->resolver);
    if (r->given.count > 0) {
        r->addresses = r->given;
        return MLT_OK;
    }
    if (dial_numeric(host, port, &numeric) == MLT_OK) {
        r->addresses = (struct dial_list) { .at = { numeric }, .count = 1 };
        return MLT_OK;
    }
    return resolver_new(r->env, r->watch, host, port, &r->resolver);
}

/* Starts towards the address it stands at, or the first after it that can be started to. */
static enum mlt_err dial(struct reach *r)
{
    for (; r->at < r->addresses.count; r->at++) {
        if (dial_start(&r->addresses.at[r->at], &r->fd, r->detail) != MLT_OK)
            continue;
        r->state = REACH_DIALING;
        r->due_ms = env_mono_ms(r->env) + LIMIT_CONNECT_MS;
        return MLT_OK;
    }
    return MLT_ERR_UNREACHABLE;
}

enum mlt_err reach_start(struct reach *r)
{
    r->at = 0;
    if (r->resolver != NULL && r->addresses.count == 0) {
        r->state = REACH_LOOKING;
        return MLT_OK;
    }
    return dial(r);
}

bool reach_has_next(const struct reach *r)
{
    return r->at + 1 < r->addresses.count;
}

enum mlt_err reach_next(struct reach *r)
{
    ENSURE(reach_has_next(r), MLT_ERR_UNREACHABLE);
    reach_stop(r);
    r->at++;
    return dial(r);
}

/* Only between two attempts, so that `at` keeps its meaning. */
static enum mlt_err take_addresses(struct reach *r)
{
    if (r->resolver == NULL)
        return MLT_OK;
    resolver_process(r->resolver);
    if (!resolver_is_done(r->resolver) || r->state == REACH_DIALING)
        return MLT_OK;
    enum mlt_err err = resolver_take(r->resolver, &r->addresses, r->detail);
    resolver_free(&r->resolver);
    if (r->state != REACH_LOOKING)
        return MLT_OK;
    TRY(err);
    return reach_start(r);
}

static enum mlt_err run_dial(struct reach *r, int *fd)
{
    struct pollfd ready = { .fd = r->fd, .events = POLLOUT };
    const struct dial_address *to = &r->addresses.at[r->at];
    if (poll(&ready, 1, 0) <= 0) {
        if (env_mono_ms(r->env) < r->due_ms)
            return MLT_OK;
        dial_describe(to, err_text(MLT_ERR_TIMEOUT), r->detail);
        return reach_next(r);
    }
    enum mlt_err err = dial_finish(to, r->fd, r->detail);
    if (err != MLT_OK)
        return reach_next(r);
    unwatch(r);
    *fd = r->fd;
    r->fd = -1;
    r->state = REACH_IDLE;
    resolver_free(&r->resolver);
    return MLT_OK;
}

enum mlt_err reach_process(struct reach *r, int *fd)
{
    TRY(take_addresses(r));
    return r->state == REACH_DIALING ? run_dial(r, fd) : MLT_OK;
}

int64_t reach_left_ms(const struct reach *r)
{
    int64_t left = INT64_MAX;
    if (r->state == REACH_DIALING)
        left = r->due_ms - env_mono_ms(r->env);
    /* An answer that came while dialling is taken when that has ended. */
    if (r->resolver != NULL && !(resolver_is_done(r->resolver) && r->state == REACH_DIALING)) {
        int64_t looking = resolver_timeout_ms(r->resolver);
        left = looking < left ? looking : left;
    }
    return left;
}

void reach_describe(struct reach *r, const char *what)
{
    dial_describe(&r->addresses.at[r->at], what, r->detail);
}
