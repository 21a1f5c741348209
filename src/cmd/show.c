/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/show.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "cmd/fate.h"
#include "cmd/texts.h"

/* Characters of a message in a line about it. */
static const size_t words_shown = 40;

static enum mlt_err write_out(struct buf *line)
{
    return file_write_all(STDOUT_FILENO, buf_span(line));
}

static void free_json(json_t **object)
{
    json_decref(*object);
}

/* DEL is ASCII to jansson; it can only stand inside a string. */
static int put_json(const char *text, size_t n, void *ctx)
{
    struct buf *line = ctx;
    enum mlt_err err = MLT_OK;
    for (size_t i = 0; i < n && err == MLT_OK; i++)
        err = text[i] == 0x7f ? buf_put_str(line, "\\u007f") : buf_put_u8(line, (uint8_t)text[i]);
    return err == MLT_OK ? 0 : -1;
}

enum mlt_err show_json(void *object)
{
    CLEANUP(free_json) json_t *owned = object;
    CLEANUP(buf_clear) struct buf line = { 0 };
    ENSURE(owned != NULL, MLT_ERR_NOMEM);
    /* ASCII alone: no byte of it can steer a terminal. */
    const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII;
    ENSURE(json_dump_callback(owned, put_json, &line, flags) == 0, MLT_ERR_NOMEM);
    TRY(buf_put_u8(&line, '\n'));
    return write_out(&line);
}

/* What of its stream is not here before a message. */
struct lack {
    uint64_t count;
    bool is_earlier; /* nothing of that stream came here before: another home may have it */
};

static struct lack lack_before(uint64_t number, uint64_t gap)
{
    return (struct lack) { .count = gap, .is_earlier = number - gap == 1 };
}

/* Steals `object`, adds what every message has, and writes it. */
static enum mlt_err message_json(json_t *object, struct lack lack, struct span body)
{
    CLEANUP(free_json) json_t *owned = object;
    CLEANUP(buf_clear) struct buf safe = { 0 };
    if (!mlt_is_text(body.p, body.n)) { /* JSON has no other place for such bytes than an escape */
        TRY(text_put_safe(&safe, body, true));
        body = buf_span(&safe);
    }
    json_t *text = json_stringn(body.n > 0 ? (const char *)body.p : "", body.n);
    /* NULL values make these fail. */
    ENSURE(owned != NULL && json_object_set_new(owned, "text", text) == 0, MLT_ERR_NOMEM);
    const char *key = lack.is_earlier ? "earlier" : "missing";
    json_t *count = lack.count > 0 ? json_integer((json_int_t)lack.count) : NULL;
    ENSURE(lack.count == 0 || json_object_set_new(owned, key, count) == 0, MLT_ERR_NOMEM);
    return show_json(json_incref(owned));
}

void show_clock(int64_t wall_ms, char out[static SHOW_CLOCK])
{
    time_t then = (time_t)(wall_ms / 1000);
    time_t now = time(NULL);
    struct tm a = { 0 };
    struct tm b = { 0 };
    localtime_r(&then, &a);
    localtime_r(&now, &b);
    bool today = a.tm_year == b.tm_year && a.tm_yday == b.tm_yday;
    if (strftime(out, SHOW_CLOCK, today ? "%H:%M" : "%Y-%m-%d %H:%M", &a) == 0)
        snprintf(out, SHOW_CLOCK, "?");
}

/* A name cannot begin as this line does, nor can a later line of a message. */
static enum mlt_err put_lack(struct buf *line, struct lack lack, const char *peer)
{
    unsigned long long count = lack.count;
    if (count == 0)
        return MLT_OK;
    if (lack.is_earlier)
        TRY(count == 1 ? buf_put_format(line, TEXT_EARLIER_ONE, peer)
                       : buf_put_format(line, TEXT_EARLIER, count, peer));
    else
        TRY(count == 1 ? buf_put_format(line, TEXT_MISSING_ONE, peer)
                       : buf_put_format(line, TEXT_MISSING, count, peer));
    return buf_put_u8(line, '\n');
}

static struct span without_last_newlines(struct span body)
{
    while (body.n > 0 && body.p[body.n - 1] == '\n')
        body.n--;
    return body;
}

static enum mlt_err put_body(struct buf *line, struct span body)
{
    TRY(text_put_safe(line, without_last_newlines(body), true));
    return buf_put_u8(line, '\n');
}

enum mlt_err show_message(const struct mlt_event *message, bool json)
{
    struct span body = { 0 };
    body.p = mlt_event_body(message, &body.n);
    const char *peer = mlt_event_peer(message);
    int64_t time_ms = mlt_event_time_ms(message);
    struct lack lack = lack_before(mlt_event_number(message), mlt_event_gap(message));
    if (json) {
        char id[2 * MLT_ID_SIZE + 1];
        char when[TIMEFMT_RFC3339];
        hex_encode(span_of(mlt_event_id(message), MLT_ID_SIZE), id);
        timefmt_rfc3339(time_ms, when);
        return message_json(json_pack("{s:s, s:s, s:s, s:s}", "type", "message", "from", peer, "id",
                                      id, "time", when),
                            lack, body);
    }
    char when[SHOW_CLOCK];
    show_clock(time_ms, when);
    CLEANUP(buf_clear) struct buf line = { 0 };
    TRY(put_lack(&line, lack, peer));
    TRY(buf_put_format(&line, "%s  %s  ", peer, when));
    TRY(put_body(&line, body));
    return write_out(&line);
}

const char *show_state(enum mlt_outcome outcome)
{
    switch (outcome) {
    case MLT_OUTCOME_WAITING:
        return "outbox";
    case MLT_OUTCOME_STORED:
        return "stored";
    case MLT_OUTCOME_DELIVERED:
        return "delivered";
    case MLT_OUTCOME_REFUSED:
        return "refused";
    case MLT_OUTCOME_EXPIRED:
        return "expired";
    case MLT_OUTCOME_READ:
        return "read";
    case MLT_OUTCOME_DROPPED:
        return "dropped";
    default:
        return "unknown";
    }
}

/* The same for people: in a list of the outbox its name says nothing. */
static const char *state_word(enum mlt_outcome outcome)
{
    return outcome == MLT_OUTCOME_WAITING ? "waiting" : show_state(outcome);
}

static const char *reason_of(const struct mlt_message *m)
{
    return m->is_ours ? fate_why(m->outcome, m->why) : NULL;
}

static enum mlt_err put_state(struct buf *line, const struct mlt_message *m)
{
    const char *reason = reason_of(m);
    const char *word = m->is_shown ? "shown" : "new";
    if (m->is_ours)
        word = state_word(m->outcome);
    TRY(buf_put_format(line, "%-9s  ", word));
    return reason != NULL ? buf_put_format(line, "(%s)  ", reason) : MLT_OK;
}

static enum mlt_err past_json(const struct mlt_message *m, const char *own)
{
    char id[2 * MLT_ID_SIZE + 1];
    char when[TIMEFMT_RFC3339];
    hex_encode(span_of(m->id, MLT_ID_SIZE), id);
    timefmt_rfc3339(m->time_ms, when);
    const char *theirs = m->is_shown ? "shown" : "new";
    return message_json(
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s*}", "type", m->is_ours ? "sent" : "message",
                  "from", m->is_ours ? own : m->peer, "to", m->is_ours ? m->peer : own, "id", id,
                  "time", when, "state", m->is_ours ? show_state(m->outcome) : theirs, "reason",
                  reason_of(m)),
        lack_before(m->number, m->gap), span_of(m->body, m->n));
}

enum mlt_err show_past(const struct mlt_message *message, const char *own, bool json)
{
    if (json)
        return past_json(message, own);
    char when[SHOW_CLOCK];
    show_clock(message->time_ms, when);
    CLEANUP(buf_clear) struct buf line = { 0 };
    TRY(put_lack(&line, lack_before(message->number, message->gap), message->peer));
    TRY(buf_put_format(&line, "%s  %s > %s  ", when, message->is_ours ? own : message->peer,
                       message->is_ours ? message->peer : own));
    TRY(put_state(&line, message));
    TRY(put_body(&line, span_of(message->body, message->n)));
    return write_out(&line);
}

enum mlt_err show_first_words(struct span body, struct buf *line)
{
    size_t n = 0;
    body = without_last_newlines(body);
    for (size_t i = 0; n < body.n && body.p[n] != '\n' && i < words_shown; i++) {
        size_t end = n + 4; /* not through the middle of a character */
        do
            n++;
        while (n < body.n && n < end && (body.p[n] & 0xc0) == 0x80);
    }
    TRY(text_put_safe(line, span_of(body.p, n), false));
    return n < body.n ? buf_put_str(line, " ...") : MLT_OK;
}

enum mlt_err show_waiting(const struct mlt_message *message, bool json)
{
    char id[2 * MLT_ID_SIZE + 1];
    hex_encode(span_of(message->id, MLT_ID_SIZE), id);
    struct span body = span_of(message->body, message->n);
    if (json) {
        char when[TIMEFMT_RFC3339];
        timefmt_rfc3339(message->time_ms, when);
        return message_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*}", "type", "outbox", "to",
                                      message->peer, "id", id, "time", when, "state",
                                      show_state(message->outcome), "reason", reason_of(message)),
                            (struct lack) { 0 }, body);
    }
    char when[SHOW_CLOCK];
    show_clock(message->time_ms, when);
    CLEANUP(buf_clear) struct buf line = { 0 };
    TRY(buf_put_format(&line, "%s  %s  %s  ", id, when, message->peer));
    TRY(put_state(&line, message));
    TRY(show_first_words(body, &line));
    TRY(buf_put_u8(&line, '\n'));
    return write_out(&line);
}

enum mlt_err show_sent(const char *to, const uint8_t *id, const char *state, const char *reason)
{
    char hex[2 * MLT_ID_SIZE + 1];
    hex_encode(span_of(id, MLT_ID_SIZE), hex);
    return show_json(json_pack("{s:s, s:s, s:s, s:s, s:s*}", "type", "sent", "to", to, "id", hex,
                               "state", state, "reason", reason));
}

enum mlt_err show_line(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ENSURE(n >= 0 && (size_t)n < sizeof(text), MLT_ERR_NOSPACE);
    CLEANUP(buf_clear) struct buf line = { 0 };
    TRY(text_put_safe(&line, span_of(text, (size_t)n), false));
    TRY(buf_put_u8(&line, '\n'));
    return write_out(&line);
}
