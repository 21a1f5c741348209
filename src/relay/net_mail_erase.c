/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/log.h"
#include "relay/net.h"

/* Erased mailboxes, from ca's word until ca knows that the store has committed it. */

static const int64_t damaged_retry_ms = 60 * 1000; /* each attempt closes the store for a second */

enum erasure_state { ERASURE_WANTED, ERASURE_GIVEN, ERASURE_DONE };

struct net_erasure {
    TAILQ_ENTRY(net_erasure) next;
    struct net *net;
    struct name recipient;
    enum erasure_state state;
    bool said; /* by the ca on this channel, which is to hear that it is done */
    int64_t not_before_ms;
    struct net_ask ask;
};

static struct net_erasure *find(const struct net *net, const struct name *recipient)
{
    struct net_erasure *e = NULL;
    TAILQ_FOREACH(e, &net->mail.erasures, next)
    {
        if (name_eq(&e->recipient, recipient))
            break;
    }
    return e;
}

bool net_mail_erase_awaits(const struct net *net, const struct name *recipient)
{
    return find(net, recipient) != NULL;
}

static void end(struct net_erasure *e)
{
    TAILQ_REMOVE(&e->net->mail.erasures, e, next);
    net_ask_forget(&e->net->ca.asks, &e->ask);
    alloc_free(e);
}

/* ---- ca ---- */

static enum mlt_err encode_end(void *owner, struct buf *body)
{
    const struct net_erasure *e = owner;
    const struct ipc_mailbox_name gone = { e->recipient };
    return ipc_mailbox_name_encode(&gone, body);
}

/* Answered like a wish for the key, which is asked for anew where somebody waits for it. */
static enum mlt_err take_answer(void *owner, struct span body)
{
    struct net_erasure *e = owner;
    struct net *net = e->net;
    struct ipc_mailbox got = { 0 };
    TRY(ipc_mailbox_decode(body, &got));
    if (got.err != MLT_OK && got.err != MLT_ERR_MISSING)
        return MLT_OK; /* ca could not write it down; the tick says it again */
    end(e);
    net_mail_key_tick(net);
    return MLT_OK;
}

static void lose_answer(void *owner)
{
    (void)owner; /* net_mail_erase_ca_is_lost */
}

/* A confirmation that reached another ca than the one that erased could end an erasure that is yet
 * to come. */
void net_mail_erase_ca_is_lost(struct net *net)
{
    struct net_erasure *next = NULL;
    for (struct net_erasure *e = TAILQ_FIRST(&net->mail.erasures); e != NULL; e = next) {
        next = TAILQ_NEXT(e, next);
        e->said = false;
        net_ask_forget(&net->ca.asks, &e->ask);
        if (e->state == ERASURE_DONE)
            end(e);
    }
}

/* ---- the store ---- */

static void give(struct net_erasure *e)
{
    struct net *net = e->net;
    enum mlt_err err = mail_store_erase(net->mail.store, &e->recipient);
    if (err == MLT_OK)
        e->state = ERASURE_GIVEN;
    else if (log_rate_take(&net->log_rate, err, env_mono_ms(net->env)))
        log_warning("mailbox of %s: its erasure was put off: %s", e->recipient.text, err_text(err));
}

static void go_on(struct net_erasure *e)
{
    struct net *net = e->net;
    if (e->state == ERASURE_WANTED && net->mail.store != NULL &&
        env_mono_ms(net->env) >= e->not_before_ms)
        give(e);
    else if (e->state == ERASURE_DONE && net->ca.synced)
        net_ask_add(&net->ca.asks, &e->ask);
}

void net_mail_erase_tick(struct net *net)
{
    struct net_erasure *e = NULL;
    TAILQ_FOREACH(e, &net->mail.erasures, next)
    {
        go_on(e);
    }
}

void net_mail_erase_done(struct net *net, const struct mail_done *done)
{
    struct net_erasure *e = find(net, &done->notice.recipient);
    if (done->err == MLT_OK)
        router_erased(net->router, &done->notice.recipient, env_wall_ms(net->env));
    if (e == NULL || e->state != ERASURE_GIVEN)
        return;
    if (done->err != MLT_OK) {
        e->state = ERASURE_WANTED;
        e->not_before_ms = env_mono_ms(net->env) + damaged_retry_ms;
    } else if (e->said) {
        e->state = ERASURE_DONE;
        go_on(e);
    } else {
        end(e);
        net_mail_key_tick(net);
    }
}

/* ---- in ---- */

static enum mlt_err start(struct net *net, const struct name *recipient, struct net_erasure **out)
{
    static const struct net_ask_kind kind = { IPC_MAILBOX_GONE, IPC_MAILBOX, encode_end,
                                              take_answer, lose_answer };
    struct net_erasure *e = NULL;
    TRY(ALLOC_NEW(&e));
    e->net = net;
    e->recipient = *recipient;
    e->ask.kind = &kind;
    e->ask.owner = e;
    TAILQ_INSERT_TAIL(&net->mail.erasures, e, next);
    *out = e;
    return MLT_OK;
}

enum mlt_err net_mail_erased(struct net *net, struct span body)
{
    struct ipc_mailbox_name erased = { 0 };
    TRY(ipc_mailbox_name_decode(body, &erased));
    struct net_erasure *e = find(net, &erased.name);
    if (e == NULL)
        TRY(start(net, &erased.name, &e));
    e->said = true;
    go_on(e);
    return MLT_OK;
}

void net_mail_erase_close(struct net *net)
{
    while (!TAILQ_EMPTY(&net->mail.erasures))
        end(TAILQ_FIRST(&net->mail.erasures));
}
