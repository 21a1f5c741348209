/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_NET_ASK_H
#define MALOTE_RELAY_NET_ASK_H

#include <sys/queue.h>

#include "base/limits.h"
#include "ipc/channel.h"

/*
 * What net asks of ca.  A question lies in whoever asks it.  At most LIMIT_ENROL_WINDOW of at most
 * LIMIT_ASK_BYTES are with ca at once, so that they fit the socket; the rest wait here in the order
 * they came.  Each is answered once, or lost with the channel; never inside net_ask_add, so anybody
 * may ask at any time.
 */

struct net_ask;

struct net_ask_kind {
    enum ipc_type asks, answers;
    enum mlt_err (*encode)(void *owner, struct buf *body);
    /* An error means that ca would never have sent this: the channel is dropped. */
    enum mlt_err (*answered)(void *owner, struct span body);
    /* ca is not there (any more): ask again, or do without. */
    void (*lost)(void *owner);
};

/* { 0 } is not asked. */
struct net_ask {
    const struct net_ask_kind *kind;
    void *owner;
    TAILQ_ENTRY(net_ask) next;
    bool waiting; /* for its turn */
    bool old;     /* waited already when the channel was lost */
    bool sent;
};

struct net_asks {
    TAILQ_HEAD(, net_ask) waiting;
    struct net_ask_slot {
        uint32_t tag;          /* 0: free */
        enum ipc_type answers; /* still awaited if the question was forgotten */
        size_t bytes;
        struct net_ask *ask; /* NULL: forgotten */
    } slots[LIMIT_ENROL_WINDOW];
    size_t bytes; /* with ca */
    uint32_t next_tag;
};

void net_asks_init(struct net_asks *asks);

/* Whether anything is with ca. */
bool net_asks_is_idle(const struct net_asks *asks);

/* Queues it; does nothing if it is asked already. */
void net_ask_add(struct net_asks *asks, struct net_ask *ask);

/* Its owner goes away.  The answer, if one comes, is thrown away. */
void net_ask_forget(struct net_asks *asks, struct net_ask *ask);

bool net_ask_is_open(const struct net_ask *ask);

/* Sends what the window allows; `body` is space to work in.  An error is the channel's. */
MUST_CHECK enum mlt_err net_asks_send(struct net_asks *asks, struct channel *channel,
                                      struct buf *body);

/* An answer; MLT_ERR_UNEXPECTED if nobody asked for it. */
MUST_CHECK enum mlt_err net_asks_answer(struct net_asks *asks, const struct ipc_message *message);

/* The channel is gone: everybody who asked is told. */
void net_asks_lose(struct net_asks *asks);

/* A tag for what is not asked in this way. */
uint32_t net_asks_tag(struct net_asks *asks);

#endif
