/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net_ask.h"

void net_asks_init(struct net_asks *asks)
{
    *asks = (struct net_asks) { 0 };
    TAILQ_INIT(&asks->waiting);
}

bool net_asks_is_idle(const struct net_asks *asks)
{
    for (size_t i = 0; i < COUNT_OF(asks->slots); i++)
        if (asks->slots[i].tag != 0)
            return false;
    return true;
}

bool net_ask_is_open(const struct net_ask *ask)
{
    return ask->waiting || ask->sent;
}

uint32_t net_asks_tag(struct net_asks *asks)
{
    if (++asks->next_tag == 0)
        asks->next_tag = 1;
    return asks->next_tag;
}

void net_ask_add(struct net_asks *asks, struct net_ask *ask)
{
    if (net_ask_is_open(ask))
        return;
    ask->waiting = true;
    ask->old = false;
    TAILQ_INSERT_TAIL(&asks->waiting, ask, next);
}

static void take_from_queue(struct net_asks *asks, struct net_ask *ask)
{
    TAILQ_REMOVE(&asks->waiting, ask, next);
    ask->waiting = false;
}

void net_ask_forget(struct net_asks *asks, struct net_ask *ask)
{
    if (ask->waiting)
        take_from_queue(asks, ask);
    for (size_t i = 0; i < COUNT_OF(asks->slots); i++)
        if (ask->sent && asks->slots[i].ask == ask)
            asks->slots[i].ask = NULL;
    ask->sent = false;
}

static struct net_ask_slot *free_slot(struct net_asks *asks)
{
    for (size_t i = 0; i < COUNT_OF(asks->slots); i++)
        if (asks->slots[i].tag == 0)
            return &asks->slots[i];
    return NULL;
}

enum mlt_err net_asks_send(struct net_asks *asks, struct channel *channel, struct buf *body)
{
    struct net_ask_slot *slot = NULL;
    while (!TAILQ_EMPTY(&asks->waiting) && (slot = free_slot(asks)) != NULL) {
        struct net_ask *ask = TAILQ_FIRST(&asks->waiting);
        buf_reset(body);
        TRY(ask->kind->encode(ask->owner, body));
        if (asks->bytes > 0 && asks->bytes + body->len > LIMIT_ASK_BYTES)
            return MLT_OK;
        uint32_t tag = net_asks_tag(asks);
        TRY(channel_send(channel, ask->kind->asks, tag, buf_span(body)));
        take_from_queue(asks, ask);
        ask->sent = true;
        asks->bytes += body->len;
        *slot = (struct net_ask_slot) { tag, ask->kind->answers, body->len, ask };
    }
    return MLT_OK;
}

enum mlt_err net_asks_answer(struct net_asks *asks, const struct ipc_message *message)
{
    ENSURE(message->tag != 0, MLT_ERR_UNEXPECTED);
    for (size_t i = 0; i < COUNT_OF(asks->slots); i++) {
        struct net_ask_slot *slot = &asks->slots[i];
        if (slot->tag != message->tag)
            continue;
        ENSURE(slot->answers == message->type, MLT_ERR_UNEXPECTED);
        struct net_ask *ask = slot->ask;
        asks->bytes -= slot->bytes;
        *slot = (struct net_ask_slot) { 0 };
        if (ask == NULL)
            return MLT_OK;
        ask->sent = false;
        return ask->kind->answered(ask->owner, message->body);
    }
    return MLT_ERR_UNEXPECTED;
}

void net_asks_lose(struct net_asks *asks)
{
    /* Whoever asks anew while he is told waits for the next channel. */
    struct net_ask *ask = NULL;
    TAILQ_FOREACH(ask, &asks->waiting, next)
    {
        ask->old = true;
    }
    for (size_t i = 0; i < COUNT_OF(asks->slots); i++) {
        ask = asks->slots[i].ask;
        asks->slots[i] = (struct net_ask_slot) { 0 };
        if (ask == NULL)
            continue;
        ask->sent = false;
        ask->kind->lost(ask->owner);
    }
    asks->bytes = 0;
    while ((ask = TAILQ_FIRST(&asks->waiting)) != NULL && ask->old) {
        take_from_queue(asks, ask);
        ask->kind->lost(ask->owner);
    }
}
