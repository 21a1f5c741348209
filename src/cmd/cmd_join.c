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
#include "crypto/rsa.h"
#include "wire/join_url.h"

/* malote join URL|- [--name NAME] [--bits N] [--min-group G] [--protect] */

struct join_job {
    struct join_url url;
    bool url_from_stdin;
    bool has_name;
    struct name name;
    unsigned bits;
    enum dh_group min_group;
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

/* What a mail program or a Windows editor leaves around a pasted URL. */
static struct span trim(const char *word)
{
    static const char blank[] = " \t\r\n";
    struct span s = span_str(word + strspn(word, blank));
    while (s.n > 0 && strchr(blank, s.p[s.n - 1]) != NULL)
        s.n--;
    return s;
}

static enum exit_code take_url(const char *word, struct join_job *job)
{
    char line[JOIN_URL_MAX + 2];
    job->url_from_stdin = strcmp(word, "-") == 0;
    if (job->url_from_stdin) {
        if (!read_line(line, sizeof(line))) {
            say_error(TEXT_JOIN_NO_URL);
            return EXIT_USAGE;
        }
        word = line;
    }
    enum mlt_err err = join_url_parse(trim(word), &job->url);
    alloc_wipe(line, sizeof(line));
    if (err == MLT_OK)
        return EXIT_DONE;
    say_error(TEXT_JOIN_BAD_URL, err_text(err));
    return EXIT_USAGE;
}

static enum exit_code take_name(const char *word, struct join_job *job)
{
    job->has_name = true;
    if (name_parse_user(span_str(word), &job->name) == MLT_OK)
        return EXIT_DONE;
    say_error(TEXT_BAD_NAME, word);
    return EXIT_USAGE;
}

static enum exit_code take_bits(const char *word, struct join_job *job)
{
    static const struct {
        const char *word;
        unsigned bits;
    } known[] = { { "2048", 2048 }, { "3072", 3072 }, { "4096", 4096 } };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(word, known[i].word) == 0) {
            job->bits = known[i].bits;
            return EXIT_DONE;
        }
    }
    say_error(TEXT_JOIN_BAD_BITS, word);
    return EXIT_USAGE;
}

static enum exit_code take_group(const char *word, struct join_job *job)
{
    if (dh_group_parse(word, &job->min_group) == MLT_OK)
        return EXIT_DONE;
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
    if (job->url.has_name) {
        if (job->has_name && !name_eq(&job->name, &job->url.name)) {
            say_error(TEXT_JOIN_NAME_DIFFERS, job->url.name.text, job->name.text);
            return EXIT_USAGE;
        }
        job->name = job->url.name;
        return EXIT_DONE;
    }
    if (job->has_name)
        return EXIT_DONE;
    if (job->url_from_stdin || !isatty(STDIN_FILENO)) {
        say_error(TEXT_JOIN_NAME_NEEDED);
        return EXIT_USAGE;
    }
    char line[128];
    dprintf(STDERR_FILENO, "%s", TEXT_JOIN_NAME_PROMPT);
    if (!read_line(line, sizeof(line))) {
        say_error(TEXT_JOIN_NAME_NEEDED);
        return EXIT_USAGE;
    }
    return take_name(line, job);
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

static struct server_file server_of_job(const struct join_job *job)
{
    struct server_file server = { .state = SERVER_JOINING,
                                  .port = job->url.port,
                                  .name = job->name,
                                  .min_group = job->min_group,
                                  .has_invite = job->url.has_invite,
                                  .invite = job->url.invite };
    snprintf(server.host, sizeof(server.host), "%s", job->url.host);
    memcpy(server.pin, job->url.ca_hash, sizeof(server.pin));
    return server;
}

static enum exit_code begin_anew(const struct malote_options *options, struct host *host,
                                 const struct join_job *job, const struct server_file *wanted)
{
    CLEANUP(secret_clear) struct secret passphrase = { 0 };
    if (job->protect) {
        enum mlt_err err =
            passphrase_read(&options->passphrase, TEXT_NEW_PASSPHRASE_PROMPT, true, &passphrase);
        if (err != MLT_OK)
            return explain_passphrase(err);
    }
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    const struct secret *chosen = job->protect ? &passphrase : NULL;
    enum mlt_err err = rsa_key_new(job->bits, &key);
    if (err == MLT_OK)
        err = identity_begin(&host->home, wanted, key, chosen, &host->identity);
    return err == MLT_OK ? EXIT_DONE : explain_file(host->home.path, err);
}

static enum exit_code take_up(const struct malote_options *options, struct host *host,
                              const struct server_file *wanted)
{
    say_notice(TEXT_JOIN_TAKEN_UP, wanted->name.text);
    enum mlt_err err = home_write_server(&host->home, wanted);
    if (err != MLT_OK)
        return explain_file(host->home.path, err);
    return host_load_identity(options, host);
}

/* An interrupted join for the same name at the same CA goes on with the key it made. */
static bool can_take_up(const struct host *host, const struct server_file *before,
                        const struct server_file *wanted)
{
    CLEANUP(key_file_clear) struct key_file key = { 0 };
    return name_eq(&before->name, &wanted->name) &&
           span_eq(SPAN_OF(before->pin), SPAN_OF(wanted->pin)) &&
           key_file_read(&host->home, &key) == MLT_OK;
}

static enum exit_code prepare(const struct malote_options *options, struct host *host,
                              const struct join_job *job)
{
    struct server_file before = { 0 };
    struct server_file wanted = server_of_job(job);
    enum mlt_err err = home_read_server(&host->home, &before);
    if (err != MLT_OK && err != MLT_ERR_MISSING)
        return explain_identity(host->home.path, err);
    if (err == MLT_OK && before.state == SERVER_JOINED) {
        say_error(TEXT_JOINED_ALREADY, host->home.path, before.name.text);
        return EXIT_TRUST;
    }
    bool resumes = err == MLT_OK && can_take_up(host, &before, &wanted);
    /* Its key is what the administrator will approve: it must not be thrown away in passing. */
    if (err == MLT_OK && before.state == SERVER_PENDING && !resumes) {
        say_error(TEXT_JOIN_WAITING, host->home.path, before.name.text);
        return EXIT_TRUST;
    }
    enum exit_code code =
        resumes ? take_up(options, host, &wanted) : begin_anew(options, host, job, &wanted);
    alloc_wipe(&wanted, sizeof(wanted));
    alloc_wipe(&before, sizeof(before));
    return code;
}

enum exit_code cmd_join(const struct malote_options *options, int argc, char **argv)
{
    CLEANUP(clear_job) struct join_job job = { .bits = 2048, .min_group = DH_FFDHE3072 };
    enum exit_code code = take_words(argc, argv, &job);
    if (code != EXIT_DONE)
        return code;
    CLEANUP(host_close) struct host host = HOST_CLOSED;
    code = host_open_home(options, true, &host);
    if (code != EXIT_DONE)
        return code;
    CLEANUP(file_close) int lock = -1;
    enum mlt_err err = home_lock(&host.home, &lock);
    if (err != MLT_OK)
        return explain_file(host.home.path, err);
    code = prepare(options, &host, &job);
    return code == EXIT_DONE ? enrol_run(&host, false) : code;
}
