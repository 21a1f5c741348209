/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

/*
 * malote chat NAME: plain line mode.  The terminal stays as it is, so whatever ends the process
 * leaves it sane.
 */

/* Fewer than MLT_SEND_WINDOW, so that mlt_send always has room. */
static const size_t window = MLT_SEND_WINDOW / 2;

struct chat {
    struct host host;
    struct host_loop loop;
    const char *with;
    struct buf typed; /* not sent yet */
    size_t waiting;   /* sent, fate unknown */
    bool at_eof;
    bool failed; /* a line did not arrive */
    bool said_lost;
};

static void clear_chat(struct chat *c)
{
    buf_clear(&c->typed);
    host_close(&c->host);
}

static enum exit_code send_line(struct chat *c, struct span line)
{
    if (line.n == 0)
        return EXIT_DONE;
    uint8_t id[MLT_ID_SIZE];
    enum mlt_error error = MLT_ERROR_RANGE;
    if (mlt_is_text(line.p, line.n))
        error = mlt_send(c->host.client, c->with, line.p, line.n, id);
    if (error == MLT_ERROR_NONE) {
        c->waiting++;
        return EXIT_DONE;
    }
    if (error != MLT_ERROR_RANGE)
        return explain_store(&c->host, error);
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

/* Sends what can be sent, and reads stdin only while there is room for more. */
static enum exit_code pump(struct chat *c, bool *done)
{
    size_t n = 0;
    while (mlt_is_logged_in(c->host.client) && c->waiting < window && has_line(c, &n)) {
        enum exit_code code = send_line(c, span_of(c->typed.p, n));
        if (code != EXIT_DONE)
            return code;
        buf_drop(&c->typed, n < c->typed.len ? n + 1 : n);
    }
    bool idle = mlt_is_logged_in(c->host.client) && !has_line(c, &n);
    c->loop.other_fd = idle && !c->at_eof ? STDIN_FILENO : -1;
    *done = idle && c->at_eof && c->waiting == 0;
    return EXIT_DONE;
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

static enum exit_code on_message(struct chat *c, const struct mlt_event *message)
{
    enum mlt_err err = show_message(message, false);
    if (err != MLT_OK)
        return explain_output(err);
    enum mlt_error error = mlt_shown(c->host.client, mlt_event_row(message));
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_store(&c->host, error);
}

static void on_outcome(struct chat *c, const struct mlt_event *event)
{
    c->waiting--;
    enum mlt_outcome outcome = mlt_event_outcome(event);
    if (outcome == MLT_OUTCOME_DELIVERED || outcome == MLT_OUTCOME_STORED)
        return;
    c->failed = true;
    explain_outcome(&c->host, event);
}

static void on_logged_in(struct chat *c)
{
    const char *me = mlt_name(c->host.client);
    if (c->said_lost)
        say_notice(TEXT_LISTENING_AGAIN, me);
    else
        say_notice(TEXT_CHAT_BEGIN, me, c->with);
    c->said_lost = false;
}

static enum exit_code on_ended(struct chat *c, const struct mlt_event *event)
{
    if (mlt_event_retry_ms(event) < 0)
        return mlt_event_kind(event) == MLT_EVENT_CLOSED ? explain_closed(&c->host, event)
                                                         : explain_lost(&c->host, event);
    if (!c->said_lost)
        say_notice(TEXT_LISTEN_LOST, mlt_host(c->host.client), mlt_connection_id(c->host.client));
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

static enum exit_code run_chat(struct chat *c)
{
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
    if (code == EXIT_DONE && c->waiting > 0) {
        say_error(TEXT_SEND_INTERRUPTED);
        c->failed = true;
    }
    return code == EXIT_DONE && c->failed ? EXIT_REFUSED : code;
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
    if (code == EXIT_DONE)
        code = host_connect(&c.host, MLT_KIND_RECEIVE, true, c.with);
    if (code != EXIT_DONE)
        return code;
    code = run_chat(&c);
    host_say_goodbye(&c.host);
    return code;
}
