/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/explain.h"
#include "cmd/fate.h"
#include "cmd/say.h"
#include "cmd/show.h"

/*
 * malote send NAME [TEXT|-] [--wait stored|delivered|read] [--timeout TIME] [--json]
 *
 * The message is in the outbox, on disk, before anybody is asked for a connection.
 */

/* What to wait for.  STORED, or more, is the default: the first word of the server ends it. */
enum wait { WAIT_STORED = 0, WAIT_DELIVERED, WAIT_READ };

struct send_job {
    const char *to;
    struct buf body;
    enum wait wait;
    int64_t timeout_s; /* 0: none */
    bool json;
};

struct send_run {
    struct host host;
    struct send_job job;
    uint8_t id[MLT_ID_SIZE];
    enum mlt_outcome outcome;
    const char *reason; /* static, or NULL */
    bool said_lost;
    bool said_read;
};

static void clear_run(struct send_run *run)
{
    buf_clear(&run->job.body);
    host_close(&run->host);
}

static enum exit_code take_wait(const char *word, enum wait *wait)
{
    static const char *const words[] = {
        [WAIT_STORED] = "stored", [WAIT_DELIVERED] = "delivered", [WAIT_READ] = "read"
    };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            *wait = (enum wait)i;
            return EXIT_DONE;
        }
    }
    say_error(TEXT_WAIT_UNKNOWN, word);
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

static enum exit_code take_options(int argc, char **argv, struct send_job *job)
{
    static const struct option known[] = { { "wait", required_argument, NULL, 'w' },
                                           { "timeout", required_argument, NULL, 't' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        enum exit_code code = EXIT_DONE;
        if (c == 'j')
            job->json = true;
        else if (c == 'w')
            code = take_wait(optarg, &job->wait);
        else if (c == 't')
            code = malote_take_time(optarg, &job->timeout_s);
        else
            code = malote_wrong_usage(argv[0]);
        if (code != EXIT_DONE)
            return code;
    }
    return EXIT_DONE;
}

static enum exit_code take_words(int argc, char **argv, struct send_job *job)
{
    enum exit_code code = take_options(argc, argv, job);
    if (code != EXIT_DONE)
        return code;
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

static enum exit_code keep(struct send_run *run)
{
    const struct send_job *job = &run->job;
    const struct mlt_outgoing message = { .size = sizeof(message),
                                          .recipient = job->to,
                                          .body = job->body.p,
                                          .n = job->body.len,
                                          .wants_read = job->wait == WAIT_READ };
    enum mlt_error error = mlt_put(run->host.client, &message, run->id);
    if (error == MLT_ERROR_NONE) {
        run->host.waits_for = job->to;
        return EXIT_DONE;
    }
    if (error == MLT_ERROR_TOO_MANY) {
        say_error(TEXT_OUTBOX_FULL, (unsigned)MLT_OUTBOX_MAX);
        return EXIT_LOCAL;
    }
    return explain_not_kept(&run->host, error);
}

static bool is_enough(const struct send_run *run)
{
    switch (run->outcome) {
    case MLT_OUTCOME_STORED:
        return run->job.wait == WAIT_STORED;
    case MLT_OUTCOME_DELIVERED:
        return run->job.wait != WAIT_READ;
    default:
        return run->outcome == MLT_OUTCOME_READ;
    }
}

static enum exit_code on_better(struct send_run *run, bool *done)
{
    *done = is_enough(run);
    run->reason = NULL;
    if (run->outcome == MLT_OUTCOME_STORED && isatty(STDERR_FILENO))
        say_notice(TEXT_SEND_STORED, run->job.to);
    if (run->outcome == MLT_OUTCOME_DELIVERED && !*done && !run->said_read) {
        say_notice(TEXT_SEND_WAITS_FOR_READ, run->job.to);
        run->said_read = true;
    }
    return EXIT_DONE;
}

/* The database knows, whoever heard of it: another process of this home may have sent it. */
static enum exit_code look(struct send_run *run, bool *done)
{
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = false;
    enum mlt_error error = mlt_fate(run->host.client, run->id, &m, &found);
    if (error != MLT_ERROR_NONE)
        return explain_store(&run->host, error);
    if (!found || m.outcome == run->outcome)
        return EXIT_DONE;
    run->outcome = m.outcome;
    run->host.is_stored = m.outcome == MLT_OUTCOME_STORED || m.outcome == MLT_OUTCOME_DELIVERED;
    if (m.outcome == MLT_OUTCOME_WAITING)
        return EXIT_DONE;
    if (m.outcome == MLT_OUTCOME_DROPPED || fate_is_failure(m.outcome)) {
        run->reason = fate_say(&run->host, run->job.to, m.outcome, m.why);
        return EXIT_REFUSED;
    }
    return on_better(run, done);
}

/* The server will take it, but not now. */
static enum exit_code on_waiting(struct send_run *run, const struct mlt_event *event)
{
    bool is_told = mlt_event_error(event) != MLT_ERROR_NONE && !mlt_is_logged_in(run->host.client);
    if (is_told) /* the event of the lost connection says it */
        return EXIT_DONE;
    const char *reason = fate_waiting(event);
    run->outcome = MLT_OUTCOME_WAITING; /* even if it was stored: that row was damaged, say */
    run->host.is_stored = false;
    run->host.held_up = true;
    bool is_new = reason != run->reason;
    run->reason = reason;
    if (run->job.wait == WAIT_STORED) {
        say_error(TEXT_KEPT_FOR_LATER_ID, run->job.to, reason, mlt_connection_id(run->host.client));
        return EXIT_OUTBOX;
    }
    if (is_new)
        say_notice(TEXT_SEND_WAITS, run->job.to, reason);
    return EXIT_DONE;
}

static bool is_mine(const struct send_run *run, const struct mlt_event *event)
{
    return span_eq(span_of(mlt_event_id(event), MLT_ID_SIZE), span_of(run->id, MLT_ID_SIZE));
}

static enum exit_code on_outcome(struct send_run *run, const struct mlt_event *event, bool *done)
{
    if (!is_mine(run, event)) {
        fate_earlier(&run->host, event);
        return EXIT_DONE;
    }
    if (mlt_event_outcome(event) == MLT_OUTCOME_WAITING)
        return on_waiting(run, event);
    return look(run, done);
}

static enum exit_code on_ended(struct send_run *run, const struct mlt_event *event, bool *done)
{
    enum exit_code code = look(run, done);
    if (code != EXIT_DONE || *done)
        return code;
    run->reason = mlt_event_text(event);
    bool comes_back = mlt_event_retry_ms(event) >= 0;
    if (!comes_back)
        return mlt_event_kind(event) == MLT_EVENT_CLOSED ? explain_closed(&run->host, event)
                                                         : explain_lost(&run->host, event);
    run->host.is_known = false;
    if (mlt_event_closed(event) == MLT_CLOSED_AGAIN) /* no matter of the user's */
        return EXIT_DONE;
    if (!run->said_lost && !explain_own_fault(&run->host, event))
        say_notice(TEXT_LISTEN_LOST, mlt_host(run->host.client),
                   mlt_connection_id(run->host.client));
    run->said_lost = true;
    return EXIT_DONE;
}

static enum exit_code on_event(void *ctx, const struct mlt_event *event, bool *done)
{
    struct send_run *run = ctx;
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_OUTCOME:
        return on_outcome(run, event, done);
    case MLT_EVENT_LOGGED_IN:
        run->said_lost = false;
        run->host.is_known = true;
        return EXIT_DONE;
    case MLT_EVENT_REFUSED:
        run->reason = mlt_event_text(event);
        return explain_refused(&run->host, event);
    case MLT_EVENT_CLOSED:
    case MLT_EVENT_LOST:
        return on_ended(run, event, done);
    default:
        return EXIT_DONE;
    }
}

/* Ctrl-C, or the time is over. */
static enum exit_code give_up(struct send_run *run, enum host_end end)
{
    run->reason = end == HOST_END_SIGNAL ? TEXT_SEND_INTERRUPTED : TEXT_SEND_TIME_OVER;
    if (run->outcome == MLT_OUTCOME_WAITING)
        say_error(TEXT_KEPT_FOR_LATER, run->job.to, run->reason);
    else if (run->outcome == MLT_OUTCOME_DELIVERED)
        say_error(TEXT_DELIVERED_ONLY, run->job.to, run->reason);
    else
        say_error(TEXT_STORED_ONLY, run->job.to, run->reason);
    return EXIT_OUTBOX;
}

static enum exit_code wait_for_it(struct send_run *run)
{
    struct host_loop loop = {
        .ctx = run, .on_event = on_event, .other_fd = -1, .until_ms = INT64_MAX
    };
    if (run->job.timeout_s > 0)
        loop.until_ms = host_now_ms() + run->job.timeout_s * 1000;
    enum host_end end;
    enum exit_code code = host_run(&run->host, &loop, &end);
    if (code == EXIT_DONE && end != HOST_END_DONE)
        code = give_up(run, end);
    return code;
}

static enum exit_code run_send(struct send_run *run)
{
    enum exit_code code = keep(run);
    if (code != EXIT_DONE)
        return code;
    const struct mlt_connection wanted = { .kind = MLT_KIND_SEND,
                                           .comes_back = run->job.wait != WAIT_STORED };
    code = host_connect(&run->host, &wanted);
    if (code == EXIT_DONE)
        code = wait_for_it(run);
    if (!run->job.json)
        return code;
    enum mlt_err err = show_sent(run->job.to, run->id, show_state(run->outcome), run->reason);
    return err == MLT_OK ? code : explain_output(err);
}

enum exit_code cmd_send(const struct malote_options *options, int argc, char **argv)
{
    CLEANUP(clear_run) struct send_run run = { 0 };
    enum exit_code code = take_words(argc, argv, &run.job);
    if (code == EXIT_DONE)
        code = host_open_joined(options, &run.host);
    if (code != EXIT_DONE)
        return code;
    code = run_send(&run);
    host_finish(&run.host);
    return code;
}
