/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmd/enrol.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

/* malote join URL|- [--name NAME] [--bits N] [--min-group G] [--protect] */

struct join_job {
    struct mlt_membership join;
    char url[MLT_URL_MAX + 2];
    bool url_from_stdin;
    char invited[MLT_NAME_SIZE]; /* the name the invite is bound to, or "" */
    char typed[128];             /* at the prompt */
    bool protect;
};

static void clear_job(struct join_job *job)
{
    alloc_wipe(job, sizeof(*job));
}

/* One line of stdin, without its end; false when it is too long or there is none. */
static bool read_line(char *line, size_t room)
{
    size_t n = 0;
    while (n < room) {
        ssize_t got = read(STDIN_FILENO, line + n, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || line[n] == '\n')
            break;
        n++;
    }
    if (n == room)
        return false;
    if (n > 0 && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    return n > 0;
}

static enum exit_code take_url(const char *word, struct join_job *job)
{
    job->join.url = word;
    job->url_from_stdin = strcmp(word, "-") == 0;
    if (job->url_from_stdin) {
        if (!read_line(job->url, sizeof(job->url))) {
            say_error(TEXT_JOIN_NO_URL);
            return EXIT_USAGE;
        }
        job->join.url = job->url;
    }
    enum mlt_error error = mlt_check_url(job->join.url, job->invited);
    if (error == MLT_ERROR_NONE)
        return EXIT_DONE;
    if (error == MLT_ERROR_NAME)
        say_error(TEXT_JOIN_BAD_URL_NAME, mlt_error_text(error));
    else
        say_error(TEXT_JOIN_BAD_URL);
    return EXIT_USAGE;
}

static enum exit_code take_name(const char *word, struct join_job *job)
{
    if (mlt_check_name(word) != MLT_ERROR_NONE) {
        say_error(TEXT_BAD_NAME, word);
        return EXIT_USAGE;
    }
    job->join.name = word;
    return EXIT_DONE;
}

static enum exit_code take_bits(const char *word, struct join_job *job)
{
    static const struct {
        const char *word;
        unsigned bits;
    } known[] = { { "2048", 2048 }, { "3072", 3072 }, { "4096", 4096 } };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(word, known[i].word) == 0) {
            job->join.key_bits = known[i].bits;
            return EXIT_DONE;
        }
    }
    say_error(TEXT_JOIN_BAD_BITS, word);
    return EXIT_USAGE;
}

static enum exit_code take_group(const char *word, struct join_job *job)
{
    static const struct {
        const char *word;
        enum mlt_group group;
    } known[] = { { "ffdhe2048", MLT_GROUP_FFDHE2048 },
                  { "ffdhe3072", MLT_GROUP_FFDHE3072 },
                  { "ffdhe4096", MLT_GROUP_FFDHE4096 } };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(word, known[i].word) == 0) {
            job->join.minimum_group = known[i].group;
            return EXIT_DONE;
        }
    }
    say_error(TEXT_JOIN_BAD_GROUP, word);
    return EXIT_USAGE;
}

static enum exit_code take_option(int c, const char *subcommand, struct join_job *job)
{
    switch (c) {
    case 'n':
        return take_name(optarg, job);
    case 'b':
        return take_bits(optarg, job);
    case 'g':
        return take_group(optarg, job);
    case 'p':
        job->protect = true;
        return EXIT_DONE;
    default:
        return malote_wrong_usage(subcommand);
    }
}

/* --name, else the name the invite is bound to, else what the terminal says. */
static enum exit_code settle_name(struct join_job *job)
{
    if (job->invited[0] != '\0' && job->join.name != NULL &&
        strcmp(job->invited, job->join.name) != 0) {
        say_error(TEXT_JOIN_NAME_DIFFERS, job->invited, job->join.name);
        return EXIT_USAGE;
    }
    if (job->invited[0] != '\0' || job->join.name != NULL)
        return EXIT_DONE;
    if (job->url_from_stdin || !isatty(STDIN_FILENO)) {
        say_error(TEXT_JOIN_NAME_NEEDED);
        return EXIT_USAGE;
    }
    dprintf(STDERR_FILENO, "%s", TEXT_JOIN_NAME_PROMPT);
    if (!read_line(job->typed, sizeof(job->typed))) {
        say_error(TEXT_JOIN_NAME_NEEDED);
        return EXIT_USAGE;
    }
    return take_name(job->typed, job);
}

static enum exit_code take_words(int argc, char **argv, struct join_job *job)
{
    static const struct option known[] = { { "name", required_argument, NULL, 'n' },
                                           { "bits", required_argument, NULL, 'b' },
                                           { "min-group", required_argument, NULL, 'g' },
                                           { "protect", no_argument, NULL, 'p' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        enum exit_code code = take_option(c, argv[0], job);
        if (code != EXIT_DONE)
            return code;
    }
    if (argc - optind != 1)
        return malote_wrong_usage(argv[0]);
    enum exit_code code = take_url(argv[optind], job);
    return code == EXIT_DONE ? settle_name(job) : code;
}

static enum exit_code read_passphrase(const struct malote_options *options, bool fresh,
                                      struct secret *passphrase)
{
    const char *prompt = fresh ? TEXT_NEW_PASSPHRASE_PROMPT : TEXT_PASSPHRASE_PROMPT;
    enum mlt_err err = passphrase_read(&options->passphrase, prompt, fresh, passphrase);
    return err == MLT_OK ? EXIT_DONE : explain_passphrase(&options->passphrase, err);
}

static enum exit_code begin_anew(const struct malote_options *options, struct host *host,
                                 const struct join_job *job)
{
    CLEANUP(secret_clear) struct secret passphrase = { 0 };
    enum exit_code code = EXIT_DONE;
    if (job->protect)
        code = read_passphrase(options, true, &passphrase);
    if (code != EXIT_DONE)
        return code;
    enum mlt_error error = mlt_join(host->client, &job->join, passphrase.p, passphrase.n);
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_home(mlt_home(host->client), error);
}

static enum exit_code take_up(const struct malote_options *options, struct host *host,
                              const struct join_job *job, bool is_protected)
{
    CLEANUP(secret_clear) struct secret passphrase = { 0 };
    enum exit_code code = EXIT_DONE;
    say_notice(TEXT_JOIN_TAKEN_UP, mlt_name(host->client));
    if (is_protected)
        code = read_passphrase(options, false, &passphrase);
    if (code != EXIT_DONE)
        return code;
    enum mlt_error error = mlt_join(host->client, &job->join, passphrase.p, passphrase.n);
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_identity(host, error);
}

static enum exit_code prepare(const struct malote_options *options, struct host *host,
                              const struct join_job *job)
{
    enum mlt_join_plan plan;
    enum mlt_error error = mlt_plan_join(host->client, &job->join, &plan);
    const char *home = mlt_home(host->client);
    if (error == MLT_ERROR_LOCKED)
        return explain_home(home, error);
    if (error != MLT_ERROR_NONE)
        return explain_identity(host, error);
    switch (plan) {
    case MLT_PLAN_JOINED:
        say_error(TEXT_JOINED_ALREADY, home, mlt_name(host->client), mlt_name(host->client));
        return EXIT_TRUST;
    case MLT_PLAN_WAITS:
        say_error(TEXT_JOIN_WAITING, home, mlt_name(host->client));
        return EXIT_TRUST;
    case MLT_PLAN_TAKE_UP:
    case MLT_PLAN_TAKE_UP_PROTECTED:
        return take_up(options, host, job, plan == MLT_PLAN_TAKE_UP_PROTECTED);
    default:
        return begin_anew(options, host, job);
    }
}

enum exit_code cmd_join(const struct malote_options *options, int argc, char **argv)
{
    CLEANUP(clear_job) struct join_job job = { .join = MLT_MEMBERSHIP_INIT };
    enum exit_code code = take_words(argc, argv, &job);
    if (code != EXIT_DONE)
        return code;
    CLEANUP(host_close) struct host host = { 0 };
    code = host_open_home(options, true, &host);
    if (code == EXIT_DONE)
        code = prepare(options, &host, &job);
    return code == EXIT_DONE ? enrol_run(&host, false) : code;
}
