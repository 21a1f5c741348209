/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "relay/router_state.h"

/* ---- a flight, from state to state: the table in flight.h ---- */

static bool has_body(const struct flight *f)
{
    return f->state == FLIGHT_HELD || f->state == FLIGHT_FORWARDED;
}

static struct flight_list *list_of(struct member *to, enum flight_state state)
{
    if (state == FLIGHT_PUTTING)
        return &to->putting;
    return state == FLIGHT_KEPT ? &to->kept : &to->waiting;
}

static void enter(struct router *r, struct flight *f, enum flight_state state)
{
    f->state = state;
    TAILQ_INSERT_TAIL(list_of(f->to, state), f, of_recipient);
    if (has_body(f)) {
        f->to->waiting_count++;
        f->to->waiting_bytes += f->bytes;
    } else if (state == FLIGHT_PUTTING) {
        f->to->putting_count++;
        r->putting_count++;
    }
}

static void withdraw(struct router *r, struct flight *f)
{
    TAILQ_REMOVE(list_of(f->to, f->state), f, of_recipient);
    if (has_body(f)) {
        f->to->waiting_count--;
        f->to->waiting_bytes -= f->bytes;
    } else if (f->state == FLIGHT_PUTTING) {
        f->to->putting_count--;
        r->putting_count--;
    }
    f->state = FLIGHT_OVER;
}

/* Does this session have it, and owes a receipt? */
static bool is_owed(const struct flight *f)
{
    return f->receiver != NULL && !f->receipted;
}

static void confirm(struct flight *f)
{
    f->receiver->unconfirmed--;
    f->receiver->unconfirmed_bytes -= f->bytes;
    f->receipted = true;
}

static void finish(struct router *r, struct flight *f)
{
    if (is_owed(f))
        confirm(f);
    router_unask(f);
    if (f->state != FLIGHT_OVER)
        withdraw(r, f);
    flight_free(&r->flights, &f);
}

/* `e` is the flight's own envelope, or the one it was read from the mailbox with. */
static void forward(struct router *r, struct flight *f, struct route *to, const struct envelope *e)
{
    f->receiver = to;
    f->forwarded = true;
    to->unconfirmed++;
    to->unconfirmed_bytes += f->bytes;
    r->out.deliver(r->out.ctx, to->link, e);
}

static void put(struct router *r, struct flight *f, const struct envelope *e)
{
    enter(r, f, FLIGHT_PUTTING);
    r->out.put(r->out.ctx, e, f);
    flight_drop_body(&r->flights, f);
}

void router_mail_spool(struct router *r, struct member *to)
{
    struct route *route = to->receiver;
    if (route != NULL) {
        route->phase = ROUTE_DRAINING;
        route->is_slow = route->unconfirmed > 0;
    }
    while (!TAILQ_EMPTY(&to->waiting)) {
        struct flight *f = TAILQ_FIRST(&to->waiting);
        struct envelope e;
        flight_envelope(f, &e);
        withdraw(r, f);
        put(r, f, &e);
    }
}

/* ---- a new one ---- */

/* Room beside all that this session was sent and has not confirmed, and what is held for it. */
static bool has_room(const struct member *to, size_t bytes)
{
    const struct route *route = to->receiver;
    size_t count = route->unconfirmed, used = route->unconfirmed_bytes;
    if (route->phase == ROUTE_CATCHING_UP) {
        count += to->waiting_count;
        used += to->waiting_bytes;
    }
    return count < LIMIT_IN_FLIGHT && used + bytes <= LIMIT_IN_FLIGHT_BYTES;
}

/* The session that may have it without the store's help; NULL: the mailbox takes it. */
static struct route *taker(struct router *r, struct member *to, size_t bytes)
{
    struct route *route = to->receiver;
    if (route == NULL || r->stopping || route->phase == ROUTE_DRAINING)
        return NULL;
    if (has_room(to, bytes))
        return route;
    router_mail_spool(r, to);
    return NULL;
}

enum mlt_err router_mail_accept(struct router *r, const struct acceptance *a,
                                const struct envelope *e)
{
    struct flight *f = NULL;
    struct route *route = taker(r, a->to, e->body.n);
    const struct flight_way way = { .from = a->sender->member,
                                    .to = a->to,
                                    .with_body = route != NULL };
    TRY(flight_new(&r->flights, e, &way, &f));
    f->since_ms = a->now_ms;
    router_ask(f, a->sender);
    if (route == NULL) {
        put(r, f, e);
    } else if (route->phase == ROUTE_LIVE) {
        enter(r, f, FLIGHT_FORWARDED);
        forward(r, f, route, e);
    } else {
        enter(r, f, FLIGHT_HELD);
    }
    return MLT_OK;
}

/* ---- coming and going ---- */

void router_mail_arrive(struct router *r, struct route *route)
{
    struct member *to = route->member;
    to->receiver = route;
    route->drain.looked = !to->unsure;
    router_mail_settle(r, to, 0);
}

void router_mail_depart(struct router *r, struct route *route)
{
    struct member *to = route->member;
    struct flight *f = NULL;
    to->receiver = NULL;
    TAILQ_FOREACH(f, &to->waiting, of_recipient)
    {
        f->receiver = NULL;
    }
    TAILQ_FOREACH(f, &to->putting, of_recipient)
    {
        f->receiver = NULL;
    }
    while (!TAILQ_EMPTY(&to->kept)) {
        f = TAILQ_FIRST(&to->kept);
        f->receiver = NULL;
        finish(r, f);
    }
    router_mail_spool(r, to);
}

void router_mail_forget(struct router *r, struct member *to)
{
    struct flight_list *const lists[] = { &to->waiting, &to->putting, &to->kept };
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        while (!TAILQ_EMPTY(lists[i]))
            finish(r, TAILQ_FIRST(lists[i]));
    }
}

/* ---- reading the mailbox ---- */

static void ask_for_more(struct router *r, struct route *route)
{
    struct route_drain *drain = &route->drain;
    /* By half windows: a read for each receipt would be a read for each message. */
    if (drain->ticket != 0 || drain->not_before_ms != 0 ||
        route->unconfirmed > LIMIT_DRAIN_WINDOW / 2 ||
        route->unconfirmed_bytes > LIMIT_DRAIN_BYTES / 2)
        return;
    drain->ticket = router_ticket(r, route);
    drain->asked_at = route->member->changes;
    const struct router_read read = { .recipient = route->member->name,
                                      .after = drain->cursor,
                                      .most = LIMIT_DRAIN_WINDOW - route->unconfirmed,
                                      .most_bytes = LIMIT_DRAIN_BYTES - route->unconfirmed_bytes,
                                      .ticket = drain->ticket };
    r->out.read(r->out.ctx, route->link, &read);
}

/* Nothing lies in the mailbox that this session has not got. */
static bool is_at_end(const struct route *route)
{
    const struct member *to = route->member;
    const struct route_drain *drain = &route->drain;
    return (drain->ended && drain->ended_at == to->changes) || (to->messages == 0 && drain->looked);
}

static void go_live(struct router *r, struct route *route, int64_t now_ms)
{
    struct flight *f = NULL;
    route->phase = ROUTE_LIVE;
    TAILQ_FOREACH(f, &route->member->waiting, of_recipient)
    {
        struct envelope e;
        flight_envelope(f, &e);
        f->state = FLIGHT_FORWARDED;
        f->since_ms = now_ms;
        forward(r, f, route, &e);
    }
}

void router_mail_settle(struct router *r, struct member *to, int64_t now_ms)
{
    struct route *route = to->receiver;
    if (route == NULL || route->phase == ROUTE_LIVE || route->drain.ticket != 0 || r->stopping)
        return;
    /* Until he confirms something his senders are better off with his mailbox. */
    if (route->is_slow && route->unconfirmed > 0)
        return;
    if (!is_at_end(route)) {
        ask_for_more(r, route);
        return;
    }
    if (to->putting_count == 0)
        go_live(r, route, now_ms);
    else
        route->phase = ROUTE_CATCHING_UP;
}

/* A row whose message is in memory as well: it was sent again, or its put is not answered yet. */
static void meet(struct router *r, struct flight *f, struct route *route,
                 const struct router_stored *stored)
{
    f->row = stored->row;
    f->row_gone = false;
    bool has_it = f->receiver == route || f->receipted;
    if (has_body(f)) {
        withdraw(r, f);
        flight_drop_body(&r->flights, f);
        enter(r, f, FLIGHT_KEPT);
        router_tell_sender(r, f, OUTCOME_STORED, OUTCOME_REASON_NONE);
    }
    if (!has_it)
        forward(r, f, route, &stored->envelope);
}

static enum mlt_err take_stored(struct router *r, struct route *route,
                                const struct router_stored *stored)
{
    struct member *from = NULL, *to = route->member;
    if (!stored->readable) {
        r->out.remove(r->out.ctx, &to->name, stored->row, OUTCOME_UNKNOWN);
        return MLT_OK;
    }
    TRY(roster_get(&r->roster, &stored->envelope.sender.name, &from));
    struct flight *f = flight_find(&r->flights, from, stored->envelope.id, to);
    if (f != NULL) {
        meet(r, f, route, stored);
        return MLT_OK;
    }
    const struct flight_way way = { .from = from, .to = to, .with_body = false };
    TRY(flight_new(&r->flights, &stored->envelope, &way, &f));
    f->row = stored->row;
    enter(r, f, FLIGHT_KEPT);
    forward(r, f, route, &stored->envelope);
    return MLT_OK;
}

/* False: something is wrong, the rest is read again later. */
static bool take_batch(struct router *r, struct route *route,
                       const struct router_read_result *result)
{
    struct route_drain *drain = &route->drain;
    if (result->err != MLT_OK || (result->count == 0 && !result->end))
        return false;
    for (size_t i = 0; i < result->count; i++) {
        const struct router_stored *stored = &result->messages[i];
        if (stored->row <= drain->cursor)
            continue;
        if (take_stored(r, route, stored) != MLT_OK)
            return false;
        drain->cursor = stored->row;
    }
    return true;
}

/* The mailbox is empty, and nothing was on its way there when it was looked into. */
static void note_empty(struct member *to, const struct route_drain *drain)
{
    if (drain->cursor == 0 && drain->asked_at == to->changes && to->putting_count == 0) {
        to->messages = 0;
        to->unsure = false;
    }
}

void router_read_done(struct router *r, const struct router_read_result *result, int64_t now_ms)
{
    struct route *route = router_of_ticket(r, result->ticket);
    if (route == NULL || route->drain.ticket != result->ticket || r->stopping)
        return;
    struct route_drain *drain = &route->drain;
    drain->ticket = 0;
    if (result->err == MLT_ERR_STATE) {
        router_end_route(r, route, CLOSE_AGAIN);
        return;
    }
    if (!take_batch(r, route, result)) {
        drain->not_before_ms = now_ms + LIMIT_STORE_RETRY_MS;
    } else if (result->end) {
        drain->ended = true;
        drain->ended_at = drain->asked_at;
        route->phase = ROUTE_CATCHING_UP;
        note_empty(route->member, drain);
    }
    /* A store that cannot be read does not keep him from what comes now: had his mailbox something
     * that was never acknowledged, its sender sends it again. */
    if (drain->not_before_ms != 0 || result->end)
        drain->looked = true;
    router_mail_settle(r, route->member, now_ms);
    router_end_doomed(r);
}

/* ---- the store's answer to a put ---- */

static void note_box(struct flight *f, const struct router_put_result *result)
{
    struct member *to = f->to;
    const struct outcome *o = &result->outcome;
    if (o->state == OUTCOME_STORED && result->fresh) {
        to->messages++;
        to->changes++;
        /* It came live, so its row is behind all that this session has got.  (What was read from
         * the mailbox instead, and went from there meanwhile, is now behind what it has not.) */
        if (f->receiver != NULL && f->row == 0 && result->row > f->receiver->drain.cursor)
            f->receiver->drain.cursor = result->row;
        return;
    }
    /* There was one that is not counted, or there may be: a failed write can still come true. */
    if (o->state == OUTCOME_STORED ||
        (o->state == OUTCOME_REFUSED && o->reason == OUTCOME_REASON_NO_ROOM)) {
        to->unsure = true;
        to->changes++;
    }
    if (o->state == OUTCOME_STORED && to->receiver != NULL)
        to->receiver->drain.looked = false;
}

/* What waits behind a message that has to come again must not pass it. */
static void refuse_later(struct router *r, const struct flight *failed)
{
    struct flight *next = NULL;
    for (struct flight *f = TAILQ_FIRST(&failed->to->waiting); f != NULL; f = next) {
        next = TAILQ_NEXT(f, of_recipient);
        if (f->from != failed->from || f->epoch != failed->epoch || f->number <= failed->number ||
            f->state != FLIGHT_HELD)
            continue;
        router_tell_sender(r, f, OUTCOME_REFUSED, OUTCOME_REASON_BUSY);
        finish(r, f);
    }
}

/* Of the message `id` of `from` to `by`. */
static void tell(struct router *r, const struct member *from, const struct member *by,
                 const uint8_t id[static ENVELOPE_ID], enum outcome_state state)
{
    struct router_notice notice = { .sender = from->name,
                                    .recipient = by->name,
                                    .outcome = { .state = state, .kept = true } };
    memcpy(notice.outcome.id, id, ENVELOPE_ID);
    r->out.tell(r->out.ctx, &notice);
}

static void settle_put(struct router *r, struct flight *f, const struct router_put_result *result)
{
    struct outcome o = result->outcome;
    if (o.state == OUTCOME_STORED) {
        f->row = result->row;
        f->row_gone = false;
    } else if (o.state == OUTCOME_REFUSED && f->row != 0 && !f->row_gone) {
        o = (struct outcome) { .state = OUTCOME_STORED };
    }
    if (f->receipted) {
        if (f->row != 0)
            r->out.remove(r->out.ctx, &f->to->name, f->row, OUTCOME_DELIVERED);
        o = (struct outcome) { .state = OUTCOME_DELIVERED };
        if (f->was_read) /* after its removal, which says delivered */
            tell(r, f->from, f->to, f->id, OUTCOME_READ);
    } else if (o.state == OUTCOME_REFUSED && f->forwarded) {
        o = (struct outcome) { .state = OUTCOME_UNKNOWN };
    }
    router_tell_sender(r, f, o.state, o.reason);
    if (outcome_is_passing(&o))
        refuse_later(r, f);
    if (o.state == OUTCOME_STORED && f->receiver != NULL)
        enter(r, f, FLIGHT_KEPT);
    else
        finish(r, f);
}

void router_put_done(struct router *r, void *ticket, const struct router_put_result *result,
                     int64_t now_ms)
{
    struct flight *f = ticket;
    struct member *to = f->to;
    note_box(f, result);
    withdraw(r, f);
    settle_put(r, f, result);
    router_mail_settle(r, to, now_ms);
    router_end_doomed(r);
}

/* ---- receipts ---- */

/* Best effort: one that comes before its receipt is nothing. */
static void take_read(struct router *r, const struct route *route, const struct receipt *receipt)
{
    const struct member *sender = roster_find(&r->roster, &receipt->sender.name);
    if (sender == NULL || !sender->known)
        return;
    struct flight *f = flight_find(&r->flights, sender, receipt->id, route->member);
    if (f == NULL)
        tell(r, sender, route->member, receipt->id, OUTCOME_READ);
    else if (f->receipted)
        f->was_read = true;
}

static void confirm_flight(struct router *r, struct flight *f)
{
    switch (f->state) {
    case FLIGHT_FORWARDED:
        router_tell_sender(r, f, OUTCOME_DELIVERED, OUTCOME_REASON_NONE);
        finish(r, f);
        break;
    case FLIGHT_KEPT:
        if (f->row_gone) /* that it arrived is the better news */
            tell(r, f->from, f->to, f->id, OUTCOME_DELIVERED);
        else
            r->out.remove(r->out.ctx, &f->to->name, f->row, OUTCOME_DELIVERED);
        finish(r, f);
        break;
    default: /* PUTTING: where its row is, is not known yet */
        confirm(f);
        break;
    }
}

enum mlt_err router_receipt(struct router *r, struct route *route, const struct receipt *receipt,
                            int64_t now_ms)
{
    ENSURE(route->kind == CLIENT_AUTH_RECEIVE, MLT_ERR_UNEXPECTED);
    if (receipt->state == OUTCOME_READ) {
        take_read(r, route, receipt);
        return MLT_OK;
    }
    const struct member *sender = roster_find(&r->roster, &receipt->sender.name);
    struct flight *f =
        sender == NULL ? NULL : flight_find(&r->flights, sender, receipt->id, route->member);
    if (f == NULL || f->receiver != route || f->receipted)
        return MLT_OK;
    route->is_slow = false;
    confirm_flight(r, f);
    router_mail_settle(r, route->member, now_ms);
    return MLT_OK;
}

/* ---- the rest ---- */

enum mlt_err router_box(struct router *r, const struct name *recipient, uint64_t messages)
{
    struct member *to = NULL;
    TRY(roster_get(&r->roster, recipient, &to));
    to->messages = messages;
    return MLT_OK;
}

void router_erased(struct router *r, const struct name *recipient, int64_t now_ms)
{
    struct member *to = roster_find(&r->roster, recipient);
    if (to == NULL)
        return;
    /* Looked into before it is believed, like any mailbox of which too little may be known. */
    to->messages = 0;
    to->unsure = true;
    to->changes++;
    if (to->receiver != NULL)
        to->receiver->drain.looked = false;
    router_mail_settle(r, to, now_ms);
}

void router_removed(struct router *r, const struct router_notice *notice, int64_t now_ms)
{
    struct member *to = roster_find(&r->roster, &notice->recipient);
    if (to != NULL) {
        if (to->messages > 0)
            to->messages--;
        else
            to->unsure = true;
    }
    router_told(r, notice);
    if (to != NULL)
        router_mail_settle(r, to, now_ms);
}

void router_mail_tick(struct router *r, struct route *receiver, int64_t now_ms)
{
    struct member *to = receiver->member;
    struct flight *oldest = TAILQ_FIRST(&to->waiting);
    if (oldest != NULL) {
        /* The clock is the wall's, and may be set back. */
        if (oldest->since_ms > now_ms)
            oldest->since_ms = now_ms;
        if (now_ms - oldest->since_ms >= LIMIT_SPOOL_MS)
            router_mail_spool(r, to);
    }
    if (router_may_retry(receiver->drain.not_before_ms, now_ms))
        receiver->drain.not_before_ms = 0;
    router_mail_settle(r, to, now_ms);
}
