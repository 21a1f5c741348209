/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_ROUTER_H
#define MALOTE_RELAY_ROUTER_H

#include "base/env.h"
#include "base/limits.h"
#include "pki/cert.h"
#include "relay/key_set.h"
#include "wire/client_auth.h"
#include "wire/close.h"
#include "wire/envelope.h"
#include "wire/outcome.h"
#include "wire/receipt.h"

/*
 * Who is here, who may be, and where a message goes.  Events and time come in as arguments,
 * decisions go out through struct router_out: no socket, no clock, no session key.  PROTOCOL.md 8.
 * What a message in memory goes through stands in flight.h.
 *
 * In memory for one recipient who confirms nothing are at most LIMIT_IN_FLIGHT messages, with
 * bodies of LIMIT_IN_FLIGHT_BYTES; ROUTER_RECIPIENT_MOST bytes in all (2.1 MiB).  Beyond that, and
 * after LIMIT_SPOOL_MS, the bodies are the store's; what is left here of each, ROUTER_FLIGHT_MOST
 * bytes, goes when the store has answered, or, of those he was sent, when he confirms or leaves.
 */
#define ROUTER_FLIGHT_MOST    256
#define ROUTER_RECIPIENT_MOST (LIMIT_IN_FLIGHT_BYTES + (size_t)LIMIT_IN_FLIGHT * ROUTER_FLIGHT_MOST)

struct router;
struct route; /* one session, as the router knows it */

/* Messages of this mailbox beyond row `after`; `link` is the session that gets them. */
struct router_read {
    struct name recipient;
    int64_t after;
    size_t most, most_bytes;
    uint64_t ticket;
};

struct router_read_notices {
    struct name sender;
    int64_t after;
    size_t most;
    uint64_t ticket;
};

/* Something a sender is told about a message that is no longer under way. */
struct router_notice {
    struct name sender, recipient;
    struct outcome outcome;
};

/*
 * What the router decided.  `link` is what router_join was given.  None of these may call the
 * router.  After `end` the route is gone; that may be the very session whose router_send, or other
 * call, is being answered.
 *
 * The second group speaks to the mailboxes (mail_store.h, which explains the words).  Each put,
 * read and read_notices is answered once, later, by the function of the router named with it, also
 * when it could not be done: whatever stands between keeps the order of the puts for one recipient,
 * and once one of them was refused for the moment (busy, no room), all of his that were given
 * before the router heard of it are refused too, or a message would overtake another.  A put that
 * is not answered before the router is freed needs no answer.
 */
struct router_out {
    void *ctx;
    void (*deliver)(void *ctx, void *link, const struct envelope *e); /* e: borrowed */
    void (*outcome)(void *ctx, void *link, const struct outcome *o);
    void (*end)(void *ctx, void *link, enum close_reason reason);

    void (*put)(void *ctx, const struct envelope *e, void *ticket);      /* router_put_done */
    void (*read)(void *ctx, void *link, const struct router_read *read); /* router_read_done */
    void (*remove)(void *ctx, const struct name *recipient, int64_t row,
                   enum outcome_state state);                    /* router_removed, perhaps */
    void (*tell)(void *ctx, const struct router_notice *notice); /* router_told, perhaps */
    void (*noted)(void *ctx, const struct name *sender, const struct noted *noted);
    void (*read_notices)(void *ctx, const struct router_read_notices *read); /* ..._notices_done */
};

MUST_CHECK enum mlt_err router_new(const struct env *env, const struct router_out *out,
                                   struct router **r);
/* Tells nobody. */
void router_free(struct router **r);

/*
 * ca's word.  Between sync_begin and sync_end it names everybody and every revocation anew; what
 * it no longer names is forgotten at sync_end.  At other times it adds.  A revocation ends
 * sessions at once, also within a synchronisation.  MLT_ERR_NOMEM.
 */
struct router_revocation {
    struct name name;
    struct span serial;
    struct span spki_hash;
};

MUST_CHECK enum mlt_err router_sync_begin(struct router *r);
MUST_CHECK enum mlt_err router_member(struct router *r, const struct name *name);
MUST_CHECK enum mlt_err router_revoked(struct router *r, const struct router_revocation *what);
void router_sync_end(struct router *r);

/*
 * A time, both ends exclusive, of which ca's ledger may have lost certificates: those issued then
 * are in doubt, but for the known ones.  Within a synchronisation alone (else MLT_ERR_UNEXPECTED),
 * in force at its end, when sessions of those in doubt end (CLOSE_AGAIN); MLT_ERR_TOO_MANY beyond
 * LIMIT_EPOCHS.  A known serial counts at once.
 */
MUST_CHECK enum mlt_err router_gap(struct router *r, int64_t from_s, int64_t until_s);
MUST_CHECK enum mlt_err router_known(struct router *r, struct span serial);

/*
 * The serials of a CRL, instead of those of the one before; takes them.  They stay refused whatever
 * ca names: one that comes back from an older copy of its files revokes nothing less.
 */
void router_listed(struct router *r, struct key_set *serials);

/* By serial or by key: a revoked key is never good again. */
bool router_is_revoked(const struct router *r, const struct cert *cert);
/* See router_gap. */
bool router_is_in_doubt(const struct router *r, const struct cert *cert);

/* A session of somebody admitted; `kind` RECEIVE ends an older one (CLOSE_REPLACED). */
struct route_facts {
    enum client_auth_kind kind;
    const struct cert *cert; /* copied from */
    void *link;
    int64_t ends_ms; /* monotonic: when the certificate expires, as the clock stands now */
};

/* May this name have one more session?  Asked before router_join, while it can still be told. */
bool router_has_room(const struct router *r, const struct name *name);

MUST_CHECK enum mlt_err router_join(struct router *r, const struct route_facts *facts,
                                    struct route **route);

/* Does the session stand on this certificate? */
bool router_is_of(const struct route *route, const uint8_t serial[static CERT_SERIAL]);

/*
 * It does on this one from now on.  MLT_ERR_AUTH if that is of another name or key,
 * MLT_ERR_CERT_REVOKED, MLT_ERR_UNEXPECTED if it is in doubt; then nothing has changed.
 */
MUST_CHECK enum mlt_err router_renewed(struct router *r, struct route *route,
                                       const struct cert *cert, int64_t ends_ms);

/* Ends what has expired (CLOSE_EXPIRED). */
void router_expire(struct router *r, int64_t mono_ms);

/* The session ended: what it had not confirmed goes to the mailbox. */
void router_leave(struct router *r, struct route *route);

/*
 * A SEND record.  Answered by an outcome, now or later, unless the same message comes once more
 * from another session: that one is answered then.  After a passing outcome for number n of a
 * stream, its later numbers are refused busy in this session until n itself comes again; a session
 * with more than LIMIT_BLOCKED_STREAMS such streams ends (CLOSE_SLOW).  PROTOCOL.md 8.3
 */
void router_send(struct router *r, struct route *route, const struct envelope *e, int64_t now_ms);

/* A RECEIPT record; DELIVERED for what did not go to this session, or is confirmed, is ignored.
 * MLT_ERR_UNEXPECTED from a session that gets no mail. */
MUST_CHECK enum mlt_err router_receipt(struct router *r, struct route *route,
                                       const struct receipt *receipt, int64_t now_ms);

/* A NOTED record. */
void router_noted(struct router *r, struct route *route, const struct noted *noted);

/* ---- the mailboxes' answers ---- */

/* What is there at start, before the first session; known members or not. */
MUST_CHECK enum mlt_err router_box(struct router *r, const struct name *recipient,
                                   uint64_t messages);

/* `outcome` is STORED, DELIVERED or REFUSED (mail_store.h, MAIL_PUT); its id is not looked at. */
struct router_put_result {
    struct outcome outcome;
    int64_t row;
    bool fresh;
};
void router_put_done(struct router *r, void *ticket, const struct router_put_result *result,
                     int64_t now_ms);

/* `err`: MLT_OK, MLT_ERR_STATE when this login can no longer open stored mail (the session is
 * ended, CLOSE_AGAIN), anything else is tried again later.  `envelopes` are borrowed; one that is
 * not readable is damaged, and its sender is asked to send it again.  A ticket of a session gone is
 * ignored. */
struct router_stored {
    int64_t row;
    bool readable;
    struct envelope envelope; /* if readable */
};
struct router_read_result {
    uint64_t ticket;
    enum mlt_err err;
    const struct router_stored *messages;
    size_t count;
    bool end;
};
void router_read_done(struct router *r, const struct router_read_result *result, int64_t now_ms);

/* A message left its mailbox (delivered, damaged, expired): its sender's sessions hear it. */
void router_removed(struct router *r, const struct router_notice *notice, int64_t now_ms);

/* His mailbox was erased: what lay there counts no more, and does not come to router_removed. */
void router_erased(struct router *r, const struct name *recipient, int64_t now_ms);

/* A notice that goes with no message of a mailbox's (READ, erased, or delivered after that or
 * after it had expired). */
void router_told(struct router *r, const struct router_notice *notice);

struct router_notices_result {
    uint64_t ticket;
    enum mlt_err err;
    const struct router_notice *notices;
    const int64_t *rows;
    size_t count;
    bool end;
};
void router_notices_done(struct router *r, const struct router_notices_result *result,
                         int64_t now_ms);

/* Time: what lies unconfirmed for LIMIT_SPOOL_MS goes to the mailbox; what failed is tried again.
 * Call four times a second, and router_expire with it. */
void router_tick(struct router *r, int64_t now_ms);

/* Everything that is only in memory goes to the mailboxes, and so does what still comes: the server
 * stops when router_putting is 0. */
void router_stop(struct router *r);

size_t router_sessions(const struct router *r);
/* Messages in memory, whatever their state. */
size_t router_in_flight(const struct router *r);
/* Of them: given to the store, which has not answered. */
size_t router_putting(const struct router *r);
/* What they cost, in bytes. */
size_t router_memory(const struct router *r);

#endif
