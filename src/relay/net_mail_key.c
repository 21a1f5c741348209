/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/log.h"
#include "relay/net.h"

/* Messages for mailboxes whose key is not known here yet, a list per recipient, in order. */

struct waiting_put {
    STAILQ_ENTRY(waiting_put) next;
    struct buf deliver; /* as envelope_encode_deliver wrote it */
    struct net_put *put;
};

struct net_key_wait {
    TAILQ_ENTRY(net_key_wait) next;
    struct net *net;
    struct name recipient;
    STAILQ_HEAD(, waiting_put) puts;
    struct net_ask ask;
    int64_t until_ms;
};

static struct net_key_wait *find(const struct net *net, const struct name *recipient)
{
    struct net_key_wait *wait = NULL;
    TAILQ_FOREACH(wait, &net->mail.keys, next)
    {
        if (name_eq(&wait->recipient, recipient))
            break;
    }
    return wait;
}

bool net_mail_key_awaits(const struct net *net, const struct name *recipient)
{
    return find(net, recipient) != NULL;
}

static size_t cost_of(const struct waiting_put *put)
{
    return sizeof(*put) + put->deliver.len;
}

static void drop_put(struct net *net, struct waiting_put *put)
{
    net->mail.key_bytes -= cost_of(put);
    buf_clear(&put->deliver);
    alloc_free(put);
}

static void end_wait(struct net_key_wait *wait)
{
    TAILQ_REMOVE(&wait->net->mail.keys, wait, next);
    net_ask_forget(&wait->net->ca.asks, &wait->ask);
    alloc_free(wait);
}

/* All of them, and what the router gives meanwhile: a later one must not be kept before an earlier
 * one. */
static void refuse_all(struct net_key_wait *wait, enum outcome_reason reason)
{
    struct net *net = wait->net;
    const struct router_put_result result = { .outcome = { .state = OUTCOME_REFUSED,
                                                           .reason = reason } };
    while (!STAILQ_EMPTY(&wait->puts)) {
        struct waiting_put *put = STAILQ_FIRST(&wait->puts);
        void *ticket = net_share_give_back(&net->mail.shares, put->put);
        STAILQ_REMOVE_HEAD(&wait->puts, next);
        drop_put(net, put);
        router_put_done(net->router, ticket, &result, env_wall_ms(net->env));
    }
    end_wait(wait);
}

static enum mlt_err give(struct net *net, const struct waiting_put *put)
{
    struct envelope e = { 0 };
    TRY(envelope_decode_deliver(buf_span(&put->deliver), &e));
    return net_mail_give(net, &e, put->put);
}

static void give_all(struct net_key_wait *wait)
{
    struct net *net = wait->net;
    while (!STAILQ_EMPTY(&wait->puts)) {
        struct waiting_put *put = STAILQ_FIRST(&wait->puts);
        enum mlt_err err = give(net, put);
        if (err != MLT_OK) {
            refuse_all(wait, net_mail_reason(err));
            return;
        }
        STAILQ_REMOVE_HEAD(&wait->puts, next);
        drop_put(net, put);
    }
    end_wait(wait);
}

/* ---- ca ---- */

static enum mlt_err encode_wish(void *owner, struct buf *body)
{
    const struct net_key_wait *wait = owner;
    const struct ipc_mailbox_name wanted = { wait->recipient };
    return ipc_mailbox_name_encode(&wanted, body);
}

static void log_no_key(const struct net_key_wait *wait, enum mlt_err err)
{
    struct net *net = wait->net;
    if (log_rate_take(&net->log_rate, err, env_mono_ms(net->env)))
        log_warning("nothing can be stored for %s now: no mailbox key from ca: %s",
                    wait->recipient.text, err_text(err));
}

/* Until the key is made ca does not know it; the tick asks again. */
static enum mlt_err take_key(void *owner, struct span body)
{
    struct net_key_wait *wait = owner;
    struct net *net = wait->net;
    struct ipc_mailbox got = { 0 };
    TRY(ipc_mailbox_decode(body, &got));
    if (net_mail_erase_awaits(net, &wait->recipient))
        return MLT_OK; /* asked before ca said so, or while it could not be done */
    enum mlt_err err = got.err;
    if (err == MLT_OK)
        err = mail_store_set_key(net->mail.store, &wait->recipient, got.spki);
    if (err == MLT_OK)
        give_all(wait);
    else if (err != MLT_ERR_MISSING)
        log_no_key(wait, err);
    return MLT_OK;
}

static void lose_wish(void *owner)
{
    struct net_key_wait *wait = owner;
    if (wait->net->stopping) /* nobody will name it any more */
        wait->until_ms = 0;
}

/* ---- in ---- */

static enum mlt_err start_wait(struct net *net, const struct name *recipient,
                               struct net_key_wait **out)
{
    static const struct net_ask_kind kind = { IPC_MAILBOX_WANTED, IPC_MAILBOX, encode_wish,
                                              take_key, lose_wish };
    struct net_key_wait *wait = NULL;
    TRY(ALLOC_NEW(&wait));
    wait->net = net;
    wait->recipient = *recipient;
    STAILQ_INIT(&wait->puts);
    wait->ask.kind = &kind;
    wait->ask.owner = wait;
    wait->until_ms = env_mono_ms(net->env) + LIMIT_MAILBOX_KEY_MS;
    TAILQ_INSERT_TAIL(&net->mail.keys, wait, next);
    if (!net_mail_erase_awaits(net, recipient))
        net_ask_add(&net->ca.asks, &wait->ask);
    *out = wait;
    return MLT_OK;
}

static enum mlt_err keep(struct net *net, const struct envelope *e, struct waiting_put *put)
{
    TRY(envelope_encode_deliver(e, &put->deliver));
    size_t waiting = mail_store_waiting(net->mail.store) + net->mail.key_bytes + cost_of(put);
    ENSURE(waiting <= LIMIT_STORE_QUEUE, MLT_ERR_TOO_MANY);
    struct net_key_wait *wait = find(net, &e->recipient.name);
    if (wait == NULL)
        TRY(start_wait(net, &e->recipient.name, &wait));
    STAILQ_INSERT_TAIL(&wait->puts, put, next);
    net->mail.key_bytes += cost_of(put);
    return MLT_OK;
}

enum mlt_err net_mail_key_wait(struct net *net, const struct envelope *e, struct net_put *put)
{
    struct waiting_put *waiting = NULL;
    TRY(ALLOC_NEW(&waiting));
    waiting->put = put;
    enum mlt_err err = keep(net, e, waiting);
    if (err != MLT_OK) {
        buf_clear(&waiting->deliver);
        alloc_free(waiting);
    }
    return err;
}

void net_mail_key_tick(struct net *net)
{
    int64_t now = env_mono_ms(net->env);
    struct net_key_wait *next = NULL;
    for (struct net_key_wait *wait = TAILQ_FIRST(&net->mail.keys); wait != NULL; wait = next) {
        next = TAILQ_NEXT(wait, next);
        if (now >= wait->until_ms) {
            log_no_key(wait, MLT_ERR_TIMEOUT);
            refuse_all(wait, OUTCOME_REASON_NO_ROOM);
        } else if (net->ca.synced && !net_mail_erase_awaits(net, &wait->recipient)) {
            net_ask_add(&net->ca.asks, &wait->ask);
        }
    }
}
