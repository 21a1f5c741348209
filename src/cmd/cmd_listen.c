/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

/* malote listen [--json] [--count N] [--timeout S] */

struct listen_run {
    struct host host;
    bool json;
    uint64_t wanted; /* 0: no end */
    uint64_t shown;
    int64_t timeout_s; /* 0: none */
    bool said_lost;
};

static void clear_run(struct listen_run *run)
{
    host_close(&run->host);
}

static enum exit_code take_count(const char *word, uint64_t *count)
{
    uint64_t n = 0;
    const char *c = word;
    for (; *c >= '0' && *c <= '9' && n < 100000000; c++)
        n = n * 10 + (uint64_t)(*c - '0');
    if (n > 0 && *c == '\0') {
        *count = n;
        return EXIT_DONE;
    }
    say_error(TEXT_LISTEN_BAD_COUNT, word);
    return EXIT_USAGE;
}

static enum exit_code take_timeout(const char *word, int64_t *seconds)
{
    if (timefmt_duration(word, seconds) == MLT_OK)
        return EXIT_DONE;
    say_error(TEXT_LISTEN_BAD_TIMEOUT, word);
    return EXIT_USAGE;
}

static enum exit_code take_words(int argc, char **argv, struct listen_run *run)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' },
                                           { "count", required_argument, NULL, 'c' },
                                           { "timeout", required_argument, NULL, 't' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        enum exit_code code = EXIT_DONE;
        if (c == 'j')
            run->json = true;
        else if (c == 'c')
            code = take_count(optarg, &run->wanted);
        else if (c == 't')
            code = take_timeout(optarg, &run->timeout_s);
        else
            code = malote_wrong_usage(argv[0]);
        if (code != EXIT_DONE)
            return code;
    }
    return optind == argc ? EXIT_DONE : malote_wrong_usage(argv[0]);
}

/* Shown first, marked then: a line may come twice after a crash, and is never left out. */
static enum exit_code on_message(struct listen_run *run, const struct store_message *m, bool *done)
{
    enum mlt_err err = show_message(m, run->json);
    if (err != MLT_OK)
        return explain_output(err);
    err = client_shown(run->host.client, m->row);
    if (err != MLT_OK)
        return explain_store(run->host.home.path, err);
    run->shown++;
    *done = run->wanted > 0 && run->shown >= run->wanted;
    return EXIT_DONE;
}

static enum exit_code on_ended(struct listen_run *run, const struct client_event *event)
{
    const struct host *host = &run->host;
    if (event->retry_ms >= 0) {
        if (!run->said_lost)
            say_notice(TEXT_LISTEN_LOST, host->identity.server.host, client_id(host->client));
        run->said_lost = true;
        if (event->err == MLT_ERR_UNREACHABLE)
            host_look_up_again(&run->host);
        return EXIT_DONE;
    }
    if (event->kind == CLIENT_EVENT_CLOSED)
        return explain_closed(host, event);
    return explain_lost(host, event);
}

static enum exit_code on_event(void *ctx, const struct client_event *event, bool *done)
{
    struct listen_run *run = ctx;
    switch (event->kind) {
    case CLIENT_EVENT_MESSAGE:
        return on_message(run, &event->message, done);
    case CLIENT_EVENT_LOGGED_IN:
        say_notice(run->said_lost ? TEXT_LISTENING_AGAIN : TEXT_LISTENING,
                   run->host.identity.server.name.text);
        run->said_lost = false;
        return EXIT_DONE;
    case CLIENT_EVENT_REFUSED:
        return explain_refused(&run->host, event);
    case CLIENT_EVENT_CLOSED:
    case CLIENT_EVENT_LOST:
        return on_ended(run, event);
    default:
        return EXIT_DONE;
    }
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
    if (code == EXIT_DONE && run->shown < run->wanted) {
        say_notice(TEXT_LISTEN_FEWER, (unsigned long long)run->shown,
                   (unsigned long long)run->wanted);
        code = EXIT_FEWER;
    }
    return code;
}

enum exit_code cmd_listen(const struct malote_options *options, int argc, char **argv)
{
    CLEANUP(clear_run) struct listen_run run = { .host = HOST_CLOSED };
    enum exit_code code = take_words(argc, argv, &run);
    if (code == EXIT_DONE)
        code = host_open_joined(options, &run.host);
    if (code == EXIT_DONE)
        code = host_connect(&run.host, CLIENT_AUTH_RECEIVE, true, NULL);
    if (code != EXIT_DONE)
        return code;
    code = run_listen(&run);
    host_say_goodbye(&run.host);
    return code;
}
