/* SPDX-License-Identifier: Apache-2.0 */
#include "client/under_way.h"

static bool is_taken(const struct under_way_stream *s)
{
    return s->is.row != 0;
}

struct under_way_stream *under_way_find(struct under_way *u, const struct name *recipient)
{
    for (size_t i = 0; i < COUNT_OF(u->streams); i++) {
        if (is_taken(&u->streams[i]) && name_eq(&u->streams[i].is.recipient, recipient))
            return &u->streams[i];
    }
    return NULL;
}

static const struct under_way_stream *free_place(const struct under_way *u)
{
    for (size_t i = 0; i < COUNT_OF(u->streams); i++) {
        if (!is_taken(&u->streams[i]))
            return &u->streams[i];
    }
    return NULL;
}

bool under_way_has_place(const struct under_way *u)
{
    return free_place(u) != NULL;
}

struct under_way_stream *under_way_add_stream(struct under_way *u, const struct store_stream *is)
{
    const struct under_way_stream *place = free_place(u);
    if (place == NULL)
        return NULL;
    struct under_way_stream *stream = &u->streams[place - u->streams];
    *stream = (struct under_way_stream) { .is = *is };
    return stream;
}

static int compare(const struct name *a, const struct name *b)
{
    return span_cmp(name_span(a), name_span(b));
}

struct under_way_stream *under_way_follows(struct under_way *u, const struct name *after)
{
    struct under_way_stream *best = NULL;
    for (size_t i = 0; i < COUNT_OF(u->streams); i++) {
        struct under_way_stream *s = &u->streams[i];
        if (!is_taken(s) || compare(&s->is.recipient, after) <= 0)
            continue;
        if (best == NULL || compare(&s->is.recipient, &best->is.recipient) < 0)
            best = s;
    }
    return best;
}

void under_way_add(struct under_way *u, const struct under_way_message *message)
{
    struct under_way_stream *stream = message->stream;
    u->messages[u->count++] = *message;
    stream->unanswered++;
    stream->sent_row = message->row;
    if (message->row <= stream->blocked_row)
        stream->blocked_row = 0;
}

static size_t find_message(const struct under_way *u, const uint8_t id[static ENVELOPE_ID])
{
    size_t i = 0;
    while (i < u->count && !span_eq(SPAN_OF(u->messages[i].id), span_of(id, ENVELOPE_ID)))
        i++;
    return i;
}

bool under_way_has(const struct under_way *u, const uint8_t id[static ENVELOPE_ID])
{
    return find_message(u, id) < u->count;
}

bool under_way_answered(struct under_way *u, const uint8_t id[static ENVELOPE_ID],
                        struct under_way_message *message)
{
    size_t i = find_message(u, id);
    if (i == u->count)
        return false;
    *message = u->messages[i];
    message->stream->unanswered--;
    u->count--;
    for (; i < u->count; i++)
        u->messages[i] = u->messages[i + 1];
    return true;
}

static int64_t longer(int64_t pause_ms)
{
    if (pause_ms == 0)
        return LIMIT_RESEND_FIRST_MS;
    return 2 * pause_ms < LIMIT_RESEND_MOST_MS ? 2 * pause_ms : LIMIT_RESEND_MOST_MS;
}

void under_way_hold_back(struct under_way_stream *stream, int64_t row, int64_t now_ms)
{
    if (row <= stream->sent_row)
        stream->sent_row = row - 1;
    if (stream->blocked_row != 0 && row > stream->blocked_row)
        return; /* one of those behind it: the pause has begun */
    stream->blocked_row = row;
    stream->pause_ms = longer(stream->pause_ms);
    stream->due_ms = now_ms + stream->pause_ms;
}

static struct under_way_loss *find_loss(struct under_way *u, const struct name *recipient)
{
    for (size_t i = 0; i < COUNT_OF(u->losses); i++) {
        if (u->losses[i].pause_ms != 0 && name_eq(&u->losses[i].recipient, recipient))
            return &u->losses[i];
    }
    return NULL;
}

/* A free place, or else that of the pause that ends first. */
static struct under_way_loss *add_loss(struct under_way *u, const struct name *recipient)
{
    struct under_way_loss *place = &u->losses[0];
    for (size_t i = 1; i < COUNT_OF(u->losses); i++) {
        if (u->losses[i].due_ms < place->due_ms)
            place = &u->losses[i];
    }
    *place = (struct under_way_loss) { .recipient = *recipient };
    return place;
}

void under_way_lost(struct under_way *u, const struct name *recipient, int64_t row, int64_t now_ms)
{
    struct under_way_stream *stream = under_way_find(u, recipient);
    struct under_way_loss *loss = find_loss(u, recipient);
    if (stream != NULL && stream->sent_row >= row)
        stream->sent_row = row - 1;
    if (loss == NULL)
        loss = add_loss(u, recipient);
    if (now_ms < loss->due_ms)
        return; /* one of several that are lost at once: the pause has begun */
    loss->pause_ms = longer(loss->pause_ms);
    loss->due_ms = now_ms + loss->pause_ms;
}

bool under_way_rests(const struct under_way *u, const struct name *recipient, int64_t now_ms)
{
    for (size_t i = 0; i < COUNT_OF(u->losses); i++) {
        if (u->losses[i].due_ms > now_ms && name_eq(&u->losses[i].recipient, recipient))
            return true;
    }
    return false;
}

void under_way_delivered(struct under_way *u, const struct name *recipient)
{
    struct under_way_loss *loss = find_loss(u, recipient);
    if (loss != NULL)
        *loss = (struct under_way_loss) { 0 };
}

int64_t under_way_rest_due_ms(const struct under_way *u, int64_t since_ms)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < COUNT_OF(u->losses); i++) {
        if (u->losses[i].due_ms > since_ms && u->losses[i].due_ms < due)
            due = u->losses[i].due_ms;
    }
    return due;
}

bool under_way_may_send(const struct under_way_stream *stream, int64_t now_ms)
{
    /* What is under way behind a refused one will be refused too, and goes after it. */
    bool awaits_refusals = stream->blocked_row != 0 && stream->unanswered > 0;
    return !awaits_refusals && now_ms >= stream->due_ms;
}

const struct under_way_message *under_way_overdue(struct under_way *u, int64_t now_ms)
{
    for (size_t i = 0; i < u->count; i++) {
        if (u->messages[i].told || u->messages[i].due_ms > now_ms)
            continue;
        u->messages[i].told = true;
        return &u->messages[i];
    }
    return NULL;
}

int64_t under_way_due_ms(const struct under_way *u)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < u->count; i++) {
        if (!u->messages[i].told && u->messages[i].due_ms < due)
            due = u->messages[i].due_ms;
    }
    if (u->count == LIMIT_SEND_WINDOW)
        return due; /* an answer has to come first */
    for (size_t i = 0; i < COUNT_OF(u->streams); i++) {
        const struct under_way_stream *s = &u->streams[i];
        if (s->blocked_row != 0 && s->unanswered == 0 && s->due_ms < due)
            due = s->due_ms;
    }
    return due;
}
