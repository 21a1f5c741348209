/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/measure.h"
#include "relay/net.h"

static const int completions_per_turn = 1024; /* a burst of the disk delays no socket for long */
static const int64_t store_tick_ms = 1000;
static const int64_t say_again_ms = 60000;

enum undone_kind { UNDONE_PUT, UNDONE_READ, UNDONE_NOTICES };

struct net_undone {
    STAILQ_ENTRY(net_undone) next;
    enum undone_kind kind;
    void *put;
    struct net_refused *stream; /* of the put */
    enum outcome_reason reason;
    uint64_t read;
    enum mlt_err err;
};

/* ---- what could not be done at once ---- */

static void put_off(struct net *net, const struct net_undone *what)
{
    struct net_undone *undone = NULL;
    if (ALLOC_NEW(&undone) != MLT_OK) {
        /* The router must hear of everything once: better to start anew. */
        log_error("out of memory");
        net_give_up(net);
        return;
    }
    *undone = *what;
    STAILQ_INSERT_TAIL(&net->mail.undone, undone, next);
}

static void put_off_put(struct net *net, const struct envelope *e, const struct net_undone *what)
{
    struct net_undone undone = *what;
    if (net_refused_add(&net->mail.refusals, e, &undone.stream) != MLT_OK)
        net_give_up(net);
    put_off(net, &undone);
}

static void tell_undone(struct net *net, const struct net_undone *undone)
{
    int64_t now = env_wall_ms(net->env);
    if (undone->kind == UNDONE_PUT) {
        const struct router_put_result result = { .outcome = { .state = OUTCOME_REFUSED,
                                                               .reason = undone->reason } };
        router_put_done(net->router, undone->put, &result, now);
    } else if (undone->kind == UNDONE_READ) {
        const struct router_read_result result = { .ticket = undone->read, .err = undone->err };
        router_read_done(net->router, &result, now);
    } else {
        const struct router_notices_result result = { .ticket = undone->read, .err = undone->err };
        router_notices_done(net->router, &result, now);
    }
}

/* What the router asks for meanwhile, and cannot have either, waits for the next turn: a router
 * that tries again at once must not hold up the loop. */
void net_mail_turn(struct net *net)
{
    size_t count = 0;
    struct net_undone *undone = NULL;
    STAILQ_FOREACH(undone, &net->mail.undone, next)
    {
        count++;
    }
    while (count-- > 0) {
        undone = STAILQ_FIRST(&net->mail.undone);
        tell_undone(net, undone);
        STAILQ_REMOVE(&net->mail.undone, undone, net_undone, next);
        if (undone->stream != NULL)
            net_refused_end(&net->mail.refusals, undone->stream);
        alloc_free(undone);
    }
}

bool net_mail_is_pending(const struct net *net)
{
    return !STAILQ_EMPTY(&net->mail.undone);
}

/* ---- from the router ---- */

enum outcome_reason net_mail_reason(enum mlt_err err)
{
    switch (err) {
    case MLT_OK:
        return OUTCOME_REASON_NONE;
    case MLT_ERR_TOO_MANY:
    case MLT_ERR_NOMEM:
        return OUTCOME_REASON_BUSY;
    default:
        return OUTCOME_REASON_NO_ROOM;
    }
}

enum mlt_err net_mail_give(struct net *net, const struct envelope *e, struct net_put *put)
{
    const struct mail_put job = { e, put };
    return mail_store_put(net->mail.store, &job);
}

static enum mlt_err give_or_wait(struct net *net, const struct envelope *e, struct net_put *put)
{
    const struct name *recipient = &e->recipient.name;
    if (net_mail_key_awaits(net, recipient) || net_mail_erase_awaits(net, recipient) ||
        !mail_store_has_key(net->mail.store, recipient))
        return net_mail_key_wait(net, e, put);
    return net_mail_give(net, e, put);
}

static enum outcome_reason begin_put(struct net *net, const struct envelope *e, void *ticket)
{
    struct net_mail *mail = &net->mail;
    struct net_put *put = NULL;
    if (mail->limits.messages == 0)
        return OUTCOME_REASON_AWAY;
    if (mail->store == NULL)
        return OUTCOME_REASON_NO_ROOM;
    if (net_refused_has(&mail->refusals, e))
        return OUTCOME_REASON_BUSY;
    enum mlt_err err = net_share_take(&mail->shares, e, ticket, &put);
    if (err == MLT_OK) {
        err = give_or_wait(net, e, put);
        if (err != MLT_OK)
            (void)net_share_give_back(&mail->shares, put);
    }
    return net_mail_reason(err);
}

void net_mail_on_put(void *ctx, const struct envelope *e, void *ticket)
{
    struct net *net = ctx;
    enum outcome_reason reason = begin_put(net, e, ticket);
    if (reason != OUTCOME_REASON_NONE)
        put_off_put(net, e,
                    &(struct net_undone) { .kind = UNDONE_PUT, .put = ticket, .reason = reason });
}

void net_mail_on_read(void *ctx, void *link, const struct router_read *read)
{
    struct net *net = ctx;
    enum mlt_err err = net_mail_read_start(link, read);
    if (err != MLT_OK)
        put_off(net,
                &(struct net_undone) { .kind = UNDONE_READ, .read = read->ticket, .err = err });
}

void net_mail_on_read_notices(void *ctx, const struct router_read_notices *read)
{
    struct net *net = ctx;
    const struct mail_read_notices wanted = {
        .sender = read->sender, .after = read->after, .most = read->most, .ticket = read->ticket
    };
    enum mlt_err err = MLT_ERR_MISSING;
    if (net->mail.store != NULL)
        err = mail_store_read_notices(net->mail.store, &wanted);
    if (err != MLT_OK)
        put_off(net,
                &(struct net_undone) { .kind = UNDONE_NOTICES, .read = read->ticket, .err = err });
}

/* A job that is answered by nothing if it fails: what it was for happens once more. */
static void check_job(struct net *net, enum mlt_err err, const char *what)
{
    if (err != MLT_OK && log_rate_take(&net->log_rate, err, env_mono_ms(net->env)))
        log_warning("mailboxes: %s was put off: %s", what, err_text(err));
}

void net_mail_on_remove(void *ctx, const struct name *recipient, int64_t row,
                        enum outcome_state state)
{
    struct net *net = ctx;
    if (net->mail.store != NULL)
        check_job(net, mail_store_remove(net->mail.store, recipient, row, state), "a removal");
}

/* Best effort (PROTOCOL.md 8.1): beyond its bounds it is dropped, and nobody's log is filled. */
static void tell_if_room(struct net *net, const struct mail_notice *notice)
{
    enum mlt_err err = mail_store_tell(net->mail.store, notice);
    if (err != MLT_ERR_TOO_MANY)
        check_job(net, err, "a notice");
}

void net_mail_on_tell(void *ctx, const struct router_notice *notice)
{
    struct net *net = ctx;
    struct mail_notice kept = { .sender = notice->sender,
                                .recipient = notice->recipient,
                                .state = notice->outcome.state,
                                .reason = notice->outcome.reason };
    memcpy(kept.id, notice->outcome.id, ENVELOPE_ID);
    if (net->mail.store != NULL)
        tell_if_room(net, &kept);
}

void net_mail_on_noted(void *ctx, const struct name *sender, const struct noted *noted)
{
    struct net *net = ctx;
    if (net->mail.store != NULL)
        check_job(net, mail_store_noted(net->mail.store, sender, noted), "a notice's end");
}

/* ---- from the store ---- */

static struct router_notice notice_of(const struct mail_notice *from)
{
    struct router_notice notice = { .sender = from->sender, .recipient = from->recipient };
    memcpy(notice.outcome.id, from->id, ENVELOPE_ID);
    notice.outcome.state = from->state;
    notice.outcome.reason = from->reason;
    notice.outcome.kept = true;
    return notice;
}

static void on_put(struct net *net, const struct mail_done *done)
{
    const struct router_put_result result = { done->outcome, done->row, done->fresh };
    void *ticket = net_share_give_back(&net->mail.shares, done->ticket);
    router_put_done(net->router, ticket, &result, env_wall_ms(net->env));
    net_check_stopped(net);
}

static void on_notice(struct net *net, const struct mail_done *done)
{
    const struct router_notice notice = notice_of(&done->notice);
    if (done->kind == MAIL_REMOVED || done->removed)
        router_removed(net->router, &notice, env_wall_ms(net->env));
    else
        router_told(net->router, &notice);
}

static enum mlt_err convert(const struct mail_done *done, struct router_notice **notices,
                            int64_t **rows)
{
    if (done->count == 0)
        return MLT_OK;
    TRY(ALLOC_ARRAY(done->count, notices));
    TRY(ALLOC_ARRAY(done->count, rows));
    for (size_t i = 0; i < done->count; i++) {
        (*notices)[i] = notice_of(&done->notices[i].notice);
        (*rows)[i] = done->notices[i].row;
    }
    return MLT_OK;
}

static void on_notices(struct net *net, const struct mail_done *done)
{
    struct router_notice *notices = NULL;
    int64_t *rows = NULL;
    enum mlt_err err = done->err != MLT_OK ? done->err : convert(done, &notices, &rows);
    struct router_notices_result result = { .ticket = done->read_ticket, .err = err };
    if (err == MLT_OK) {
        result.notices = notices;
        result.rows = rows;
        result.count = done->count;
        result.end = done->end;
    }
    router_notices_done(net->router, &result, env_wall_ms(net->env));
    alloc_free(notices);
    alloc_free(rows);
}

static void complete(struct net *net, struct mail_done *done)
{
    switch (done->kind) {
    case MAIL_PUT:
        on_put(net, done);
        return;
    case MAIL_REMOVED:
    case MAIL_TOLD:
        on_notice(net, done);
        return;
    case MAIL_ERASED:
        net_mail_erase_done(net, done);
        return;
    case MAIL_READ:
        net_mail_read_done(net, done);
        return;
    case MAIL_NOTICES:
        on_notices(net, done);
        return;
    case MAIL_NOTHING:
        return;
    }
}

static void on_wake(uv_async_t *wake)
{
    struct net *net = wake->data;
    for (int i = 0; i < completions_per_turn; i++) {
        struct mail_done done = { 0 };
        if (net->mail.store == NULL || !mail_store_take(net->mail.store, &done))
            return;
        complete(net, &done);
        mail_done_clear(&done);
    }
    uv_async_send(wake);
}

/* ---- opening ---- */

/* From the store's threads. */
static void wake_up(void *ctx)
{
    struct net *net = ctx;
    uv_async_send(&net->mail.wake);
}

struct census {
    struct net *net;
    uint64_t boxes, messages;
};

static enum mlt_err count_box(void *ctx, const struct name *recipient, uint64_t messages)
{
    struct census *census = ctx;
    census->boxes++;
    census->messages += messages;
    return router_box(census->net->router, recipient, messages);
}

static enum mlt_err open_store(struct net *net, struct mail_store **out)
{
    const struct mail_store_config config = { net->env, net->mail.limits, wake_up, net };
    struct census census = { .net = net };
    const struct mail_box_visit visit = { count_box, &census };
    CLEANUP(mail_store_close) struct mail_store *store = NULL;
    TRY(mail_store_open(&config, net->dir, &store));
    TRY(mail_store_each_box(store, &visit));
    TRY(mail_store_start(store));
    log_info("mailboxes with mail: %" PRIu64 ", messages in them: %" PRIu64, census.boxes,
             census.messages);
    *out = store;
    store = NULL;
    return MLT_OK;
}

static bool may_pass(enum mlt_err err)
{
    return err == MLT_ERR_SYSTEM || err == MLT_ERR_LOCKED || err == MLT_ERR_NOMEM ||
           err == MLT_ERR_DATABASE;
}

/* It is tried every second; a log in which that stands each time shows nothing else. */
static void say_unopened(struct net_mail *mail, int64_t now_ms, enum mlt_err err, bool again)
{
    bool is_not_ours = err == MLT_ERR_SYSTEM && errno == EACCES;
    if (again && now_ms < mail->said_ms)
        return;
    mail->said_ms = now_ms + say_again_ms;
    log_error("mail.db cannot be opened: %s%s%s", err_cause(err),
              is_not_ours ? " (it has to belong to the user that 'maloted: net' runs as)" : "",
              again ? "; clients wait until it can" : "");
}

/* Nobody is served before it is open: what is forwarded must not overtake what is stored. */
static void try_to_open(struct net *net)
{
    struct net_mail *mail = &net->mail;
    mail->open_ms = env_mono_ms(net->env) + LIMIT_STORE_RETRY_MS;
    enum mlt_err err = open_store(net, &mail->store);
    if (err == MLT_OK) {
        mail->ready = true;
        net_mail_erase_tick(net);
        net_serve(net);
        return;
    }
    bool again = may_pass(err);
    say_unopened(mail, env_mono_ms(net->env), err, again);
    if (!again)
        net_give_up(net);
}

enum mlt_err net_mail_init(struct net *net)
{
    struct net_mail *mail = &net->mail;
    STAILQ_INIT(&mail->undone);
    TAILQ_INIT(&mail->keys);
    TAILQ_INIT(&mail->readings);
    TAILQ_INIT(&mail->erasures);
    TRY(net_shares_init(&mail->shares, net->env));
    TRY(net_refusals_init(&mail->refusals, net->env));
    mail->wake.data = net;
    ENSURE(uv_async_init(&net->loop, &mail->wake, on_wake) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static void log_limits(const struct mail_limits *l)
{
    if (l->messages == 0) {
        log_info("no mailboxes: a message for somebody who is away is refused");
        return;
    }
    char size[MEASURE_TEXT];
    char life[MEASURE_TEXT];
    measure_bytes(l->bytes, size);
    measure_seconds(l->ttl_ms / 1000, life);
    log_info("a mailbox holds %" PRIu64 " messages and %s, %u %% of them of one sender, for %s",
             l->messages, size, l->share_percent, life);
}

void net_mail_configure(struct net *net, const struct ipc_net_start *start)
{
    net->mail.limits = (struct mail_limits) { .messages = start->mailbox_messages,
                                              .bytes = start->mailbox_bytes,
                                              .share_percent = start->mailbox_share,
                                              .ttl_ms = (int64_t)start->mailbox_ttl_s * 1000 };
    net->mail.configured = true;
    log_limits(&net->mail.limits);
    try_to_open(net);
}

/* ---- time, and the end ---- */

void net_mail_tick(struct net *net)
{
    struct net_mail *mail = &net->mail;
    int64_t now = env_mono_ms(net->env);
    if (mail->configured && !mail->ready && now >= mail->open_ms)
        try_to_open(net);
    if (!mail->ready)
        return;
    net_nonce_tick(net);
    net_mail_erase_tick(net);
    net_mail_key_tick(net);
    net_mail_read_tick(net);
    if (now < mail->tick_ms)
        return;
    mail->tick_ms = now + store_tick_ms;
    mail_store_tick(mail->store);
}

void net_mail_close(struct net *net)
{
    mail_store_close(&net->mail.store);
    net_mail_erase_close(net);
    net_shares_clear(&net->mail.shares);
    net_refusals_clear(&net->mail.refusals);
}

/* ---- ca ---- */

void net_mail_ca_is_here(struct net *net)
{
    if (!net->mail.ready)
        return;
    net_nonce_tick(net);
    net_mail_erase_tick(net);
    net_mail_key_tick(net);
    net_mail_read_tick(net);
}

/* Its nonces end with it; its grants are for its successor to judge. */
void net_mail_ca_is_lost(struct net *net)
{
    net->mail.nonces.count = 0;
    net_mail_erase_ca_is_lost(net);
}
