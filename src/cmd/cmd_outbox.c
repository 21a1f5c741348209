/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <string.h>

#include "base/hex.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

/* malote outbox list [--json] | drop ID|NAME|--all */

/* What is to be dropped; nothing of it set: everything. */
struct choice {
    bool by_id;
    uint8_t id[MLT_ID_SIZE];
    const char *name;
};

struct dropped {
    unsigned long long all;
    unsigned long long stored; /* of them by the server already */
};

static enum exit_code list(const struct host *host, bool json)
{
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = false;
    enum mlt_error error = mlt_next_waiting(host->client, 0, &m, &found);
    while (error == MLT_ERROR_NONE && found) {
        enum mlt_err err = show_waiting(&m, json);
        if (err != MLT_OK)
            return explain_output(err);
        error = mlt_next_waiting(host->client, m.row, &m, &found);
    }
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_store(host, error);
}

static bool is_chosen(const struct choice *choice, const struct mlt_message *m)
{
    if (choice->by_id)
        return span_eq(span_of(m->id, MLT_ID_SIZE), span_of(choice->id, MLT_ID_SIZE));
    return choice->name == NULL || strcmp(m->peer, choice->name) == 0;
}

static enum exit_code drop_chosen(const struct host *host, const struct choice *choice,
                                  struct dropped *dropped)
{
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = false;
    enum mlt_error error = mlt_next_waiting(host->client, 0, &m, &found);
    while (error == MLT_ERROR_NONE && found) {
        if (is_chosen(choice, &m)) {
            error = mlt_drop(host->client, m.id);
            bool gone = error == MLT_ERROR_MISSING; /* another process was faster */
            if (error != MLT_ERROR_NONE && !gone)
                break;
            dropped->all += gone ? 0 : 1;
            dropped->stored += !gone && m.outcome == MLT_OUTCOME_STORED ? 1 : 0;
        }
        error = mlt_next_waiting(host->client, m.row, &m, &found);
    }
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_store(host, error);
}

static void say_dropped(const struct dropped *dropped)
{
    if (dropped->all == 1)
        say_notice(TEXT_OUTBOX_DROPPED_ONE);
    else
        say_notice(TEXT_OUTBOX_DROPPED, dropped->all);
    if (dropped->stored > 0)
        say_notice(TEXT_OUTBOX_DROPPED_STORED, dropped->stored);
}

static enum exit_code drop(const struct host *host, const char *word)
{
    struct choice choice = { 0 };
    struct dropped dropped = { 0 };
    choice.by_id = word != NULL && strlen(word) == sizeof(choice.id) * 2 &&
                   hex_decode(span_str(word), choice.id, sizeof(choice.id)) == MLT_OK;
    choice.name = word;
    enum exit_code code = drop_chosen(host, &choice, &dropped);
    if (code == EXIT_DONE && choice.by_id && dropped.all == 0) { /* a name may look like an id */
        choice.by_id = false;
        code = drop_chosen(host, &choice, &dropped);
    }
    if (dropped.all > 0 || (word == NULL && code == EXIT_DONE))
        say_dropped(&dropped);
    if (code != EXIT_DONE || dropped.all > 0 || word == NULL)
        return code;
    say_error(TEXT_OUTBOX_NOT_THERE, word);
    return EXIT_USAGE;
}

struct words {
    bool json;
    bool all;
    bool drops;
    const char *which; /* NULL: all */
};

static enum exit_code take_words(int argc, char **argv, struct words *words)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' },
                                           { "all", no_argument, NULL, 'a' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'j')
            words->json = true;
        else if (c == 'a')
            words->all = true;
        else
            return malote_wrong_usage(argv[0]);
    }
    int left = argc - optind;
    const char *verb = left > 0 ? argv[optind] : "";
    words->drops = strcmp(verb, "drop") == 0;
    words->which = left > 1 ? argv[optind + 1] : NULL;
    bool is_list = strcmp(verb, "list") == 0 && left == 1 && !words->all;
    bool is_drop = words->drops && !words->json && left == (words->all ? 1 : 2);
    return is_list || is_drop ? EXIT_DONE : malote_wrong_usage(argv[0]);
}

enum exit_code cmd_outbox(const struct malote_options *options, int argc, char **argv)
{
    struct words words = { 0 };
    CLEANUP(host_close) struct host host = { 0 };
    enum exit_code code = take_words(argc, argv, &words);
    if (code == EXIT_DONE)
        code = host_open_store(options, &host);
    if (code != EXIT_DONE)
        return code;
    return words.drops ? drop(&host, words.which) : list(&host, words.json);
}
