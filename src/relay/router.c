/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "relay/admission.h"
#include "relay/router_state.h"

enum mlt_err router_new(const struct env *env, const struct router_out *out, struct router **r)
{
    CLEANUP(router_free) struct router *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->out = *out;
    TAILQ_INIT(&made->routes);
    TRY(roster_init(&made->roster, env));
    TRY(flight_table_init(&made->flights, env));
    *r = made;
    made = NULL;
    return MLT_OK;
}

/* ---- sessions ---- */

static const size_t ticket_slots = (size_t)1 << 24;

static enum mlt_err take_slot(struct router *r, struct route *route)
{
    if (r->first_free == r->slot_count) {
        struct route_slot *larger = NULL;
        size_t count = r->slot_count == 0 ? 64 : 2 * r->slot_count;
        ENSURE(count <= ticket_slots, MLT_ERR_TOO_MANY);
        TRY(ALLOC_ARRAY(count, &larger));
        if (r->slot_count > 0)
            memcpy(larger, r->slots, r->slot_count * sizeof(*larger));
        for (size_t i = r->slot_count; i < count; i++)
            larger[i].next_free = i + 1;
        alloc_free(r->slots);
        r->slots = larger;
        r->slot_count = count;
    }
    route->slot = r->first_free;
    r->first_free = r->slots[route->slot].next_free;
    r->slots[route->slot].route = route;
    return MLT_OK;
}

static void give_slot_back(struct router *r, const struct route *route)
{
    r->slots[route->slot] = (struct route_slot) { .next_free = r->first_free };
    r->first_free = route->slot;
}

uint64_t router_ticket(struct router *r, const struct route *route)
{
    return ++r->tickets * ticket_slots + route->slot;
}

struct route *router_of_ticket(const struct router *r, uint64_t ticket)
{
    size_t slot = ticket % ticket_slots;
    return slot < r->slot_count ? r->slots[slot].route : NULL;
}

static void detach(struct router *r, struct route *route)
{
    struct member *member = route->member;
    /* First its own messages: one it sent to itself must not be answered any more. */
    while (!TAILQ_EMPTY(&route->awaiting))
        router_unask(TAILQ_FIRST(&route->awaiting));
    if (member->receiver == route)
        router_mail_depart(r, route);
    TAILQ_REMOVE(&member->routes, route, of_member);
    member->route_count--;
    TAILQ_REMOVE(&r->routes, route, of_router);
    r->route_count--;
    give_slot_back(r, route);
    alloc_free(route->blocked);
    alloc_free(route);
}

void router_end_route(struct router *r, struct route *route, enum close_reason reason)
{
    void *link = route->link;
    detach(r, route);
    r->out.end(r->out.ctx, link, reason);
}

void router_doom(struct router *r, struct route *route, enum close_reason reason)
{
    if (route->doom != 0)
        return;
    route->doom = reason;
    r->has_doomed = true;
}

void router_end_doomed(struct router *r)
{
    if (!r->has_doomed)
        return;
    r->has_doomed = false;
    struct route *next = NULL;
    for (struct route *route = TAILQ_FIRST(&r->routes); route != NULL; route = next) {
        next = TAILQ_NEXT(route, of_router);
        if (route->doom != 0)
            router_end_route(r, route, route->doom);
    }
}

void router_free(struct router **r)
{
    struct router *gone = *r;
    if (gone == NULL)
        return;
    for (size_t i = 0; i < gone->roster.capacity; i++) {
        for (struct member *m = gone->roster.buckets[i]; m != NULL; m = m->next)
            router_mail_forget(gone, m);
    }
    while (!TAILQ_EMPTY(&gone->routes)) {
        struct route *route = TAILQ_FIRST(&gone->routes);
        TAILQ_REMOVE(&gone->routes, route, of_router);
        alloc_free(route->blocked);
        alloc_free(route);
    }
    alloc_free(gone->slots);
    flight_table_clear(&gone->flights);
    roster_clear(&gone->roster);
    router_authority_clear(gone);
    alloc_free(gone);
    *r = NULL;
}

bool router_has_room(const struct router *r, const struct name *name)
{
    const struct member *member = roster_find(&r->roster, name);
    return member == NULL || member->route_count < LIMIT_SESSIONS_OF_ONE;
}

static void free_route(struct route **route)
{
    alloc_free(*route);
    *route = NULL;
}

static enum mlt_err new_route(struct router *r, const struct route_facts *facts,
                              struct member *member, struct route **route)
{
    CLEANUP(free_route) struct route *made = NULL;
    TRY(ALLOC_NEW(&made));
    TRY(take_slot(r, made));
    made->member = member;
    made->kind = facts->kind;
    memcpy(made->serial, facts->cert->fields.serial, CERT_SERIAL);
    memcpy(made->spki_hash, facts->cert->spki_hash, HASH_LEN);
    made->issued_s = router_issued_s(facts->cert);
    made->ends_ms = facts->ends_ms;
    made->link = facts->link;
    TAILQ_INIT(&made->awaiting);
    TAILQ_INSERT_TAIL(&member->routes, made, of_member);
    member->route_count++;
    TAILQ_INSERT_TAIL(&r->routes, made, of_router);
    r->route_count++;
    *route = made;
    made = NULL;
    return MLT_OK;
}

enum mlt_err router_join(struct router *r, const struct route_facts *facts, struct route **route)
{
    struct member *member = NULL;
    TRY(roster_get(&r->roster, &facts->cert->fields.name, &member));
    /* A certificate of this CA is as good as its list: the name exists. */
    member->known = true;
    member->generation = r->generation;
    struct route *made = NULL;
    TRY(new_route(r, facts, member, &made));
    *route = made;
    struct route *older = member->receiver;
    if (older != NULL && admission_replaces(made->kind, older->kind))
        router_end_route(r, older, CLOSE_REPLACED);
    if (made->kind == CLIENT_AUTH_RECEIVE)
        router_mail_arrive(r, made);
    router_notices_settle(r, made);
    return MLT_OK;
}

void router_leave(struct router *r, struct route *route)
{
    detach(r, route);
}

/* ---- time ---- */

bool router_may_retry(int64_t not_before_ms, int64_t now_ms)
{
    return now_ms >= not_before_ms || not_before_ms - now_ms > LIMIT_STORE_RETRY_MS;
}

void router_tick(struct router *r, int64_t now_ms)
{
    struct route *next = NULL;
    for (struct route *route = TAILQ_FIRST(&r->routes); route != NULL; route = next) {
        next = TAILQ_NEXT(route, of_router);
        if (route->member->receiver == route)
            router_mail_tick(r, route, now_ms);
        router_notices_tick(r, route, now_ms);
    }
    router_end_doomed(r);
}

void router_stop(struct router *r)
{
    r->stopping = true;
    struct route *route = NULL;
    TAILQ_FOREACH(route, &r->routes, of_router)
    {
        if (route->member->receiver == route)
            router_mail_spool(r, route->member);
    }
}

size_t router_sessions(const struct router *r)
{
    return r->route_count;
}

size_t router_in_flight(const struct router *r)
{
    return r->flights.count;
}

size_t router_putting(const struct router *r)
{
    return r->putting_count;
}

size_t router_memory(const struct router *r)
{
    return r->flights.count * sizeof(struct flight) + r->flights.body_bytes;
}
