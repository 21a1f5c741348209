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

static struct span body_of(const struct mlt_event *message)
{
    size_t n = 0;
    const void *bytes = mlt_event_body(message, &n);
    return span_of(bytes, n);
}

static enum mlt_err message_json(const struct mlt_event *message)
{
    char id[2 * MLT_ID_SIZE + 1];
    char when[TIMEFMT_RFC3339];
    hex_encode(span_of(mlt_event_id(message), MLT_ID_SIZE), id);
    timefmt_rfc3339(mlt_event_time_ms(message), when);
    struct span body = body_of(message);
    CLEANUP(buf_clear) struct buf safe = { 0 };
    if (!mlt_is_text(body.p, body.n)) { /* JSON has no other place for such bytes than an escape */
        TRY(text_put_safe(&safe, body, true));
        body = buf_span(&safe);
    }
    return show_json(json_pack("{s:s, s:s, s:s, s:s, s:s%}", "type", "message", "from",
                               mlt_event_peer(message), "id", id, "time", when, "text",
                               body.n > 0 ? (const char *)body.p : "", body.n));
}

/* The time of day, with the date if that is not today's. */
static void clock_text(int64_t wall_ms, char *out, size_t n)
{
    time_t then = (time_t)(wall_ms / 1000);
    time_t now = time(NULL);
    struct tm a = { 0 };
    struct tm b = { 0 };
    localtime_r(&then, &a);
    localtime_r(&now, &b);
    bool today = a.tm_year == b.tm_year && a.tm_yday == b.tm_yday;
    if (strftime(out, n, today ? "%H:%M" : "%Y-%m-%d %H:%M", &a) == 0)
        snprintf(out, n, "?");
}

static enum mlt_err message_human(const struct mlt_event *message)
{
    char when[32];
    clock_text(mlt_event_time_ms(message), when, sizeof(when));
    struct span body = body_of(message);
    while (body.n > 0 && body.p[body.n - 1] == '\n')
        body.n--;
    CLEANUP(buf_clear) struct buf line = { 0 };
    TRY(buf_put_format(&line, "%s  %s  ", mlt_event_peer(message), when));
    TRY(text_put_safe(&line, body, true));
    TRY(buf_put_u8(&line, '\n'));
    return write_out(&line);
}

enum mlt_err show_message(const struct mlt_event *message, bool json)
{
    return json ? message_json(message) : message_human(message);
}

/* What JSON calls a state. */
static const char *state_of(const struct mlt_event *event)
{
    switch (mlt_event_outcome(event)) {
    case MLT_OUTCOME_STORED:
        return "stored";
    case MLT_OUTCOME_DELIVERED:
        return "delivered";
    case MLT_OUTCOME_REFUSED:
        return "refused";
    default:
        return "unknown";
    }
}

enum mlt_err show_sent(const struct mlt_event *outcome, const char *reason)
{
    char id[2 * MLT_ID_SIZE + 1];
    hex_encode(span_of(mlt_event_id(outcome), MLT_ID_SIZE), id);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s*}", "type", "sent", "to", mlt_event_peer(outcome), "id",
                  id, "state", state_of(outcome), "reason", reason);
    return show_json(object);
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
