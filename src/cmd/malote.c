/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/timefmt.h"
#include "cmd/help.h"
#include "cmd/host.h"
#include "cmd/options.h"
#include "cmd/say.h"
#include "cmd/show.h"
#include "cmd/standard_files.h"

/* malote: the client. */

struct subcommand {
    const char *name;
    enum exit_code (*run)(const struct malote_options *options, int argc, char **argv);
    const char *usage;
    const char *help;
};

/* Those without `run` are not built yet. */
static const struct subcommand subcommands[] = {
    { "join", cmd_join, TEXT_USAGE_JOIN, TEXT_HELP_JOIN },
    { "send", cmd_send, TEXT_USAGE_SEND, TEXT_HELP_SEND },
    { "listen", cmd_listen, TEXT_USAGE_LISTEN, TEXT_HELP_LISTEN },
    { "chat", cmd_chat, TEXT_USAGE_CHAT, TEXT_HELP_CHAT },
    { "contacts", cmd_contacts, TEXT_USAGE_CONTACTS, TEXT_HELP_CONTACTS },
    { "status", cmd_status, TEXT_USAGE_STATUS, TEXT_HELP_STATUS },
    { "outbox", cmd_outbox, TEXT_USAGE_OUTBOX, TEXT_HELP_OUTBOX },
    { "history", cmd_history, TEXT_USAGE_HISTORY, TEXT_HELP_HISTORY },
    { "audit", cmd_audit, TEXT_USAGE_AUDIT, TEXT_HELP_AUDIT },
    { "doctor", NULL, TEXT_USAGE_DOCTOR, TEXT_HELP_DOCTOR },
};

static const struct subcommand *find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(subcommands); i++) {
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    }
    return NULL;
}

enum exit_code malote_wrong_usage(const char *subcommand)
{
    const struct subcommand *s = find(subcommand);
    say_error(TEXT_USAGE, s != NULL ? s->usage : TEXT_USAGE_MALOTE);
    return EXIT_USAGE;
}

enum exit_code malote_take_count(const char *word, uint64_t *count)
{
    uint64_t n = 0;
    const char *c = word;
    for (; *c >= '0' && *c <= '9' && n < 100000000; c++)
        n = n * 10 + (uint64_t)(*c - '0');
    if (n > 0 && *c == '\0') {
        *count = n;
        return EXIT_DONE;
    }
    say_error(TEXT_BAD_COUNT, word);
    return EXIT_USAGE;
}

enum exit_code malote_take_time(const char *word, int64_t *seconds)
{
    if (timefmt_duration(word, seconds) == MLT_OK)
        return EXIT_DONE;
    say_error(TEXT_BAD_TIME, word);
    return EXIT_USAGE;
}

static enum exit_code show_help(void)
{
    enum mlt_err err = show_line(TEXT_USAGE, TEXT_USAGE_MALOTE);
    for (size_t i = 0; i < COUNT_OF(subcommands) && err == MLT_OK; i++) {
        err = show_line(TEXT_HELP_SUBCOMMAND, subcommands[i].usage);
        if (err == MLT_OK)
            err = show_line(TEXT_HELP_SUBCOMMAND_TEXT, subcommands[i].help);
    }
    return err == MLT_OK ? EXIT_DONE : EXIT_LOCAL;
}

static enum exit_code show_help_of(const struct subcommand *s)
{
    enum mlt_err err = show_line(TEXT_USAGE, s->usage);
    if (err == MLT_OK)
        err = show_line(TEXT_HELP_SUBCOMMAND_TEXT, s->help);
    return err == MLT_OK ? EXIT_DONE : EXIT_LOCAL;
}

/* What stands before the subcommand; *stop when --help was all. */
static enum exit_code take_options(int argc, char **argv, struct malote_options *options,
                                   bool *stop)
{
    static const struct option known[] = { { "home", required_argument, NULL, 'd' },
                                           { "passphrase-fd", required_argument, NULL, 'n' },
                                           { "passphrase-file", required_argument, NULL, 'f' },
                                           { "accept-clock", no_argument, NULL, 'c' },
                                           { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'v' },
                                           { NULL, 0, NULL, 0 } };
    int what = 0;
    for (int c; (c = getopt_long(argc, argv, "+h", known, NULL)) != -1;) {
        if (c == 'd')
            options->home = optarg;
        else if (c == 'f')
            options->passphrase.file = optarg;
        else if (c == 'c')
            options->accept_clock = true;
        else if (c == 'h' || c == 'v')
            what = c;
        else if (c != 'n' || !passphrase_take_fd(optarg, &options->passphrase.fd))
            return malote_wrong_usage("");
    }
    *stop = what != 0;
    if (what == 'v')
        return show_line("malote %s", mlt_version()) == MLT_OK ? EXIT_DONE : EXIT_LOCAL;
    if (what == 'h')
        return show_help();
    return optind < argc || options->accept_clock ? EXIT_DONE : malote_wrong_usage("");
}

static enum exit_code start(void)
{
    bool locked = false;
    signal(SIGPIPE, SIG_IGN);
    enum mlt_err err = secret_start(&locked);
    if (err != MLT_OK) {
        say_error(TEXT_START_FAILED, err_text(err));
        return EXIT_LOCAL;
    }
    if (!locked)
        say_notice(TEXT_MEMORY_NOT_LOCKED);
    return EXIT_DONE;
}

/* --accept-clock and no more. */
static enum exit_code accept_clock(const struct malote_options *options)
{
    CLEANUP(host_close) struct host host = { 0 };
    enum exit_code code = start();
    return code == EXIT_DONE ? host_open_store(options, &host) : code;
}

static enum exit_code run(const struct malote_options *options, int argc, char **argv)
{
    if (argc == 0)
        return accept_clock(options);
    const struct subcommand *s = find(argv[0]);
    if (s == NULL) {
        say_error(TEXT_UNKNOWN_SUBCOMMAND, argv[0]);
        return EXIT_USAGE;
    }
    if (help_is_wanted(argc, argv))
        return show_help_of(s);
    if (s->run == NULL) {
        say_error(TEXT_NOT_BUILT, argv[0]);
        return EXIT_USAGE;
    }
    enum exit_code code = start();
    if (code != EXIT_DONE)
        return code;
    optind = 0; /* the subcommand's own words come next */
    opterr = 0; /* and its own way to say what is wrong */
    return s->run(options, argc, argv);
}

int main(int argc, char **argv)
{
    struct malote_options options = { .passphrase = { .fd = -1 } };
    bool stop = false;
    if (!standard_files_open())
        return EXIT_LOCAL;
    say_start("malote");
    opterr = 0;
    enum exit_code code = take_options(argc, argv, &options, &stop);
    if (code != EXIT_DONE || stop)
        return (int)code;
    return (int)run(&options, argc - optind, argv + optind);
}
