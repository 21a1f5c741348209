/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "relay/router_state.h"

/* ---- the order of a stream: PROTOCOL.md 8.3 ---- */

static struct blocked_stream *find_blocked(const struct route *route, const struct name *recipient,
                                           uint64_t epoch)
{
    for (size_t i = 0; i < route->blocked_count; i++) {
        struct blocked_stream *b = &route->blocked[i];
        if (b->epoch == epoch && name_eq(&b->recipient, recipient))
            return b;
    }
    return NULL;
}

/* Number `number` of this stream has to come again before anything later does. */
static void block(struct router *r, struct route *route, const struct blocked_stream *stream)
{
    struct blocked_stream *b = find_blocked(route, &stream->recipient, stream->epoch);
    if (b != NULL) {
        if (stream->number < b->number)
            b->number = stream->number;
        return;
    }
    if ((route->blocked == NULL && ALLOC_ARRAY(LIMIT_BLOCKED_STREAMS, &route->blocked) != MLT_OK) ||
        route->blocked_count == LIMIT_BLOCKED_STREAMS) {
        router_doom(r, route, CLOSE_SLOW);
        return;
    }
    route->blocked[route->blocked_count++] = *stream;
}

/* Is this one to wait for an earlier one?  Only that one opens its stream again: something still
 * earlier may be one that a mailbox lost, sent by who has not heard of the refusal yet. */
static bool is_blocked(struct route *route, const struct envelope *e)
{
    struct blocked_stream *b = find_blocked(route, &e->recipient.name, e->epoch);
    if (b == NULL)
        return false;
    if (e->number != b->number)
        return e->number > b->number;
    *b = route->blocked[--route->blocked_count];
    return false;
}

/* ---- outcomes ---- */

static void say(struct router *r, const struct route *to, const struct outcome *o)
{
    if (to->doom == 0)
        r->out.outcome(r->out.ctx, to->link, o);
}

void router_unask(struct flight *f)
{
    if (f->sender == NULL)
        return;
    TAILQ_REMOVE(&f->sender->awaiting, f, of_sender);
    f->sender->unanswered--;
    f->from->awaited--;
    f->sender = NULL;
}

void router_ask(struct flight *f, struct route *sender)
{
    f->sender = sender;
    TAILQ_INSERT_TAIL(&sender->awaiting, f, of_sender);
    sender->unanswered++;
    f->from->awaited++;
}

void router_tell_sender(struct router *r, struct flight *f, enum outcome_state state,
                        enum outcome_reason reason)
{
    struct route *sender = f->sender;
    if (sender == NULL)
        return;
    router_unask(f);
    struct outcome o = { .state = state, .reason = reason };
    memcpy(o.id, f->id, ENVELOPE_ID);
    say(r, sender, &o);
    if (outcome_is_passing(&o))
        block(r, sender, &(struct blocked_stream) { f->to->name, f->epoch, f->number });
}

/* ---- SEND ---- */

/* The same message again: its fate goes to whoever asked last. */
static enum outcome_reason adopt(struct router *r, struct route *sender, struct flight *f,
                                 const struct envelope *e)
{
    if (!name_eq(&f->to->name, &e->recipient.name) || f->sender == sender)
        return OUTCOME_REASON_DUPLICATE;
    if (f->state == FLIGHT_KEPT && f->row_gone)
        return OUTCOME_REASON_BUSY; /* nothing is stored, and soon he has it or not */
    /* Whoever asked before has an answer too (PROTOCOL.md 8.2).  Nobody sends one stream over two
     * links at once: what is left of it in that one comes from before, and must not pass this one
     * should it fail.  Or it is a copy of the same home, which sends it again. */
    router_tell_sender(r, f, OUTCOME_REFUSED, OUTCOME_REASON_BUSY);
    router_ask(f, sender);
    if (f->state == FLIGHT_KEPT)
        router_tell_sender(r, f, OUTCOME_STORED, OUTCOME_REASON_NONE);
    return OUTCOME_REASON_NONE;
}

static enum outcome_reason decide(struct router *r, struct route *sender, const struct envelope *e,
                                  int64_t now_ms)
{
    struct member *from = sender->member;
    if (is_blocked(sender, e) || sender->unanswered >= LIMIT_SEND_WINDOW ||
        from->awaited >= LIMIT_IN_FLIGHT)
        return OUTCOME_REASON_BUSY;
    struct flight *f = flight_find(&r->flights, from, e->id, NULL);
    if (f != NULL)
        return adopt(r, sender, f, e);
    struct member *to = roster_find(&r->roster, &e->recipient.name);
    if (to == NULL || !to->known)
        return OUTCOME_REASON_NO_SUCH_NAME;
    /* The sender is who the handshake proved, the time is ours. */
    struct envelope accepted = *e;
    accepted.sender = (struct address) { .kind = ADDRESS_USER, .name = from->name };
    accepted.time_ms = now_ms;
    const struct acceptance a = { .to = to, .sender = sender, .now_ms = now_ms };
    if (router_mail_accept(r, &a, &accepted) != MLT_OK)
        return OUTCOME_REASON_BUSY;
    return OUTCOME_REASON_NONE;
}

void router_send(struct router *r, struct route *route, const struct envelope *e, int64_t now_ms)
{
    enum outcome_reason reason = decide(r, route, e, now_ms);
    if (reason != OUTCOME_REASON_NONE) {
        struct outcome o = { .state = OUTCOME_REFUSED, .reason = reason };
        memcpy(o.id, e->id, ENVELOPE_ID);
        say(r, route, &o);
        if (outcome_is_passing(&o))
            block(r, route, &(struct blocked_stream) { e->recipient.name, e->epoch, e->number });
    }
    router_end_doomed(r);
}
