/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_ROUTER_H
#define MALOTE_RELAY_ROUTER_H

#include "base/env.h"
#include "pki/cert.h"
#include "wire/client_auth.h"
#include "wire/close.h"
#include "wire/envelope.h"
#include "wire/outcome.h"
#include "wire/receipt.h"

/*
 * Who is here, who may be, and where a message goes.  Events and time come in as arguments,
 * decisions go out through struct router_out: no socket, no clock, no session key.  PROTOCOL.md 8.
 */

struct router;
struct route; /* one session, as the router knows it */

/*
 * What the router decided.  `link` is what router_join was given.  None of these may call the
 * router.  After `end` the route is gone.
 */
struct router_out {
    void *ctx;
    void (*deliver)(void *ctx, void *link, const struct envelope *e); /* e: borrowed */
    void (*outcome)(void *ctx, void *link, const struct outcome *o);
    void (*end)(void *ctx, void *link, enum close_reason reason);
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

/* By serial or by key: a revoked key is never good again. */
bool router_is_revoked(const struct router *r, const struct cert *cert);

/* A session of somebody admitted; `kind` RECEIVE ends an older one (CLOSE_REPLACED). */
struct route_facts {
    enum client_auth_kind kind;
    const struct cert *cert; /* copied from */
    void *link;
};

/* May this name have one more session?  Asked before router_join, while it can still be told. */
bool router_has_room(const struct router *r, const struct name *name);

MUST_CHECK enum mlt_err router_join(struct router *r, const struct route_facts *facts,
                                    struct route **route);

/* The session ended: what it had not confirmed becomes OUTCOME_UNKNOWN to its senders. */
void router_leave(struct router *r, struct route *route);

/* A SEND record.  Always answered by an outcome, now or later. */
void router_send(struct router *r, struct route *route, const struct envelope *e, int64_t now_ms);

/* A RECEIPT record; one for a message not under way (any more) is ignored.  MLT_ERR_UNEXPECTED
 * from a session that gets no mail. */
MUST_CHECK enum mlt_err router_receipt(struct router *r, struct route *route,
                                       const struct receipt *receipt);

/* Ends the sessions whose certificate has expired.  Call about once a second. */
void router_tick(struct router *r, int64_t now_ms);

size_t router_sessions(const struct router *r);
size_t router_in_flight(const struct router *r);

#endif
