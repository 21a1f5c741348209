/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cmd/help.h"
#include "cmd/malote_ca_commands.h"
#include "cmd/say.h"
#include "cmd/standard_files.h"
#include "crypto/crypto.h"

/* malote-ca: the administrator's tool. */

struct subcommand {
    const char *name;
    enum exit_code (*run)(struct malote_ca_options *options, int argc, char **argv);
    const char *usage;
    const char *help;
};

static const struct subcommand subcommands[] = {
    { "invite", malote_ca_invite, TEXT_CA_USAGE_INVITE, TEXT_CA_HELP_INVITE },
    { "invites", malote_ca_invites, TEXT_CA_USAGE_INVITES, TEXT_CA_HELP_INVITES },
    { "uninvite", malote_ca_uninvite, TEXT_CA_USAGE_UNINVITE, TEXT_CA_HELP_UNINVITE },
    { "pending", malote_ca_pending, TEXT_CA_USAGE_PENDING, TEXT_CA_HELP_PENDING },
    { "approve", malote_ca_approve, TEXT_CA_USAGE_APPROVE, TEXT_CA_HELP_APPROVE },
    { "refuse", malote_ca_refuse, TEXT_CA_USAGE_REFUSE, TEXT_CA_HELP_REFUSE },
    { "list", malote_ca_list, TEXT_CA_USAGE_LIST, TEXT_CA_HELP_LIST },
    { "show", malote_ca_show, TEXT_CA_USAGE_SHOW, TEXT_CA_HELP_SHOW },
    { "reissue", malote_ca_reissue, TEXT_CA_USAGE_REISSUE, TEXT_CA_HELP_REISSUE },
    { "erase", malote_ca_erase, TEXT_CA_USAGE_ERASE, TEXT_CA_HELP_ERASE },
    { "revoke", malote_ca_revoke, TEXT_CA_USAGE_REVOKE, TEXT_CA_HELP_REVOKE },
    { "renew", malote_ca_renew, TEXT_CA_USAGE_RENEW, TEXT_CA_HELP_RENEW },
    { "crl", malote_ca_crl, TEXT_CA_USAGE_CRL, TEXT_CA_HELP_CRL },
    { "audit", malote_ca_audit, TEXT_CA_USAGE_AUDIT, TEXT_CA_HELP_AUDIT },
    { "passwd", malote_ca_passwd, TEXT_CA_USAGE_PASSWD, TEXT_CA_HELP_PASSWD },
    { "backup", malote_ca_backup, TEXT_CA_USAGE_BACKUP, TEXT_CA_HELP_BACKUP },
    { "restore", malote_ca_restore, TEXT_CA_USAGE_RESTORE, TEXT_CA_HELP_RESTORE },
    { "export", malote_ca_export, TEXT_CA_USAGE_EXPORT, TEXT_CA_HELP_EXPORT },
    { "import", malote_ca_import, TEXT_CA_USAGE_IMPORT, TEXT_CA_HELP_IMPORT },
};

static const struct subcommand *find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(subcommands); i++) {
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    }
    return NULL;
}

enum exit_code malote_ca_wrong_usage(const char *subcommand)
{
    const struct subcommand *s = find(subcommand);
    say_error(TEXT_CA_USAGE, s != NULL ? s->usage : TEXT_CA_USAGE_MALOTE_CA);
    return EXIT_USAGE;
}

enum exit_code malote_ca_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    say_error(TEXT_OUTPUT_FAILED, strerror(errno));
    return EXIT_LOCAL;
}

void malote_ca_put_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static enum exit_code show_help(void)
{
    malote_ca_put_line(TEXT_CA_USAGE, TEXT_CA_USAGE_MALOTE_CA);
    for (size_t i = 0; i < COUNT_OF(subcommands); i++)
        printf("  %s\n        %s\n", subcommands[i].usage, subcommands[i].help);
    return malote_ca_flush();
}

static enum exit_code show_help_of(const struct subcommand *s)
{
    printf(TEXT_CA_USAGE, s->usage);
    printf("\n        %s\n", s->help);
    return malote_ca_flush();
}

static void free_json(json_t **object)
{
    json_decref(*object);
}

enum mlt_err malote_ca_put_json(void *object)
{
    CLEANUP(free_json) json_t *owned = object;
    ENSURE(owned != NULL, MLT_ERR_NOMEM);
    ENSURE(json_dumpf(owned, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0, MLT_ERR_SYSTEM);
    ENSURE(putchar('\n') == '\n', MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum exit_code malote_ca_put_done(enum mlt_err err)
{
    if (err != MLT_OK)
        say_error(TEXT_OUTPUT_FAILED, err == MLT_ERR_SYSTEM ? strerror(errno) : err_text(err));
    return exit_of_err(err);
}

enum exit_code malote_ca_tell_done(const struct malote_ca_options *options, const char *what,
                                   const struct name *name)
{
    enum mlt_err err = MLT_OK;
    if (options->json)
        err = malote_ca_put_json(json_pack("{s:s, s:s}", "type", what, "name", name->text));
    else
        printf("%s: %s\n", name->text, what);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

enum exit_code malote_ca_words(struct malote_ca_options *options, int argc, char **argv, int least,
                               int most, int *first)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c != 'j')
            return malote_ca_wrong_usage(argv[0]);
        options->json = true;
    }
    if (argc - optind < least || argc - optind > most)
        return malote_ca_wrong_usage(argv[0]);
    *first = optind;
    return EXIT_DONE;
}

bool malote_ca_take_cost(const char *word, uint32_t *cost)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(word, &end, 10);
    if (errno != 0 || word[0] < '0' || word[0] > '9' || *end != '\0')
        return false;
    *cost = (uint32_t)value;
    return value >= LIMIT_KDF_COST_MIN && value <= LIMIT_KDF_COST_MAX && (value & (value - 1)) == 0;
}

enum exit_code malote_ca_name(const char *word, bool reserved_too, struct name *name)
{
    struct span text = span_str(word);
    enum mlt_err err = reserved_too ? name_parse(text, name) : name_parse_user(text, name);
    if (err == MLT_OK)
        return EXIT_DONE;
    say_error(TEXT_BAD_NAME, word);
    return EXIT_USAGE;
}

/* What stands before the subcommand; *stop when --help was all. */
static enum exit_code take_options(int argc, char **argv, struct malote_ca_options *options,
                                   bool *stop)
{
    static const struct option known[] = { { "data", required_argument, NULL, 'd' },
                                           { "passphrase-fd", required_argument, NULL, 'n' },
                                           { "passphrase-file", required_argument, NULL, 'f' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'v' },
                                           { NULL, 0, NULL, 0 } };
    int what = 0;
    for (int c; (c = getopt_long(argc, argv, "+h", known, NULL)) != -1;) {
        bool has_way = options->passphrase.file != NULL || options->passphrase.fd >= 0;
        if ((c == 'd' && options->data != NULL) || ((c == 'n' || c == 'f') && has_way))
            return malote_ca_wrong_usage("");
        if (c == 'd')
            options->data = optarg;
        else if (c == 'f')
            options->passphrase.file = optarg;
        else if (c == 'j')
            options->json = true;
        else if (c == 'h' || c == 'v')
            what = c;
        else if (c != 'n' || !passphrase_take_fd(optarg, &options->passphrase.fd))
            return malote_ca_wrong_usage("");
    }
    *stop = what != 0;
    if (what == 'v')
        return printf("malote-ca %s\n", MALOTE_VERSION) > 0 ? malote_ca_flush() : EXIT_LOCAL;
    if (what == 'h')
        return show_help();
    return optind < argc ? EXIT_DONE : malote_ca_wrong_usage("");
}

static enum exit_code run(struct malote_ca_options *options, int argc, char **argv)
{
    const struct subcommand *s = find(argv[0]);
    if (s == NULL) {
        say_error(TEXT_CA_UNKNOWN_SUBCOMMAND, argv[0]);
        return EXIT_USAGE;
    }
    if (help_is_wanted(argc, argv))
        return show_help_of(s);
    bool locked = false;
    enum mlt_err err = secret_start(&locked);
    if (err == MLT_OK)
        err = crypto_start();
    if (err != MLT_OK) {
        say_error(TEXT_START_FAILED, err_text(err));
        return EXIT_LOCAL;
    }
    if (!locked)
        say_notice(TEXT_MEMORY_NOT_LOCKED);
    optind = 0; /* the subcommand's own words come next */
    return s->run(options, argc, argv);
}

int main(int argc, char **argv)
{
    struct malote_ca_options options = { .passphrase = { .fd = -1 } };
    bool stop = false;
    if (!standard_files_open())
        return EXIT_LOCAL;
    say_start("malote-ca");
    opterr = 0; /* one line of ours instead */
    enum exit_code code = take_options(argc, argv, &options, &stop);
    if (code != EXIT_DONE || stop)
        return (int)code;
    return (int)run(&options, argc - optind, argv + optind);
}
