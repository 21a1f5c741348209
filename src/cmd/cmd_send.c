/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

/* malote send NAME [TEXT|-] [--wait stored|delivered|read] [--json] */

struct send_job {
    const char *to;
    struct buf body;
    bool json;
};

static void clear_job(struct send_job *job)
{
    buf_clear(&job->body);
}

static enum exit_code take_wait(const char *value)
{
    if (strcmp(value, "delivered") == 0)
        return EXIT_DONE;
    bool planned = strcmp(value, "stored") == 0 || strcmp(value, "read") == 0;
    if (planned)
        say_error(TEXT_WAIT_NOT_BUILT, value);
    else
        say_error(TEXT_WAIT_UNKNOWN, value);
    return EXIT_USAGE;
}

/* One byte more than allowed tells "too long" from "just fits". */
static enum mlt_err read_stdin(struct buf *body)
{
    for (;;) {
        TRY(buf_reserve(body, 4096));
        ssize_t n = read(STDIN_FILENO, body->p + body->len, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        ENSURE(n >= 0, MLT_ERR_SYSTEM);
        if (n == 0)
            return MLT_OK;
        body->len += (size_t)n;
        ENSURE(body->len <= MLT_BODY_MAX, MLT_ERR_RANGE);
    }
}

static enum exit_code take_text(const char *text, struct send_job *job)
{
    bool from_stdin = text == NULL || strcmp(text, "-") == 0;
    enum mlt_err err = from_stdin ? read_stdin(&job->body) : buf_put_str(&job->body, text);
    if (err == MLT_ERR_SYSTEM || err == MLT_ERR_NOMEM)
        return explain_file("stdin", err);
    if (err == MLT_ERR_RANGE || job->body.len > MLT_BODY_MAX) {
        say_error(TEXT_BODY_TOO_LONG, (unsigned)MLT_BODY_MAX);
        return EXIT_USAGE;
    }
    if (job->body.len == 0) {
        say_error(TEXT_BODY_EMPTY);
        return EXIT_USAGE;
    }
    if (!mlt_is_text(job->body.p, job->body.len)) {
        say_error(TEXT_BODY_NOT_TEXT);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static enum exit_code take_words(int argc, char **argv, struct send_job *job)
{
    static const struct option known[] = { { "wait", required_argument, NULL, 'w' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'j')
            job->json = true;
        else if (c != 'w')
            return malote_wrong_usage(argv[0]);
        else if (take_wait(optarg) != EXIT_DONE)
            return EXIT_USAGE;
    }
    int words = argc - optind;
    if (words < 1 || words > 2)
        return malote_wrong_usage(argv[0]);
    job->to = argv[optind];
    if (mlt_check_name(job->to) != MLT_ERROR_NONE) {
        say_error(TEXT_BAD_NAME, job->to);
        return EXIT_USAGE;
    }
    return take_text(words == 2 ? argv[optind + 1] : NULL, job);
}

static enum exit_code report(const struct host *host, const struct send_job *job,
                             const struct mlt_event *event)
{
    enum mlt_outcome outcome = mlt_event_outcome(event);
    bool arrived = outcome == MLT_OUTCOME_DELIVERED || outcome == MLT_OUTCOME_STORED;
    const char *why = arrived ? NULL : explain_outcome(host, event);
    if (job->json) {
        enum mlt_err err = show_sent(event, why);
        if (err != MLT_OK)
            return explain_output(err);
    }
    if (arrived)
        return EXIT_DONE;
    return mlt_event_error(event) == MLT_ERROR_NONE ? EXIT_REFUSED : EXIT_UNREACHABLE;
}

static enum exit_code send_now(const struct host *host, const struct send_job *job)
{
    uint8_t id[MLT_ID_SIZE];
    enum mlt_error error = mlt_send(host->client, job->to, job->body.p, job->body.len, id);
    /* The link was lost in the same breath in which it came up: the next event says why. */
    if (error == MLT_ERROR_NONE || error == MLT_ERROR_STATE)
        return EXIT_DONE;
    if (error != MLT_ERROR_RANGE)
        return explain_store(host, error);
    say_error(TEXT_BODY_TOO_LONG_FOR_SERVER, mlt_host(host->client));
    return EXIT_REFUSED;
}

struct send_run {
    struct host *host;
    const struct send_job *job;
};

static enum exit_code on_event(void *ctx, const struct mlt_event *event, bool *done)
{
    const struct send_run *run = ctx;
    *done = mlt_event_kind(event) != MLT_EVENT_LOGGED_IN;
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_LOGGED_IN:
        return send_now(run->host, run->job);
    case MLT_EVENT_OUTCOME:
        return report(run->host, run->job, event);
    case MLT_EVENT_REFUSED:
        return explain_refused(run->host, event);
    case MLT_EVENT_CLOSED:
        return explain_closed(run->host, event);
    default:
        return explain_lost(run->host, event);
    }
}

static enum exit_code run_send(struct host *host, const struct send_job *job)
{
    struct send_run run = { host, job };
    const struct host_loop loop = {
        .ctx = &run, .on_event = on_event, .other_fd = -1, .until_ms = INT64_MAX
    };
    enum host_end end;
    enum exit_code code = host_run(host, &loop, &end);
    if (end != HOST_END_SIGNAL)
        return code;
    say_error(TEXT_SEND_INTERRUPTED);
    return EXIT_REFUSED;
}

enum exit_code cmd_send(const struct malote_options *options, int argc, char **argv)
{
    CLEANUP(clear_job) struct send_job job = { 0 };
    enum exit_code code = take_words(argc, argv, &job);
    if (code != EXIT_DONE)
        return code;
    CLEANUP(host_close) struct host host = { 0 };
    code = host_open_joined(options, &host);
    if (code == EXIT_DONE)
        code = host_connect(&host, MLT_KIND_SEND, false, NULL);
    if (code != EXIT_DONE)
        return code;
    code = run_send(&host, &job);
    host_say_goodbye(&host);
    return code;
}
