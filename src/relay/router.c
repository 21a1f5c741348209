/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/router.h"

#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "relay/admission.h"
#include "relay/key_set.h"
#include "relay/roster.h"

struct route {
    TAILQ_ENTRY(route) of_router;
    TAILQ_ENTRY(route) of_member;
    struct member *member;
    enum client_auth_kind kind;
    uint8_t serial[CERT_SERIAL];
    uint8_t spki_hash[HASH_LEN];
    int64_t not_after_s;
    void *link;
    struct flight_list arriving; /* forwarded to this session, not confirmed */
    size_t arriving_count, arriving_bytes;
    size_t unanswered; /* sent by this session, no outcome yet */
};

struct revoked_keys {
    struct key_set serials, keys;
};

struct router {
    struct router_out out;
    struct roster roster;
    struct revoked_keys revoked;
    struct revoked_keys named; /* what the running synchronisation named so far */
    bool syncing;
    uint64_t generation;
    struct route_list routes;
    size_t route_count;
    size_t flight_count;
};

static void clear_revoked(struct revoked_keys *keys)
{
    key_set_clear(&keys->serials);
    key_set_clear(&keys->keys);
}

static enum mlt_err add_revoked(struct revoked_keys *keys, const struct router_revocation *what)
{
    TRY(key_set_add(&keys->serials, what->serial));
    return key_set_add(&keys->keys, what->spki_hash);
}

enum mlt_err router_new(const struct env *env, const struct router_out *out, struct router **r)
{
    CLEANUP(router_free) struct router *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->out = *out;
    TAILQ_INIT(&made->routes);
    TRY(roster_init(&made->roster, env));
    *r = made;
    made = NULL;
    return MLT_OK;
}

/* ---- flights ---- */

static void tell(struct router *r, struct route *to, const uint8_t id[static ENVELOPE_ID],
                 enum outcome_state state, enum outcome_reason reason)
{
    struct outcome o = { .state = state, .reason = reason };
    memcpy(o.id, id, ENVELOPE_ID);
    r->out.outcome(r->out.ctx, to->link, &o);
}

static void end_flight(struct router *r, struct flight *f, enum outcome_state state)
{
    TAILQ_REMOVE(&f->from->sent, f, of_sender);
    TAILQ_REMOVE(&f->recipient->arriving, f, of_recipient);
    f->recipient->arriving_count--;
    f->recipient->arriving_bytes -= f->bytes;
    r->flight_count--;
    if (f->sender != NULL) {
        f->from->awaited--;
        f->sender->unanswered--;
        tell(r, f->sender, f->id, state, OUTCOME_REASON_NONE);
    }
    alloc_free(f);
}

static enum mlt_err start_flight(struct router *r, struct route *sender, struct route *recipient,
                                 const struct envelope *e)
{
    struct flight *f = NULL;
    TRY(ALLOC_NEW(&f));
    memcpy(f->id, e->id, ENVELOPE_ID);
    f->bytes = e->body.n;
    f->from = sender->member;
    f->sender = sender;
    f->recipient = recipient;
    TAILQ_INSERT_TAIL(&f->from->sent, f, of_sender);
    f->from->awaited++;
    TAILQ_INSERT_TAIL(&recipient->arriving, f, of_recipient);
    recipient->arriving_count++;
    recipient->arriving_bytes += f->bytes;
    sender->unanswered++;
    r->flight_count++;
    return MLT_OK;
}

static bool is_under_way(const struct member *from, const uint8_t id[static ENVELOPE_ID])
{
    struct flight *f = NULL;
    TAILQ_FOREACH(f, &from->sent, of_sender)
    {
        if (span_eq(SPAN_OF(f->id), span_of(id, ENVELOPE_ID)))
            return true;
    }
    return false;
}

/* ---- sessions ---- */

static void detach(struct router *r, struct route *route)
{
    struct member *member = route->member;
    /* First its own messages: one it sent to itself must not be answered any more. */
    struct flight *f = NULL;
    TAILQ_FOREACH(f, &member->sent, of_sender)
    {
        if (f->sender != route)
            continue;
        f->sender = NULL;
        member->awaited--;
    }
    while (!TAILQ_EMPTY(&route->arriving))
        end_flight(r, TAILQ_FIRST(&route->arriving), OUTCOME_UNKNOWN);
    if (member->receiver == route)
        member->receiver = NULL;
    TAILQ_REMOVE(&member->routes, route, of_member);
    member->route_count--;
    TAILQ_REMOVE(&r->routes, route, of_router);
    r->route_count--;
    alloc_free(route);
}

static void end_route(struct router *r, struct route *route, enum close_reason reason)
{
    void *link = route->link;
    detach(r, route);
    r->out.end(r->out.ctx, link, reason);
}

void router_free(struct router **r)
{
    struct router *gone = *r;
    if (gone == NULL)
        return;
    struct route *route = NULL;
    TAILQ_FOREACH(route, &gone->routes, of_router)
    {
        while (!TAILQ_EMPTY(&route->arriving)) {
            struct flight *f = TAILQ_FIRST(&route->arriving);
            TAILQ_REMOVE(&route->arriving, f, of_recipient);
            alloc_free(f);
        }
    }
    while (!TAILQ_EMPTY(&gone->routes)) {
        route = TAILQ_FIRST(&gone->routes);
        TAILQ_REMOVE(&gone->routes, route, of_router);
        alloc_free(route);
    }
    roster_clear(&gone->roster);
    clear_revoked(&gone->revoked);
    clear_revoked(&gone->named);
    alloc_free(gone);
    *r = NULL;
}

bool router_has_room(const struct router *r, const struct name *name)
{
    const struct member *member = roster_find(&r->roster, name);
    return member == NULL || member->route_count < LIMIT_SESSIONS_OF_ONE;
}

enum mlt_err router_join(struct router *r, const struct route_facts *facts, struct route **route)
{
    struct member *member = NULL;
    TRY(roster_get(&r->roster, &facts->cert->fields.name, &member));
    /* A certificate of this CA is as good as its list: the name exists. */
    member->known = true;
    member->generation = r->generation;
    struct route *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->member = member;
    made->kind = facts->kind;
    memcpy(made->serial, facts->cert->fields.serial, CERT_SERIAL);
    memcpy(made->spki_hash, facts->cert->spki_hash, HASH_LEN);
    made->not_after_s = facts->cert->fields.not_after_s;
    made->link = facts->link;
    TAILQ_INIT(&made->arriving);
    TAILQ_INSERT_TAIL(&member->routes, made, of_member);
    member->route_count++;
    TAILQ_INSERT_TAIL(&r->routes, made, of_router);
    r->route_count++;
    struct route *older = member->receiver;
    if (older != NULL && admission_replaces(made->kind, older->kind))
        end_route(r, older, CLOSE_REPLACED);
    if (made->kind == CLIENT_AUTH_RECEIVE)
        member->receiver = made;
    *route = made;
    return MLT_OK;
}

void router_leave(struct router *r, struct route *route)
{
    detach(r, route);
}

void router_tick(struct router *r, int64_t now_ms)
{
    struct route *next = NULL;
    for (struct route *route = TAILQ_FIRST(&r->routes); route != NULL; route = next) {
        next = TAILQ_NEXT(route, of_router);
        if (now_ms / 1000 >= route->not_after_s)
            end_route(r, route, CLOSE_EXPIRED);
    }
}

size_t router_sessions(const struct router *r)
{
    return r->route_count;
}

size_t router_in_flight(const struct router *r)
{
    return r->flight_count;
}

/* ---- ca's word ---- */

enum mlt_err router_sync_begin(struct router *r)
{
    clear_revoked(&r->named);
    r->generation++;
    r->syncing = true;
    return MLT_OK;
}

enum mlt_err router_member(struct router *r, const struct name *name)
{
    struct member *member = NULL;
    TRY(roster_get(&r->roster, name, &member));
    member->known = true;
    member->generation = r->generation;
    return MLT_OK;
}

static void end_revoked(struct router *r, const struct router_revocation *what)
{
    struct member *member = roster_find(&r->roster, &what->name);
    if (member == NULL)
        return;
    struct route *next = NULL;
    for (struct route *route = TAILQ_FIRST(&member->routes); route != NULL; route = next) {
        next = TAILQ_NEXT(route, of_member);
        if (span_eq(SPAN_OF(route->serial), what->serial) ||
            span_eq(SPAN_OF(route->spki_hash), what->spki_hash))
            end_route(r, route, CLOSE_REVOKED);
    }
}

enum mlt_err router_revoked(struct router *r, const struct router_revocation *what)
{
    if (r->syncing)
        TRY(add_revoked(&r->named, what));
    TRY(add_revoked(&r->revoked, what));
    end_revoked(r, what);
    return MLT_OK;
}

void router_sync_end(struct router *r)
{
    if (!r->syncing)
        return;
    clear_revoked(&r->revoked);
    r->revoked = r->named;
    r->named = (struct revoked_keys) { 0 };
    r->syncing = false;
    roster_sweep(&r->roster, r->generation);
}

bool router_is_revoked(const struct router *r, const struct cert *cert)
{
    return key_set_has(&r->revoked.serials, SPAN_OF(cert->fields.serial)) ||
           key_set_has(&r->revoked.keys, SPAN_OF(cert->spki_hash));
}

/* ---- messages ---- */

/* The recipient exists and is not connected: the one place where a mailbox would take over. */
static enum outcome_reason recipient_is_away(struct router *r, struct route *sender,
                                             const struct envelope *e)
{
    (void)r;
    (void)sender;
    (void)e;
    return OUTCOME_REASON_AWAY;
}

static enum outcome_reason forward(struct router *r, struct route *sender, struct route *recipient,
                                   const struct envelope *e, int64_t now_ms)
{
    /* Busy long before his queue is full: a flood must not cost the recipient his session. */
    if (recipient->arriving_count >= LIMIT_IN_FLIGHT ||
        recipient->arriving_bytes + e->body.n > LIMIT_IN_FLIGHT_BYTES ||
        start_flight(r, sender, recipient, e) != MLT_OK)
        return OUTCOME_REASON_BUSY;
    /* The sender is who the handshake proved, the time is ours. */
    struct envelope delivered = *e;
    delivered.sender = (struct address) { .kind = ADDRESS_USER, .name = sender->member->name };
    delivered.time_ms = now_ms;
    r->out.deliver(r->out.ctx, recipient->link, &delivered);
    return OUTCOME_REASON_NONE;
}

static enum outcome_reason decide(struct router *r, struct route *sender, const struct envelope *e,
                                  int64_t now_ms)
{
    if (sender->unanswered >= LIMIT_SEND_WINDOW || sender->member->awaited >= LIMIT_IN_FLIGHT)
        return OUTCOME_REASON_BUSY;
    if (is_under_way(sender->member, e->id))
        return OUTCOME_REASON_DUPLICATE;
    struct member *to = roster_find(&r->roster, &e->recipient.name);
    if (to == NULL || !to->known)
        return OUTCOME_REASON_NO_SUCH_NAME;
    if (to->receiver == NULL)
        return recipient_is_away(r, sender, e);
    return forward(r, sender, to->receiver, e, now_ms);
}

void router_send(struct router *r, struct route *route, const struct envelope *e, int64_t now_ms)
{
    enum outcome_reason reason = decide(r, route, e, now_ms);
    if (reason != OUTCOME_REASON_NONE)
        tell(r, route, e->id, OUTCOME_REFUSED, reason);
}

enum mlt_err router_receipt(struct router *r, struct route *route, const struct receipt *receipt)
{
    ENSURE(route->kind == CLIENT_AUTH_RECEIVE, MLT_ERR_UNEXPECTED);
    struct flight *f = NULL;
    TAILQ_FOREACH(f, &route->arriving, of_recipient)
    {
        if (span_eq(SPAN_OF(f->id), SPAN_OF(receipt->id)) &&
            name_eq(&f->from->name, &receipt->sender.name)) {
            end_flight(r, f, OUTCOME_DELIVERED);
            return MLT_OK;
        }
    }
    return MLT_OK;
}
