/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>

#include "cmd/explain.h"
#include "cmd/fate.h"
#include "cmd/say.h"
#include "cmd/show.h"

/* malote listen [--json] [--count N] [--timeout TIME] [--tell-read] */

struct listen_run {
    struct host host;
    bool json;
    bool tells_read;
    uint64_t wanted; /* 0: no end */
    uint64_t shown;
    int64_t timeout_s; /* 0: none */
    bool said_listening;
    bool said_lost;
};

static void clear_run(struct listen_run *run)
{
    host_close(&run->host);
}

static enum exit_code take_words(int argc, char **argv, struct listen_run *run)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' },
                                           { "count", required_argument, NULL, 'c' },
                                           { "timeout", required_argument, NULL, 't' },
                                           { "tell-read", no_argument, NULL, 'r' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        enum exit_code code = EXIT_DONE;
        if (c == 'j')
            run->json = true;
        else if (c == 'r')
            run->tells_read = true;
        else if (c == 'c')
            code = malote_take_count(optarg, &run->wanted);
        else if (c == 't')
            code = malote_take_time(optarg, &run->timeout_s);
        else
            code = malote_wrong_usage(argv[0]);
        if (code != EXIT_DONE)
            return code;
    }
    return optind == argc ? EXIT_DONE : malote_wrong_usage(argv[0]);
}

/* Shown first, marked then: a line may come twice after a crash, and is never left out. */
static enum exit_code on_message(struct listen_run *run, const struct mlt_event *message,
                                 bool *done)
{
    enum mlt_err err = show_message(message, run->json);
    if (err != MLT_OK)
        return explain_output(err);
    enum mlt_error error = mlt_shown(run->host.client, mlt_event_row(message));
    if (error != MLT_ERROR_NONE)
        return explain_store(&run->host, error);
    run->shown++;
    *done = run->wanted > 0 && run->shown >= run->wanted;
    return EXIT_DONE;
}

static enum exit_code on_ended(struct listen_run *run, const struct mlt_event *event)
{
    const struct host *host = &run->host;
    if (mlt_event_retry_ms(event) >= 0) {
        if (mlt_event_closed(event) == MLT_CLOSED_AGAIN) /* no matter of the user's */
            return EXIT_DONE;
        if (!run->said_lost && !explain_own_fault(host, event))
            say_notice(TEXT_LISTEN_LOST, mlt_host(host->client), mlt_connection_id(host->client));
        run->said_lost = true;
        return EXIT_DONE;
    }
    if (mlt_event_kind(event) == MLT_EVENT_CLOSED)
        return explain_closed(host, event);
    return explain_lost(host, event);
}

static void on_logged_in(struct listen_run *run)
{
    const char *me = mlt_name(run->host.client);
    if (run->said_lost)
        say_notice(TEXT_LISTENING_AGAIN, me);
    else if (!run->said_listening)
        say_notice(TEXT_LISTENING, me);
    run->said_listening = true;
    run->said_lost = false;
}

static enum exit_code on_event(void *ctx, const struct mlt_event *event, bool *done)
{
    struct listen_run *run = ctx;
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_MESSAGE:
        return on_message(run, event, done);
    case MLT_EVENT_OUTCOME:
        fate_earlier(&run->host, event);
        return EXIT_DONE;
    case MLT_EVENT_LOGGED_IN:
        on_logged_in(run);
        return EXIT_DONE;
    case MLT_EVENT_REFUSED:
        return explain_refused(&run->host, event);
    case MLT_EVENT_CLOSED:
    case MLT_EVENT_LOST:
        return on_ended(run, event);
    default:
        return EXIT_DONE;
    }
}

/* That nothing came says nothing where nobody could be asked. */
static enum exit_code tell_end(const struct listen_run *run, enum host_end end)
{
    const struct host *host = &run->host;
    if (end == HOST_END_TIME && !run->said_listening) {
        say_error(TEXT_LISTEN_NO_LOGIN, mlt_host(host->client), mlt_connection_id(host->client));
        return EXIT_UNREACHABLE;
    }
    if (run->shown >= run->wanted)
        return EXIT_DONE;
    say_notice(TEXT_LISTEN_FEWER, (unsigned long long)run->shown, (unsigned long long)run->wanted);
    return EXIT_FEWER;
}

static enum exit_code run_listen(struct listen_run *run)
{
    struct host_loop loop = {
        .ctx = run, .on_event = on_event, .other_fd = -1, .until_ms = INT64_MAX
    };
    if (run->timeout_s > 0)
        loop.until_ms = host_now_ms() + run->timeout_s * 1000;
    enum host_end end;
    enum exit_code code = host_run(&run->host, &loop, &end);
    return code == EXIT_DONE ? tell_end(run, end) : code;
}

static enum exit_code connect_to_receive(struct listen_run *run)
{
    const struct mlt_connection wanted = { .kind = MLT_KIND_RECEIVE,
                                           .comes_back = true,
                                           .tells_read = run->tells_read };
    return host_connect(&run->host, &wanted);
}

enum exit_code cmd_listen(const struct malote_options *options, int argc, char **argv)
{
    CLEANUP(clear_run) struct listen_run run = { 0 };
    enum exit_code code = take_words(argc, argv, &run);
    if (code == EXIT_DONE)
        code = host_open_joined(options, &run.host);
    if (code == EXIT_DONE)
        code = connect_to_receive(&run);
    if (code != EXIT_DONE)
        return code;
    code = run_listen(&run);
    host_finish(&run.host);
    return code;
}
