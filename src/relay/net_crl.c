/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "relay/net.h"

/*
 * The revocation list.  ca's REVOKED rows have ended sessions before its CRL is here; what is done
 * with the list itself is to hold it against a ca that comes back from an older copy of its files,
 * and to hand it to clients.  Whatever takes long is a worker's.
 */

static const char file_name[] = "crl.der";
static const int64_t save_again_ms = 5000;
static const int64_t warn_again_ms = 3600000;

static void go_on(struct net *net);

/* ---- on a worker ---- */

struct crl_job {
    struct net *net;
    bool from_disk;
    uint64_t number; /* it has to be; 0: any */
    struct buf ca_der, der;
    struct crl_checked checked;
    enum mlt_err err;
    int cause; /* errno, which is the worker's own */
};

static enum mlt_err check(struct crl_job *job)
{
    CLEANUP(cert_clear) struct cert ca = { 0 };
    if (job->from_disk)
        TRY(file_read(job->net->dir, file_name, LIMIT_CRL, &job->der));
    TRY(cert_read_ca(buf_span(&job->ca_der), NULL, &ca));
    return crl_check(&ca, job->number, &job->der, &job->checked);
}

static void check_on_worker(void *ctx)
{
    struct crl_job *job = ctx;
    job->err = check(job);
    job->cause = errno;
}

/* Nobody replaces what is held while `busy`. */
static void save_on_worker(void *ctx)
{
    struct crl_job *job = ctx;
    job->err = file_write(job->net->dir, file_name, buf_span(&job->net->crl.held.der));
    job->cause = errno;
}

static void free_job(struct crl_job **job)
{
    struct crl_job *gone = *job;
    *job = NULL;
    if (gone == NULL)
        return;
    buf_clear(&gone->ca_der);
    buf_clear(&gone->der);
    crl_checked_clear(&gone->checked);
    alloc_free(gone);
}

static enum mlt_err new_job(struct net *net, struct crl_job **job)
{
    CLEANUP(free_job) struct crl_job *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->net = net;
    TRY(buf_put(&made->ca_der, buf_span(&net->ca.ca_der)));
    *job = made;
    made = NULL;
    return MLT_OK;
}

static enum mlt_err start_job(struct crl_job *job, void (*run)(void *), void (*done)(void *))
{
    const struct net_task task = { .ctx = job, .run = run, .done = done };
    TRY(net_work_add_first(&job->net->work, &task));
    job->net->crl.busy = true;
    return MLT_OK;
}

/* ---- what was checked ---- */

static void install(struct net *net, struct crl_checked *checked)
{
    crl_held_replace(&net->crl.held, &checked->list);
    router_listed(net->router, &checked->serials);
}

static void confirm(struct net *net)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct ipc_crl_taken taken = { net->crl.held.number };
    if (ipc_crl_taken_encode(&taken, &body) == MLT_OK)
        net_authority_tell_ca(net, IPC_CRL_TAKEN, buf_span(&body));
}

/* The head goes first: it holds the list's leaf, so that a ca from before it is known as such
 * whatever was copied back. */
void net_crl_head_is_saved(struct net *net)
{
    struct net_crl *crl = &net->crl;
    if (!crl->unconfirmed)
        return;
    if (!net_ledger_is_saved(net)) {
        net_ledger_hurry(net);
        return;
    }
    crl->unconfirmed = false;
    confirm(net);
}

static void complain_behind(struct net *net, uint64_t number)
{
    if (net->crl.behind)
        return;
    net->crl.behind = true;
    log_error("ca: its revocation list is number %" PRIu64 ", and number %" PRIu64
              " was seen here: were older files put back?  Nobody whom that one lists is let in",
              number, net->crl.held.number);
}

static void on_checked(void *ctx)
{
    CLEANUP(free_job) struct crl_job *job = ctx;
    struct net *net = job->net;
    struct net_crl *crl = &net->crl;
    crl->busy = false;
    if (job->err != MLT_OK) {
        log_error("ca: its revocation list number %" PRIu64 " is not taken: %s", job->number,
                  err_text(job->err));
        go_on(net);
        return;
    }
    switch (crl_held_judge(&crl->held, &job->checked.list)) {
    case CRL_NEWS:
        install(net, &job->checked);
        crl->saved = false;
        crl->behind = false;
        crl->save_ms = 0;
        log_info("revocation list number %" PRIu64 " is in force", crl->held.number);
        break;
    case CRL_SAME:
        if (crl->saved)
            confirm(net);
        break;
    case CRL_BEHIND:
        complain_behind(net, job->checked.list.number);
        break;
    }
    go_on(net);
}

static void on_saved(void *ctx)
{
    CLEANUP(free_job) struct crl_job *job = ctx;
    struct net *net = job->net;
    struct net_crl *crl = &net->crl;
    crl->busy = false;
    crl->saved = job->err == MLT_OK;
    errno = job->cause;
    crl->save_ms = env_mono_ms(net->env) + save_again_ms;
    if (crl->saved) {
        crl->unconfirmed = true;
        net_crl_head_is_saved(net);
    } else {
        log_error("net/%s cannot be written: %s; the list is in force, and tried again", file_name,
                  err_cause(job->err));
    }
    go_on(net);
}

static void on_loaded(void *ctx)
{
    CLEANUP(free_job) struct crl_job *job = ctx;
    struct net *net = job->net;
    struct net_crl *crl = &net->crl;
    crl->busy = false;
    crl->loaded = true;
    errno = job->cause;
    if (job->err == MLT_OK) {
        install(net, &job->checked);
        crl->saved = true;
        log_info("revocation list number %" PRIu64 " was kept", crl->held.number);
    } else if (job->err != MLT_ERR_MISSING) {
        log_error("net/%s is not usable: %s; what ca says is taken", file_name,
                  err_cause(job->err));
    }
    go_on(net);
    net_serve(net);
}

/* ---- one thing after the other ---- */

static enum mlt_err start_check(struct net *net)
{
    struct net_crl *crl = &net->crl;
    CLEANUP(free_job) struct crl_job *job = NULL;
    TRY(new_job(net, &job));
    job->number = crl->next.number;
    job->der = crl->next.bytes;
    enum mlt_err err = start_job(job, check_on_worker, on_checked);
    if (err != MLT_OK) {
        job->der = (struct buf) { 0 };
        return err;
    }
    crl->next = (struct crl_parts) { 0 };
    job = NULL;
    return MLT_OK;
}

static enum mlt_err start_other(struct net *net, bool load)
{
    CLEANUP(free_job) struct crl_job *job = NULL;
    TRY(new_job(net, &job));
    job->from_disk = load;
    TRY(start_job(job, load ? check_on_worker : save_on_worker, load ? on_loaded : on_saved));
    job = NULL;
    return MLT_OK;
}

/* What cannot be started now is started at a tick. */
static void go_on(struct net *net)
{
    struct net_crl *crl = &net->crl;
    bool unsaved = crl->held.number > 0 && !crl->saved && env_mono_ms(net->env) >= crl->save_ms;
    enum mlt_err err = MLT_OK;
    if (crl->busy || net->ca.ca_der.len == 0)
        return;
    if (!crl->loaded)
        err = start_other(net, true);
    else if (crl->next.bytes.len > 0)
        err = start_check(net);
    else if (unsaved)
        err = start_other(net, false);
    if (err != MLT_OK && log_rate_take(&net->log_rate, err, env_mono_ms(net->env)))
        log_warning("the revocation list waits: %s", err_text(err));
}

void net_crl_root_is_known(struct net *net)
{
    net->crl.behind = false;
    crl_parts_clear(&net->crl.parts);
    go_on(net);
}

enum mlt_err net_crl_part(struct net *net, struct span body)
{
    struct net_crl *crl = &net->crl;
    struct ipc_crl_part part = { 0 };
    bool whole = false;
    ENSURE(net->ca.ca_der.len > 0, MLT_ERR_UNEXPECTED);
    TRY(ipc_crl_part_decode(body, &part));
    TRY(crl_parts_take(&crl->parts, &part, &whole));
    if (!whole)
        return MLT_OK;
    crl_parts_clear(&crl->next); /* one that waits still is older */
    crl->next = crl->parts;
    crl->parts = (struct crl_parts) { 0 };
    go_on(net);
    return MLT_OK;
}

/* ---- its age ---- */

static void warn(struct net *net, enum crl_age age)
{
    const struct crl_held *held = &net->crl.held;
    char of[TIMEFMT_RFC3339], until[TIMEFMT_RFC3339];
    timefmt_rfc3339(held->this_update_s * 1000, of);
    timefmt_rfc3339(held->next_update_s * 1000, until);
    if (age == CRL_AGE_OLD)
        log_warning("the revocation list number %" PRIu64
                    " is of %s and ends at %s: ca should have "
                    "signed a newer one; see 'malote-ca list'",
                    held->number, of, until);
    else
        log_error("the revocation list number %" PRIu64 " ended at %s: only certificates issued "
                  "since %s may log in, until ca signs a newer one; see 'malote-ca list'",
                  held->number, until, of);
}

void net_crl_tick(struct net *net)
{
    struct net_crl *crl = &net->crl;
    int64_t now = env_mono_ms(net->env);
    go_on(net);
    enum crl_age age = crl_held_age(&crl->held, env_wall_ms(net->env) / 1000);
    if (age < CRL_AGE_OLD) {
        crl->warn_ms = 0;
        return;
    }
    if (now < crl->warn_ms)
        return;
    crl->warn_ms = now + warn_again_ms;
    warn(net, age);
}

void net_crl_init(struct net *net)
{
    TAILQ_INIT(&net->crl.readers);
}

void net_crl_clear(struct net *net)
{
    crl_held_clear(&net->crl.held);
    crl_notices_clear(&net->crl.notices);
    crl_parts_clear(&net->crl.parts);
    crl_parts_clear(&net->crl.next);
}
