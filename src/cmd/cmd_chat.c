/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cmd/explain.h"
#include "cmd/fate.h"
#include "cmd/say.h"
#include "cmd/show.h"

/*
 * malote chat NAME: plain line mode.  The terminal stays as it is, so whatever ends the process
 * leaves it sane.  A line is in the outbox, on disk, as soon as it is read.
 */

/* Lines without a word from the server, before the next is read from stdin.  Without a connection
 * the outbox alone is the bound. */
static const size_t window = MLT_SEND_WINDOW / 2;

/* Typed here, and not with its recipient yet. */
struct line {
    uint8_t id[MLT_ID_SIZE];
    bool is_stored;
    struct line *next;
};

struct chat {
    struct host host;
    struct host_loop loop;
    const char *with;
    struct buf typed; /* not in the outbox yet */
    struct line *lines;
    struct line **last;
    size_t waiting; /* of them, for a word from the server */
    size_t stored;
    bool at_eof;
    bool has_begun; /* was logged in once */
    bool failed;    /* a line did not arrive */
    bool said_lost;
    bool said_stored;
    bool said_waiting;
    bool said_full;
};

static void clear_chat(struct chat *c)
{
    while (c->lines != NULL) {
        struct line *next = c->lines->next;
        alloc_free(c->lines);
        c->lines = next;
    }
    buf_clear(&c->typed);
    host_close(&c->host);
}

/* ---- out ---- */

static enum exit_code remember_line(struct chat *c, const uint8_t id[static MLT_ID_SIZE])
{
    struct line *line = NULL;
    enum mlt_err err = ALLOC_NEW(&line);
    if (err != MLT_OK)
        return explain_file("stdin", err);
    for (size_t i = 0; i < MLT_ID_SIZE; i++)
        line->id[i] = id[i];
    *c->last = line;
    c->last = &line->next;
    c->waiting++;
    return EXIT_DONE;
}

/* *taken: it need not be tried again. */
static enum exit_code send_line(struct chat *c, struct span line, bool *taken)
{
    *taken = true;
    if (line.n == 0)
        return EXIT_DONE;
    uint8_t id[MLT_ID_SIZE];
    enum mlt_error error = MLT_ERROR_RANGE;
    if (mlt_is_text(line.p, line.n))
        error = mlt_send(c->host.client, c->with, line.p, line.n, id);
    if (error == MLT_ERROR_NONE)
        return remember_line(c, id);
    if (error == MLT_ERROR_TOO_MANY) {
        if (!c->said_full)
            say_error(TEXT_CHAT_OUTBOX_FULL, (unsigned)MLT_OUTBOX_MAX);
        c->said_full = true;
        *taken = false;
        return EXIT_DONE;
    }
    if (error != MLT_ERROR_RANGE)
        return explain_not_kept(&c->host, error);
    say_error(TEXT_CHAT_BAD_LINE);
    c->failed = true;
    return EXIT_DONE;
}

/* The next line typed; at the end of stdin also one without its newline. */
static bool has_line(const struct chat *c, size_t *n)
{
    const uint8_t *end = c->typed.len > 0 ? memchr(c->typed.p, '\n', c->typed.len) : NULL;
    *n = end != NULL ? (size_t)(end - c->typed.p) : c->typed.len;
    return end != NULL || (c->typed.len > 0 && (c->at_eof || c->typed.len > MLT_BODY_MAX));
}

/* Moves what was typed to the outbox, as much as it takes; with `all` beyond the window. */
static enum exit_code keep_typed(struct chat *c, bool all)
{
    size_t n = 0;
    bool taken = true;
    while (taken && has_line(c, &n)) {
        if (!all && c->waiting >= window && mlt_is_logged_in(c->host.client))
            break;
        enum exit_code code = send_line(c, span_of(c->typed.p, n), &taken);
        if (code != EXIT_DONE)
            return code;
        if (taken)
            buf_drop(&c->typed, n < c->typed.len ? n + 1 : n);
    }
    return EXIT_DONE;
}

/* Reads stdin only while there is room for more.  Over when all was typed, and more words of the
 * server are not to be expected soon. */
static enum exit_code pump(struct chat *c, bool *done)
{
    if (!c->has_begun)
        return EXIT_DONE;
    enum exit_code code = keep_typed(c, false);
    size_t n = 0;
    bool idle = !has_line(c, &n);
    bool hopeless = !mlt_is_logged_in(c->host.client) || c->said_waiting;
    c->loop.other_fd = idle && !c->at_eof ? STDIN_FILENO : -1;
    *done = idle && c->at_eof && (c->waiting == 0 || hopeless);
    return code;
}

static enum exit_code on_readable(void *ctx, bool *done)
{
    struct chat *c = ctx;
    enum mlt_err err = buf_reserve(&c->typed, 4096);
    if (err != MLT_OK)
        return explain_file("stdin", err);
    ssize_t n = read(STDIN_FILENO, c->typed.p + c->typed.len, 4096);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return EXIT_DONE;
    c->at_eof = n <= 0;
    if (n > 0)
        c->typed.len += (size_t)n;
    return pump(c, done);
}

/* ---- what becomes of it ---- */

static struct line **find_line(struct chat *c, const uint8_t *id)
{
    for (struct line **place = &c->lines; *place != NULL; place = &(*place)->next) {
        if (span_eq(span_of((*place)->id, MLT_ID_SIZE), span_of(id, MLT_ID_SIZE)))
            return place;
    }
    return NULL;
}

static void forget_line(struct chat *c, struct line **place)
{
    struct line *line = *place;
    *place = line->next;
    if (c->last == &line->next)
        c->last = place;
    alloc_free(line);
}

static void count_line(struct chat *c, const struct line *line, bool comes)
{
    size_t *counter = line->is_stored ? &c->stored : &c->waiting;
    *counter = comes ? *counter + 1 : *counter - 1;
}

static void on_stored(struct chat *c, struct line *line)
{
    count_line(c, line, false);
    line->is_stored = true;
    count_line(c, line, true);
    if (!c->said_stored)
        say_notice(TEXT_CHAT_STORED, c->with);
    c->said_stored = true;
}

/* The server's word on a line. */
static void on_word(struct chat *c, struct line **place, enum mlt_outcome outcome)
{
    struct line *line = *place;
    c->said_waiting = false;
    c->said_full = false;
    if (outcome == MLT_OUTCOME_STORED) {
        on_stored(c, line);
        return;
    }
    bool arrived = outcome == MLT_OUTCOME_DELIVERED || outcome == MLT_OUTCOME_READ;
    if (!arrived)
        fate_ended(&c->host, line->id);
    c->failed = c->failed || !arrived;
    count_line(c, line, false);
    forget_line(c, place);
    if (arrived && c->said_stored && c->stored == 0) {
        say_notice(TEXT_CHAT_DELIVERED, c->with);
        c->said_stored = false;
    }
}

/* It has to be sent again, and will be. */
static void on_waiting(struct chat *c, struct line *line, const struct mlt_event *event)
{
    count_line(c, line, false);
    line->is_stored = false;
    count_line(c, line, true);
    if (mlt_event_error(event) != MLT_ERROR_NONE && !mlt_is_logged_in(c->host.client))
        return; /* the event of the lost connection says it */
    if (!c->said_waiting)
        say_notice(TEXT_SEND_WAITS, c->with, fate_waiting(event));
    c->said_waiting = true;
}

static void on_outcome(struct chat *c, const struct mlt_event *event)
{
    struct line **place = find_line(c, mlt_event_id(event));
    if (place == NULL)
        fate_earlier(&c->host, event);
    else if (mlt_event_outcome(event) == MLT_OUTCOME_WAITING)
        on_waiting(c, *place, event);
    else
        on_word(c, place, mlt_event_outcome(event));
}

/* ---- in, and the connection ---- */

static enum exit_code on_message(struct chat *c, const struct mlt_event *message)
{
    enum mlt_err err = show_message(message, false);
    if (err != MLT_OK)
        return explain_output(err);
    enum mlt_error error = mlt_shown(c->host.client, mlt_event_row(message));
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_store(&c->host, error);
}

static void on_logged_in(struct chat *c)
{
    const char *me = mlt_name(c->host.client);
    if (c->said_lost)
        say_notice(TEXT_LISTENING_AGAIN, me);
    else if (!c->has_begun)
        say_notice(TEXT_CHAT_BEGIN, me, c->with);
    c->has_begun = true;
    c->said_lost = false;
    c->said_waiting = false;
}

static enum exit_code on_ended(struct chat *c, const struct mlt_event *event)
{
    if (mlt_event_retry_ms(event) < 0)
        return mlt_event_kind(event) == MLT_EVENT_CLOSED ? explain_closed(&c->host, event)
                                                         : explain_lost(&c->host, event);
    if (mlt_event_closed(event) == MLT_CLOSED_AGAIN) /* no matter of the user's */
        return EXIT_DONE;
    if (!c->said_lost && !explain_own_fault(&c->host, event))
        say_notice(TEXT_CHAT_LOST, mlt_host(c->host.client), mlt_connection_id(c->host.client));
    c->said_lost = true;
    return EXIT_DONE;
}

static enum exit_code on_event(void *ctx, const struct mlt_event *event, bool *done)
{
    struct chat *c = ctx;
    enum exit_code code = EXIT_DONE;
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_MESSAGE:
        code = on_message(c, event);
        break;
    case MLT_EVENT_OUTCOME:
        on_outcome(c, event);
        break;
    case MLT_EVENT_LOGGED_IN:
        on_logged_in(c);
        break;
    case MLT_EVENT_REFUSED:
        code = explain_refused(&c->host, event);
        break;
    case MLT_EVENT_CLOSED:
    case MLT_EVENT_LOST:
        code = on_ended(c, event);
        break;
    default:
        break;
    }
    return code == EXIT_DONE ? pump(c, done) : code;
}

/* What was typed is kept, however it ended. */
static enum exit_code end_chat(struct chat *c, enum exit_code code)
{
    if (c->has_begun) {
        enum exit_code kept = keep_typed(c, true);
        code = code == EXIT_DONE ? kept : code;
        size_t n = 0;
        if (has_line(c, &n)) {
            say_error(TEXT_CHAT_NOT_KEPT);
            c->failed = true;
        }
    }
    if (c->waiting == 1)
        say_notice(TEXT_CHAT_KEPT_ONE);
    else if (c->waiting > 1)
        say_notice(TEXT_CHAT_KEPT, (unsigned long long)c->waiting);
    if (code != EXIT_DONE)
        return code;
    if (c->failed)
        return EXIT_REFUSED;
    return c->waiting > 0 ? EXIT_OUTBOX : EXIT_DONE;
}

static enum exit_code run_chat(struct chat *c)
{
    c->last = &c->lines;
    c->loop = (struct host_loop) { .ctx = c,
                                   .on_event = on_event,
                                   .on_readable = on_readable,
                                   .other_fd = -1,
                                   .until_ms = INT64_MAX };
    uint64_t others = 0;
    enum mlt_error error = mlt_count_unshown(c->host.client, c->with, &others);
    if (error != MLT_ERROR_NONE)
        return explain_store(&c->host, error);
    if (others == 1)
        say_notice(TEXT_CHAT_ONE_OTHER);
    else if (others > 1)
        say_notice(TEXT_CHAT_OTHERS, (unsigned long long)others);
    enum host_end end;
    enum exit_code code = host_run(&c->host, &c->loop, &end);
    return end_chat(c, code);
}

enum exit_code cmd_chat(const struct malote_options *options, int argc, char **argv)
{
    CLEANUP(clear_chat) struct chat c = { 0 };
    if (argc != 2)
        return malote_wrong_usage(argv[0]);
    c.with = argv[1];
    if (mlt_check_name(c.with) != MLT_ERROR_NONE) {
        say_error(TEXT_BAD_NAME, c.with);
        return EXIT_USAGE;
    }
    enum exit_code code = host_open_joined(options, &c.host);
    const struct mlt_connection wanted = { .kind = MLT_KIND_RECEIVE,
                                           .comes_back = true,
                                           .only = c.with };
    if (code == EXIT_DONE)
        code = host_connect(&c.host, &wanted);
    if (code != EXIT_DONE)
        return code;
    code = run_chat(&c);
    host_finish(&c.host);
    return code;
}
