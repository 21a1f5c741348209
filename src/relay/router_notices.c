/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/router_state.h"

void router_notices_settle(struct router *r, struct route *route)
{
    struct route_notices *n = &route->notices;
    if (n->ended || n->ticket != 0 || n->unnoted > 0 || n->not_before_ms != 0 || r->stopping)
        return;
    n->ticket = router_ticket(r, route);
    const struct router_read_notices read = {
        .sender = route->member->name, .after = n->after, .most = LIMIT_NOTICES, .ticket = n->ticket
    };
    r->out.read_notices(r->out.ctx, &read);
}

void router_notices_done(struct router *r, const struct router_notices_result *result,
                         int64_t now_ms)
{
    struct route *route = router_of_ticket(r, result->ticket);
    if (route == NULL || route->notices.ticket != result->ticket)
        return;
    struct route_notices *n = &route->notices;
    n->ticket = 0;
    if (result->err != MLT_OK) {
        n->not_before_ms = now_ms + LIMIT_STORE_RETRY_MS;
        return;
    }
    for (size_t i = 0; i < result->count; i++) {
        r->out.outcome(r->out.ctx, route->link, &result->notices[i].outcome);
        n->after = result->rows[i];
    }
    n->unnoted = result->count;
    n->ended = result->end || result->count == 0;
}

/* Those that were pushed are counted down as well: the next batch then comes a little early. */
void router_noted(struct router *r, struct route *route, const struct noted *noted)
{
    r->out.noted(r->out.ctx, &route->member->name, noted);
    if (route->notices.unnoted > 0)
        route->notices.unnoted--;
    router_notices_settle(r, route);
}

void router_notices_tick(struct router *r, struct route *route, int64_t now_ms)
{
    struct route_notices *n = &route->notices;
    if (n->not_before_ms == 0 || !router_may_retry(n->not_before_ms, now_ms))
        return;
    n->not_before_ms = 0;
    router_notices_settle(r, route);
}

/* Its recipient may have been sent it before that, and confirm it yet. */
static void lose_row(struct router *r, const struct member *sender,
                     const struct router_notice *notice)
{
    const struct outcome *o = &notice->outcome;
    const struct member *to = roster_find(&r->roster, &notice->recipient);
    if (to == NULL || (o->state != OUTCOME_EXPIRED && o->state != OUTCOME_REFUSED))
        return;
    struct flight *f = flight_find(&r->flights, sender, o->id, to);
    if (f != NULL)
        f->row_gone = true;
}

void router_told(struct router *r, const struct router_notice *notice)
{
    const struct member *sender = roster_find(&r->roster, &notice->sender);
    if (sender == NULL)
        return;
    lose_row(r, sender, notice);
    const struct route *route = NULL;
    TAILQ_FOREACH(route, &sender->routes, of_member)
    {
        r->out.outcome(r->out.ctx, route->link, &notice->outcome);
    }
}
