/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_EVENT_H
#define MALOTE_CLIENT_EVENT_H

#include "client/store_authority.h"
#include "pki/ledger_leaf.h"
#include "wire/alert.h"
#include "wire/close.h"
#include "wire/outcome.h"
#include "wire/welcome.h"

/* What a client tells its host. */

enum client_event_kind {
    CLIENT_EVENT_NONE = 0,
    CLIENT_EVENT_LOGGED_IN,   /* messages can be sent from now on */
    CLIENT_EVENT_ISSUED,      /* the certificate is in the home */
    CLIENT_EVENT_PENDING,     /* the administrator has to approve: retry_after_s */
    CLIENT_EVENT_REFUSED,     /* refusal */
    CLIENT_EVENT_MESSAGE,     /* message; store_shown when a person or a pipe has it */
    CLIENT_EVENT_OUTCOME,     /* message, without body: its state and why, or err if it waits */
    CLIENT_EVENT_CLOSED,      /* the session ended as announced: close; retry_ms */
    CLIENT_EVENT_LOST,        /* it ended otherwise: err, alert; retry_ms */
    CLIENT_EVENT_RENEWED,     /* the certificate's successor is in the home */
    CLIENT_EVENT_NOT_RENEWED, /* refusal; told once a session */
    CLIENT_EVENT_RESTORED,    /* the CA was put back: restored; told once */
    CLIENT_EVENT_CLOCK,       /* it is a little behind: signed_s, own_s; told once */
    CLIENT_EVENT_LEAF,        /* of an audit: leaf */
    CLIENT_EVENT_AUDITED      /* its end: audit */
};

/* A certificate that was issued for our name. */
struct client_leaf {
    uint64_t position;
    struct ledger_leaf leaf;
    bool is_own_key;
    bool is_present;   /* it is our certificate */
    bool is_before_us; /* not our key, and before the first of our key */
};

enum client_audit_fault {
    CLIENT_AUDIT_ROOT = 1,           /* the leaves do not make the root, or are fewer */
    CLIENT_AUDIT_OTHER_KEY = 2,      /* our name for another key, after ours */
    CLIENT_AUDIT_EARLIER_KEY = 4,    /* the same, before ours */
    CLIENT_AUDIT_OWN_ABSENT = 8,     /* our certificate has no leaf that fits */
    CLIENT_AUDIT_SERVER_ABSENT = 16, /* nor has the server's */
    CLIENT_AUDIT_UNPROVEN = 32       /* the server could not, or would not, say enough */
};

struct client_audit {
    unsigned faults; /* a set of enum client_audit_fault */
    uint64_t leaves;
    uint64_t ours;           /* client certificates of our name */
    uint64_t of_others;      /* of those, for another key */
    int64_t epoch_s, time_s; /* of the head they were held against */
    uint8_t root[LEDGER_HASH];
};

struct client_event {
    enum client_event_kind kind;
    enum mlt_err err;
    int system_errno; /* for MLT_ERR_SYSTEM */
    enum alert alert;
    enum close_reason close;
    enum refusal refusal;
    uint32_t retry_after_s;
    int64_t retry_ms;        /* until the client tries again by itself; -1: it does not */
    int64_t signed_s, own_s; /* of CLOCK, and for MLT_ERR_CLOCK: the CA's time and ours */
    enum store_alarm alarm;  /* for MLT_ERR_LEDGER */
    union {
        struct store_restored restored;
        struct client_leaf leaf;
        struct client_audit audit;
    };
    struct store_message message; /* owned by the event */
};

void client_event_clear(struct client_event *event);

/* Events in the order they came, but for messages and fates: those wait in the store. */
#define EVENT_QUEUE (LIMIT_SEND_WINDOW + 24)

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
