/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_FLIGHT_H
#define MALOTE_RELAY_FLIGHT_H

#include <sys/queue.h>

#include "base/env.h"
#include "wire/envelope.h"

/*
 * A message that is in memory, on its way to one recipient.
 *
 *   HELD       has its body; waits until his mailbox is read to the end
 *   FORWARDED  has its body; his session got it and has not confirmed it
 *   PUTTING    the store has the body and has not answered
 *   KEPT       a row of his mailbox; his session got it and has not confirmed it
 *
 *   state      what happens                        then       the sender is told, and else
 *   ---------  ----------------------------------  ---------  -----------------------------------
 *   (none)     sent; he is live                    FORWARDED  deliver
 *   (none)     sent; he catches up                 HELD
 *   (none)     sent; he is away, drains, is full   PUTTING    put
 *   (none)     read from his mailbox               KEPT       deliver
 *   HELD       he caught up                        FORWARDED  deliver
 *   HELD       he is slow or gone; stop            PUTTING    put
 *   HELD       one before it in its stream failed  (none)     refused: busy
 *   HELD       read from his mailbox               KEPT       stored; deliver
 *   FORWARDED  receipt                             (none)     delivered
 *   FORWARDED  he is slow or gone; stop            PUTTING    put
 *   PUTTING    receipt                             PUTTING    nothing yet
 *   PUTTING    read receipt, receipted             PUTTING    nothing yet
 *   PUTTING    read from his mailbox               PUTTING    deliver, unless this session has it
 *   PUTTING    stored, receipted                   (none)     delivered; remove; tell, if read
 *   PUTTING    stored, his session has it          KEPT       stored
 *   PUTTING    stored                              (none)     stored
 *   PUTTING    the store knows it as delivered     (none)     delivered
 *   PUTTING    refused, receipted                  (none)     delivered
 *   PUTTING    refused, but read from the mailbox  as stored
 *   PUTTING    refused, once forwarded             (none)     unknown: he may have it
 *   PUTTING    refused                             (none)     the refusal
 *   KEPT       its row expires, or is erased       KEPT       nothing: its notice was told
 *   KEPT       receipt                             (none)     remove; router_removed tells
 *   KEPT       receipt, its row gone               (none)     tell: delivered
 *   KEPT       his session ends                    (none)     nothing: it lies in the mailbox
 *   KEPT       sent again                          KEPT       stored
 *   KEPT       sent again, its row gone            KEPT       refused: busy
 *   others     sent again, by another session      as it was  refused: busy; its fate goes to the
 *                                                             other session
 *   any        sent again, otherwise               as it was  refused: duplicate
 *   any        the sender's session ends           as it was  nothing: nobody asks any more
 */

struct member;
struct route;

enum flight_state { FLIGHT_OVER = 0, FLIGHT_HELD, FLIGHT_FORWARDED, FLIGHT_PUTTING, FLIGHT_KEPT };

struct flight {
    TAILQ_ENTRY(flight) of_recipient; /* in member.waiting, .putting or .kept */
    TAILQ_ENTRY(flight) of_sender;    /* in route.awaiting, while sender is set */
    struct flight *next;              /* of the same bucket */
    enum flight_state state;
    bool forwarded; /* to some session of his: he may have it */
    bool receipted; /* while PUTTING */
    bool was_read;  /* the same, and shown: told once its row is known */
    bool row_gone;  /* expired or erased: its sender was told so, and it may arrive all the same */
    uint16_t flags; /* the envelope's */
    enum body_kind body_kind;
    uint8_t id[ENVELOPE_ID];
    struct member *from, *to;
    struct route *sender;   /* waits for its fate; NULL: nobody does */
    struct route *receiver; /* the session of his that got it; NULL: none that is still there */
    uint64_t epoch, number;
    int64_t time_ms;  /* when it was accepted */
    int64_t since_ms; /* HELD or FORWARDED since */
    int64_t row;      /* of the mailbox; 0: not known */
    uint8_t *body;    /* HELD, FORWARDED; NULL otherwise */
    size_t bytes;     /* of the body, here or not */
};

TAILQ_HEAD(flight_list, flight);

/* All of them, by sender and id.  One id may be under way to two recipients, if its sender wants
 * it so; a second one to the same recipient is the caller's to prevent. */
#define FLIGHT_SEEDS 11

struct flight_table {
    struct flight **buckets;
    size_t capacity;
    size_t count;
    size_t body_bytes;           /* of those that hold their body */
    uint64_t seed[FLIGHT_SEEDS]; /* ids are the clients' choice, collisions must not be */
};

MUST_CHECK enum mlt_err flight_table_init(struct flight_table *table, const struct env *env);
/* The flights themselves have gone before. */
void flight_table_clear(struct flight_table *table);

/* Of `e`, with a copy of its body or without; in the table, in no list.  MLT_ERR_NOMEM. */
struct flight_way {
    struct member *from, *to;
    bool with_body;
};
MUST_CHECK enum mlt_err flight_new(struct flight_table *table, const struct envelope *e,
                                   const struct flight_way *way, struct flight **flight);
void flight_free(struct flight_table *table, struct flight **flight);

/* NULL if there is none.  `to` NULL: whoever it is for. */
struct flight *flight_find(const struct flight_table *table, const struct member *from,
                           const uint8_t id[static ENVELOPE_ID], const struct member *to);

/* The body goes: somebody else keeps it. */
void flight_drop_body(struct flight_table *table, struct flight *f);

/* With sender, time and body; borrows the body. */
void flight_envelope(const struct flight *f, struct envelope *e);

#endif
