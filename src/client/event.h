/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_EVENT_H
#define MALOTE_CLIENT_EVENT_H

#include "client/store.h"
#include "wire/alert.h"
#include "wire/close.h"
#include "wire/outcome.h"
#include "wire/welcome.h"

/* What a client tells its host. */

enum client_event_kind {
    CLIENT_EVENT_NONE = 0,
    CLIENT_EVENT_LOGGED_IN, /* messages can be sent from now on */
    CLIENT_EVENT_ISSUED,    /* the certificate is in the home */
    CLIENT_EVENT_PENDING,   /* the administrator has to approve: retry_after_s */
    CLIENT_EVENT_REFUSED,   /* refusal */
    CLIENT_EVENT_MESSAGE,   /* message; store_shown when a person or a pipe has it */
    CLIENT_EVENT_OUTCOME,   /* message, without body: its state and why, or err if it waits */
    CLIENT_EVENT_CLOSED,    /* the session ended as announced: close; retry_ms */
    CLIENT_EVENT_LOST       /* it ended otherwise: err, alert; retry_ms */
};

struct client_event {
    enum client_event_kind kind;
    enum mlt_err err;
    int system_errno; /* for MLT_ERR_SYSTEM */
    enum alert alert;
    enum close_reason close;
    enum refusal refusal;
    uint32_t retry_after_s;
    int64_t retry_ms;             /* until the client tries again by itself; -1: it does not */
    struct store_message message; /* owned by the event */
};

void client_event_clear(struct client_event *event);

/* Events in the order they came, but for messages and fates: those wait in the store. */
#define EVENT_QUEUE (LIMIT_SEND_WINDOW + 8)

struct event_queue {
    struct client_event at[EVENT_QUEUE];
    size_t first;
    size_t count;
};

/* The caller has seen to it that there is room (count < EVENT_QUEUE). */
void event_queue_add(struct event_queue *queue, const struct client_event *event);

/* NONE when there is none. */
enum client_event_kind event_queue_first(const struct event_queue *queue);

/* False when there is none. */
bool event_queue_take(struct event_queue *queue, struct client_event *event);

#endif
