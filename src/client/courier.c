/* SPDX-License-Identifier: Apache-2.0 */
#include "client/courier.h"

#include <string.h>

#include "base/alloc.h"
#include "client/under_way.h"

/* Said to the server once what it speaks of is on disk. */
struct answer {
    bool is_receipt; /* else noted */
    struct receipt receipt;
    struct noted noted;
};

struct courier {
    struct courier_config config;
    bool is_up;
    uint32_t max_body;
    struct under_way under_way;
    struct name last;   /* recipient whose turn it was to send one */
    bool look;          /* something may be ready to be sent */
    bool look_for_read; /* somebody may have to hear that it was read */
    bool note_tried;    /* to take down what is under way */
    bool is_stuck;
    bool in_batch;
    enum mlt_err failed; /* of the batch: it is undone as a whole */
    struct courier_news batch_news;
    struct answer answers[LIMIT_CONFIRM_BATCH];
    size_t answer_count;
    struct courier_news news;
    int64_t turn_due_ms;   /* another process has a turn that we want; INT64_MAX: none */
    int64_t rest_due_ms;   /* a pause after a loss ends; INT64_MAX: none */
    int64_t fate_due_ms;   /* to look what other processes heard; INT64_MAX: never */
    int64_t expire_due_ms; /* to look what is too old */
    int64_t wall_ahead_ms; /* of the monotonic clock, at the login */
    int64_t told_row;      /* that these wait unsent, the host was told */
    int64_t at_ms;         /* of the courier_process that goes on */
};

static int64_t now(const struct courier *c)
{
    return env_mono_ms(c->config.env);
}

enum mlt_err courier_new(const struct courier_config *config, struct courier **courier)
{
    struct courier *c = NULL;
    TRY(ALLOC_NEW(&c));
    c->config = *config;
    c->turn_due_ms = c->rest_due_ms = INT64_MAX;
    c->fate_due_ms = now(c); /* the host may have put something before there was a courier */
    *courier = c;
    return MLT_OK;
}

void courier_free(struct courier **courier)
{
    struct courier *c = *courier;
    if (c == NULL)
        return;
    c->under_way.count = 0; /* nobody listens any more */
    courier_down(c, MLT_OK);
    alloc_free(c);
    *courier = NULL;
}

void courier_up(struct courier *c, uint32_t max_body)
{
    c->is_up = true;
    c->max_body = max_body;
    c->wall_ahead_ms = env_wall_ms(c->config.env) - now(c);
    c->expire_due_ms = c->fate_due_ms = now(c);
    courier_wake(c);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void courier_wake(struct courier *c)
{
    c->look = true;
    c->look_for_read = true;
    c->fate_due_ms = earlier(c->fate_due_ms, now(c) + LIMIT_FATE_MS);
}

/* ---- what the server says ---- */

static enum mlt_err begin_batch(struct courier *c)
{
    if (c->in_batch)
        return MLT_OK;
    TRY(store_begin(c->config.store));
    c->in_batch = true;
    c->failed = MLT_OK;
    c->batch_news = (struct courier_news) { 0 };
    return MLT_OK;
}

static enum mlt_err in_batch(struct courier *c, enum mlt_err err)
{
    if (c->failed == MLT_OK)
        c->failed = err;
    return err;
}

static enum mlt_err say(const struct courier *c, const struct answer *a)
{
    const struct courier_out *out = &c->config.out;
    return a->is_receipt ? out->receipt(out->ctx, &a->receipt) : out->noted(out->ctx, &a->noted);
}

/* One fsync for all that came, and not a word before it. */
enum mlt_err courier_settle(struct courier *c)
{
    size_t count = c->answer_count;
    c->answer_count = 0;
    if (!c->in_batch)
        return MLT_OK;
    c->in_batch = false;
    TRY(store_end(c->config.store, c->failed));
    c->news.messages = c->news.messages || c->batch_news.messages;
    c->news.fates = c->news.fates || c->batch_news.fates;
    for (size_t i = 0; i < count; i++)
        TRY(say(c, &c->answers[i]));
    return MLT_OK;
}

static enum mlt_err make_room(struct courier *c)
{
    if (c->answer_count == COUNT_OF(c->answers))
        TRY(courier_settle(c));
    return begin_batch(c);
}

enum mlt_err courier_deliver(struct courier *c, const struct envelope *e)
{
    TRY(make_room(c));
    bool fresh = false;
    TRY(in_batch(c, store_put(c->config.store, e, &fresh)));
    c->batch_news.messages = c->batch_news.messages || fresh;
    struct answer *a = &c->answers[c->answer_count++];
    *a = (struct answer) { .is_receipt = true,
                           .receipt = { .sender = e->sender, .state = OUTCOME_DELIVERED } };
    memcpy(a->receipt.id, e->id, ENVELOPE_ID);
    return MLT_OK;
}

/* A notice that it was lost from a mailbox speaks of an earlier sending, not of the one under way.
 */
static bool is_answer(const struct outcome *o)
{
    return !(o->kept && o->state == OUTCOME_UNKNOWN);
}

static void note_answer(struct courier *c, const struct outcome *o, const struct store_news *news)
{
    struct under_way_message m;
    c->look = true;
    if (o->state == OUTCOME_DELIVERED)
        under_way_delivered(&c->under_way, &news->m.peer);
    if (is_answer(o) && under_way_answered(&c->under_way, o->id, &m)) {
        if (outcome_is_passing(o))
            under_way_hold_back(m.stream, m.row, now(c));
        else if (o->state != OUTCOME_STORED) /* which it may lose, and ask for again */
            m.stream->pause_ms = 0;
        return;
    }
    if (news->changed && news->m.state == STORE_WAITING)
        under_way_lost(&c->under_way, &news->m.peer, news->m.row, now(c));
}

enum mlt_err courier_outcome(struct courier *c, const struct outcome *o)
{
    TRY(make_room(c));
    struct store_news news;
    TRY(in_batch(c, store_outbox_note(c->config.store, o, &news)));
    if (news.changed) {
        c->batch_news.fates = true;
        c->fate_due_ms = now(c); /* it may have been the last that was awaited */
    }
    if (news.found)
        note_answer(c, o, &news);
    if (!o->kept)
        return MLT_OK;
    struct answer *a = &c->answers[c->answer_count++];
    *a = (struct answer) { .noted = { .state = o->state } };
    memcpy(a->noted.id, o->id, ENVELOPE_ID);
    return MLT_OK;
}

/* ---- what the host hears though the store does not change ---- */

static void tell_wait(struct courier *c, const uint8_t id[static ENVELOPE_ID],
                      const struct name *recipient, enum mlt_err err)
{
    struct courier_wait wait = { .recipient = *recipient, .err = err };
    memcpy(wait.id, id, ENVELOPE_ID);
    c->config.out.wait(c->config.out.ctx, &wait);
}

/* A server owes each an answer, and will hardly give it any more: a new session asks again. */
static void tell_overdue(struct courier *c)
{
    const struct under_way_message *m = NULL;
    while ((m = under_way_overdue(&c->under_way, c->at_ms)) != NULL) {
        tell_wait(c, m->id, &m->stream->is.recipient, MLT_ERR_TIMEOUT);
        c->is_stuck = true;
    }
}

static void give_up_stream(struct courier *c, struct under_way_stream *stream)
{
    c->config.turn.leave(c->config.turn.ctx, stream->is.row);
    *stream = (struct under_way_stream) { 0 };
}

void courier_down(struct courier *c, enum mlt_err err)
{
    if (c->in_batch) {
        enum mlt_err undone = store_end(c->config.store, MLT_ERR_CUT);
        (void)undone; /* the server says it all again */
    }
    c->in_batch = false;
    c->answer_count = 0;
    for (size_t i = 0; i < c->under_way.count; i++) {
        const struct under_way_message *m = &c->under_way.messages[i];
        if (!m->told)
            tell_wait(c, m->id, &m->stream->is.recipient, err);
    }
    for (size_t i = 0; i < COUNT_OF(c->under_way.streams); i++) {
        if (c->under_way.streams[i].is.row != 0)
            give_up_stream(c, &c->under_way.streams[i]);
    }
    c->under_way.count = 0; /* pauses after a loss last beyond the session that told of it */
    c->is_up = false;
    c->is_stuck = false;
    c->turn_due_ms = c->rest_due_ms = INT64_MAX;
}

/* ---- what goes next ---- */

/* It fits if the server takes it; if not, it is refused, and `goes` is false. */
static enum mlt_err check_length(struct courier *c, const struct store_message *m, bool *goes)
{
    *goes = m->body.len <= c->max_body;
    if (*goes)
        return MLT_OK;
    c->news.fates = true;
    return store_outbox_refuse(c->config.store, m->row, STORE_WHY_TOO_LONG);
}

/* The next that was not sent in this session. */
static enum mlt_err find_next(struct courier *c, struct under_way_stream *stream,
                              struct store_message *m, bool *found)
{
    for (;;) {
        bool goes = false;
        TRY(store_outbox_next(c->config.store, &stream->is.recipient, stream->sent_row, m, found));
        if (!*found)
            return MLT_OK;
        if (!under_way_has(&c->under_way, m->id))
            TRY(check_length(c, m, &goes));
        if (goes)
            return MLT_OK;
        stream->sent_row = m->row;
    }
}

static enum mlt_err send_message(struct courier *c, struct under_way_stream *stream,
                                 const struct store_message *m)
{
    struct envelope e = { .recipient = { ADDRESS_USER, m->peer },
                          .epoch = m->epoch,
                          .number = m->number,
                          .flags = m->flags,
                          .body_kind = BODY_PLAIN,
                          .body = buf_span(&m->body) };
    struct under_way_message sent = { .row = m->row,
                                      .stream = stream,
                                      .due_ms = now(c) + LIMIT_OUTCOME_MS };
    memcpy(e.id, m->id, ENVELOPE_ID);
    memcpy(sent.id, m->id, ENVELOPE_ID);
    TRY(c->config.out.send(c->config.out.ctx, &e));
    under_way_add(&c->under_way, &sent);
    return MLT_OK;
}

/* A place and the turn, or NULL. */
static enum mlt_err enter_stream(struct courier *c, const struct store_stream *is,
                                 struct under_way_stream **stream)
{
    *stream = under_way_find(&c->under_way, &is->recipient);
    if (*stream != NULL || !under_way_has_place(&c->under_way))
        return MLT_OK;
    bool taken = false;
    TRY(c->config.turn.take(c->config.turn.ctx, is->row, &taken));
    if (taken)
        *stream = under_way_add_stream(&c->under_way, is);
    else
        c->turn_due_ms = c->at_ms + LIMIT_TURN_MS;
    return MLT_OK;
}

static enum mlt_err send_one(struct courier *c, const struct store_stream *is, bool *sent)
{
    struct under_way_stream *stream = NULL;
    if (under_way_rests(&c->under_way, &is->recipient, c->at_ms))
        return MLT_OK;
    TRY(enter_stream(c, is, &stream));
    if (stream == NULL || !under_way_may_send(stream, c->at_ms))
        return MLT_OK;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    TRY(find_next(c, stream, &m, &found));
    if (!found)
        return MLT_OK;
    if (stream->blocked_row != 0 && m.row > stream->blocked_row) {
        c->is_stuck = true;
        return MLT_OK;
    }
    *sent = true;
    return send_message(c, stream, &m);
}

/* While there are places any recipient may come next, else only those who have one. */
static enum mlt_err next_stream(struct courier *c, struct store_stream *is, bool *found)
{
    if (under_way_has_place(&c->under_way))
        return store_outbox_next_stream(c->config.store, &c->last, is, found);
    const struct under_way_stream *stream = under_way_follows(&c->under_way, &c->last);
    *found = stream != NULL;
    if (*found)
        *is = stream->is;
    return MLT_OK;
}

/* One message for each recipient, from the one after the last on. */
static enum mlt_err sweep(struct courier *c, size_t *sent)
{
    const struct name start = c->last;
    bool wrapped = false;
    while (c->under_way.count < LIMIT_SEND_WINDOW) {
        struct store_stream is;
        bool found = false;
        bool one = false;
        TRY(next_stream(c, &is, &found));
        if (!found && wrapped)
            return MLT_OK;
        if (!found) {
            wrapped = true;
            c->last = (struct name) { "" };
            continue;
        }
        if (wrapped && span_cmp(name_span(&is.recipient), name_span(&start)) > 0)
            return MLT_OK;
        c->last = is.recipient;
        TRY(send_one(c, &is, &one));
        *sent += one;
    }
    return MLT_OK;
}

/*
 * After everything that could be sent was: a stream without anything under way has nothing to send,
 * or no room in the window, and another process may have its turn.  Not while it is blocked: only
 * this session can lift that, by the message that was refused; and when that one does not wait any
 * more, not even this one.
 */
static void rest(struct courier *c)
{
    for (size_t i = 0; i < COUNT_OF(c->under_way.streams); i++) {
        struct under_way_stream *s = &c->under_way.streams[i];
        if (s->is.row == 0 || s->unanswered > 0)
            continue;
        if (s->blocked_row == 0)
            give_up_stream(c, s);
        else if (c->at_ms >= s->due_ms && c->under_way.count < LIMIT_SEND_WINDOW)
            c->is_stuck = true;
    }
}

static enum mlt_err send_waiting(struct courier *c)
{
    bool had_place = under_way_has_place(&c->under_way);
    c->look = false;
    c->turn_due_ms = INT64_MAX;
    c->rest_due_ms = under_way_rest_due_ms(&c->under_way, c->at_ms);
    size_t sent = 1;
    while (sent > 0 && c->under_way.count < LIMIT_SEND_WINDOW) {
        sent = 0;
        TRY(sweep(c, &sent));
    }
    rest(c);
    if (!had_place && under_way_has_place(&c->under_way))
        c->look = true; /* for those who had none */
    return MLT_OK;
}

/* ---- the rest of its work ---- */

/* Told first: said twice does no harm, and said never would be for good. */
static enum mlt_err tell_read(struct courier *c)
{
    struct store *store = c->config.store;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = true;
    for (size_t i = 0; i < LIMIT_CONFIRM_BATCH && found; i++) {
        TRY(store_untold(store, m.row, &m, &found));
        if (!found)
            break;
        struct receipt receipt = { .sender = { ADDRESS_USER, m.peer }, .state = OUTCOME_READ };
        memcpy(receipt.id, m.id, ENVELOPE_ID);
        TRY(c->config.out.receipt(c->config.out.ctx, &receipt));
        TRY(begin_batch(c));
        TRY(in_batch(c, store_told(store, m.row)));
    }
    c->look_for_read = found;
    return courier_settle(c);
}

/* At the login the server's certificate, which is good for a day, vouched for the wall clock; if it
 * jumps in mid-session, nobody does. */
static bool is_wall_trusted(const struct courier *c)
{
    int64_t jump_ms = env_wall_ms(c->config.env) - now(c) - c->wall_ahead_ms;
    return jump_ms <= LIMIT_CLOCK_JUMP_MS && jump_ms >= -LIMIT_CLOCK_JUMP_MS;
}

static enum mlt_err expire(struct courier *c)
{
    uint64_t count = 0;
    c->expire_due_ms = now(c) + LIMIT_OUTBOX_LOOK_MS;
    if (!is_wall_trusted(c))
        return MLT_OK;
    TRY(store_outbox_expire(c->config.store, &count));
    c->news.fates = c->news.fates || count > 0;
    c->note_tried = true;
    return MLT_OK;
}

/* What the server answered has a time already; of the rest now and then, not with every sending,
 * since each time is an fsync. */
static enum mlt_err note_tried(struct courier *c)
{
    int64_t rows[LIMIT_SEND_WINDOW];
    c->note_tried = false;
    if (c->under_way.count == 0)
        return MLT_OK;
    for (size_t i = 0; i < c->under_way.count; i++)
        rows[i] = c->under_way.messages[i].row;
    return store_outbox_tried(c->config.store, rows, c->under_way.count);
}

/* Messages that nobody has sent yet, for so long that the host should hear of it: one at a time. */
static enum mlt_err tell_unsent(struct courier *c)
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    TRY(store_outbox_awaited(c->config.store, c->told_row, &m, &found));
    int64_t old_ms = env_wall_ms(c->config.env) - LIMIT_OUTCOME_MS;
    if (!found || m.time_ms > old_ms)
        return MLT_OK;
    c->told_row = m.row;
    if (!under_way_has(&c->under_way, m.id))
        tell_wait(c, m.id, &m.peer, MLT_ERR_TIMEOUT);
    return MLT_OK;
}

static enum mlt_err look_at_fates(struct courier *c)
{
    enum store_awaits awaits = STORE_AWAITS_NOTHING;
    c->fate_due_ms = c->at_ms + LIMIT_FATE_MS;
    TRY(store_outbox_awaits(c->config.store, &awaits));
    c->news.fates = true;
    if (awaits == STORE_AWAITS_NOTHING)
        c->fate_due_ms = INT64_MAX;
    if (awaits == STORE_AWAITS_STORED) /* the server tells us too, but for a close miss */
        c->fate_due_ms = c->at_ms + LIMIT_KEEPALIVE_MS;
    return c->is_up && awaits == STORE_AWAITS_WAITING ? tell_unsent(c) : MLT_OK;
}

enum mlt_err courier_process(struct courier *c)
{
    c->at_ms = now(c); /* one time for all: what is not due yet must not become it halfway */
    TRY(courier_settle(c));
    if (c->at_ms >= c->fate_due_ms)
        TRY(look_at_fates(c));
    if (!c->is_up)
        return MLT_OK;
    tell_overdue(c);
    if (c->at_ms >= c->expire_due_ms)
        TRY(expire(c));
    if (c->look_for_read && c->config.receives)
        TRY(tell_read(c));
    int64_t due_ms = earlier(under_way_due_ms(&c->under_way), c->rest_due_ms);
    if (c->look || c->at_ms >= c->turn_due_ms || c->at_ms >= due_ms)
        TRY(send_waiting(c));
    return c->note_tried ? note_tried(c) : MLT_OK;
}

int64_t courier_due_ms(const struct courier *c)
{
    if (!c->is_up)
        return c->fate_due_ms;
    if (c->in_batch || c->look || (c->look_for_read && c->config.receives))
        return now(c);
    int64_t due = earlier(c->fate_due_ms, c->expire_due_ms);
    due = earlier(due, earlier(c->turn_due_ms, c->rest_due_ms));
    return earlier(due, under_way_due_ms(&c->under_way));
}

struct courier_news courier_take_news(struct courier *c)
{
    struct courier_news news = c->news;
    c->news = (struct courier_news) { 0 };
    return news;
}

bool courier_is_stuck(const struct courier *c)
{
    return c->is_stuck;
}

size_t courier_under_way(const struct courier *c)
{
    return c->under_way.count;
}
