/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>

#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

/*
 * malote history [NAME] [--json] [--count N]: what is kept here, both ways.  Asks no server, and
 * marks nothing as shown.
 */

struct past {
    const char *peer; /* NULL: everybody */
    uint64_t count;   /* the newest; 0: all */
    bool json;
};

static enum exit_code take_words(int argc, char **argv, struct past *past)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' },
                                           { "count", required_argument, NULL, 'c' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        enum exit_code code = EXIT_DONE;
        if (c == 'j')
            past->json = true;
        else if (c == 'c')
            code = malote_take_count(optarg, &past->count);
        else
            code = malote_wrong_usage(argv[0]);
        if (code != EXIT_DONE)
            return code;
    }
    if (argc - optind > 1)
        return malote_wrong_usage(argv[0]);
    past->peer = optind < argc ? argv[optind] : NULL;
    if (past->peer == NULL || mlt_check_name(past->peer) == MLT_ERROR_NONE)
        return EXIT_DONE;
    say_error(TEXT_BAD_NAME, past->peer);
    return EXIT_USAGE;
}

/* How many of them are not among the newest. */
static enum mlt_error count_older(const struct host *host, const struct past *past, uint64_t *older)
{
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = false;
    uint64_t all = 0;
    enum mlt_error error = mlt_next_message(host->client, past->peer, 0, &m, &found);
    while (error == MLT_ERROR_NONE && found) {
        all++;
        error = mlt_next_message(host->client, past->peer, m.row, &m, &found);
    }
    *older = all > past->count ? all - past->count : 0;
    return error;
}

static enum exit_code show_them(const struct host *host, const struct past *past)
{
    uint64_t older = 0;
    enum mlt_error error = MLT_ERROR_NONE;
    if (past->count > 0)
        error = count_older(host, past, &older);
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = false;
    if (error == MLT_ERROR_NONE)
        error = mlt_next_message(host->client, past->peer, 0, &m, &found);
    for (; error == MLT_ERROR_NONE && found; older -= older > 0) {
        enum mlt_err err = older == 0 ? show_past(&m, mlt_name(host->client), past->json) : MLT_OK;
        if (err != MLT_OK)
            return explain_output(err);
        error = mlt_next_message(host->client, past->peer, m.row, &m, &found);
    }
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_store(host, error);
}

enum exit_code cmd_history(const struct malote_options *options, int argc, char **argv)
{
    struct past past = { 0 };
    CLEANUP(host_close) struct host host = { 0 };
    enum exit_code code = take_words(argc, argv, &past);
    if (code == EXIT_DONE)
        code = host_open_store(options, &host);
    return code == EXIT_DONE ? show_them(&host, &past) : code;
}
