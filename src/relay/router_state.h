/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_ROUTER_STATE_H
#define MALOTE_RELAY_ROUTER_STATE_H

#include "relay/key_set.h"
#include "relay/roster.h"
#include "relay/router.h"

/*
 * What the files of the router share; nobody else includes it.
 *
 *   router.c          sessions, time
 *   router_authority.c  ca's word, and how long a session lasts
 *   router_send.c     what a sender asks and is told; the order of his streams
 *   router_mail.c     what lies in memory or in the mailbox for a recipient
 *   router_notices.c  what a sender is told later
 */

/* A stream whose number `number` got a passing outcome: nothing later until it comes again. */
struct blocked_stream {
    struct name recipient;
    uint64_t epoch, number;
};

/*
 * How far a receive session is.  DRAINING until its mailbox was read to the end once; what comes
 * for it then is held until no put is outstanding and the mailbox is at its end again: LIVE.  A
 * slow one goes back to DRAINING, and stays there until he confirms something.
 */
enum route_phase { ROUTE_DRAINING = 0, ROUTE_CATCHING_UP, ROUTE_LIVE };

struct route_drain {
    uint64_t ticket;       /* of the read that is out; 0: none */
    int64_t cursor;        /* every row up to here went to this session */
    uint64_t asked_at;     /* member.changes when that read was asked for */
    uint64_t ended_at;     /* the same, of the last one that met the end */
    bool ended;            /* there was one */
    bool looked;           /* the mailbox was, or need not be, looked into to know it is empty */
    int64_t not_before_ms; /* a read failed */
};

struct route_notices {
    uint64_t ticket;
    int64_t after;
    size_t unnoted; /* of those this session was told */
    bool ended;
    int64_t not_before_ms;
};

struct route {
    TAILQ_ENTRY(route) of_router;
    TAILQ_ENTRY(route) of_member;
    struct member *member;
    enum client_auth_kind kind;
    uint8_t serial[CERT_SERIAL];
    uint8_t spki_hash[HASH_LEN];
    int64_t issued_s;
    int64_t ends_ms; /* monotonic: a clock that is set ends nobody's session */
    void *link;
    size_t slot;            /* in router.slots */
    enum close_reason doom; /* ends when what is being done is done; 0: it does not */

    struct flight_list awaiting; /* sent by it, no outcome yet */
    size_t unanswered;           /* of them */
    struct blocked_stream *blocked;
    size_t blocked_count;
    struct route_notices notices;

    enum route_phase phase;
    bool is_slow; /* it made him go back to DRAINING, and he has confirmed nothing since */
    struct route_drain drain;
    size_t unconfirmed, unconfirmed_bytes; /* messages it got */
};

/* Both ends exclusive. */
struct ledger_gap {
    int64_t from_s, until_s;
};

/* What ca said of certificates. */
struct judgement {
    struct key_set serials, keys; /* revoked */
    struct ledger_gap gaps[LIMIT_EPOCHS];
    size_t gap_count;
    struct key_set known; /* serials: good though issued within a gap */
};

/* Finds the session of a ticket. */
struct route_slot {
    struct route *route; /* NULL: free */
    size_t next_free;
};

struct router {
    struct router_out out;
    struct roster roster;
    struct flight_table flights;
    struct judgement judged;
    struct judgement named; /* what the running synchronisation named so far */
    struct key_set listed;  /* serials of the revocation list that is kept, ca's word or not */
    bool syncing;
    bool stopping;
    bool has_doomed; /* some route has its doom set */
    uint64_t generation;
    struct route_list routes;
    size_t route_count;
    size_t putting_count;
    struct route_slot *slots;
    size_t slot_count, first_free; /* first_free == slot_count: none */
    uint64_t tickets;
};

/* A new ticket that leads back to this session, and the session it leads to (NULL: gone; compare
 * with the ticket it waits for all the same). */
uint64_t router_ticket(struct router *r, const struct route *route);
struct route *router_of_ticket(const struct router *r, uint64_t ticket);

/* Ends a session at once: not while something walks over its flights (doom it instead). */
void router_end_route(struct router *r, struct route *route, enum close_reason reason);
void router_doom(struct router *r, struct route *route, enum close_reason reason);
/* The last thing every function of router.h does that may have doomed somebody. */
void router_end_doomed(struct router *r);

/* Is it time?  Also when the wall clock was set back. */
bool router_may_retry(int64_t not_before_ms, int64_t now_ms);

/* ---- router_authority.c ---- */

void router_authority_clear(struct router *r); /* for router_free */

/* As ca dates it. */
int64_t router_issued_s(const struct cert *cert);

/* ---- router_send.c ---- */

/* The session that waits for this flight's fate hears it, and waits no more. */
void router_tell_sender(struct router *r, struct flight *f, enum outcome_state state,
                        enum outcome_reason reason);
/* This session does, from now on; nobody did. */
void router_ask(struct flight *f, struct route *sender);
/* Nobody waits for it any more. */
void router_unask(struct flight *f);

/* ---- router_mail.c ---- */

/* Takes a message for `to`, answered later; MLT_ERR_NOMEM. */
struct acceptance {
    struct member *to;
    struct route *sender;
    int64_t now_ms;
};
MUST_CHECK enum mlt_err router_mail_accept(struct router *r, const struct acceptance *a,
                                           const struct envelope *e);

/* The session is `member`'s receiver from now on, or no longer. */
void router_mail_arrive(struct router *r, struct route *route);
void router_mail_depart(struct router *r, struct route *route);

/* Everything that is in memory for him goes to the store. */
void router_mail_spool(struct router *r, struct member *to);

/* Goes on with reading his mailbox, or is live: after everything that may allow it. */
void router_mail_settle(struct router *r, struct member *to, int64_t now_ms);

void router_mail_tick(struct router *r, struct route *receiver, int64_t now_ms);

void router_mail_forget(struct router *r, struct member *to); /* for router_free */

/* ---- router_notices.c ---- */

/* Reads the next ones, if those told are noted. */
void router_notices_settle(struct router *r, struct route *route);
void router_notices_tick(struct router *r, struct route *route, int64_t now_ms);

#endif
