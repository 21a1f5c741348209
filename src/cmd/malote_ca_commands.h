/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_COMMANDS_H
#define MALOTE_CMD_MALOTE_CA_COMMANDS_H

#include "cmd/exit_codes.h"
#include "cmd/passphrase.h"
#include "wire/name.h"

/* What stands before the subcommand of malote-ca; and the subcommands (malote_ca.c has a table). */
struct malote_ca_options {
    const char *data; /* --data, or NULL */
    struct passphrase_source passphrase;
    bool json;
};

/* Each gets its own words, argv[0] being its name, says what went wrong, and gives the exit code.
 */
enum exit_code malote_ca_invite(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_invites(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_uninvite(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_pending(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_approve(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_refuse(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_list(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_show(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_reissue(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_erase(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_revoke(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_renew(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_crl(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_audit(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_passwd(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_backup(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_restore(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_export(struct malote_ca_options *options, int argc, char **argv);
enum exit_code malote_ca_import(struct malote_ca_options *options, int argc, char **argv);

/* Says how the subcommand is called; EXIT_USAGE. */
enum exit_code malote_ca_wrong_usage(const char *subcommand);

/*
 * For subcommands whose only option is --json: `least` to `most` words must be left, which start
 * at argv[*first].  EXIT_USAGE is said.
 */
MUST_CHECK enum exit_code malote_ca_words(struct malote_ca_options *options, int argc, char **argv,
                                          int least, int most, int *first);

/* The N of --kdf-cost: a power of two within its limits. */
MUST_CHECK bool malote_ca_take_cost(const char *word, uint32_t *cost);

/* A user's name; EXIT_USAGE is said.  `reserved_too`: any well-formed one, for looking it up. */
MUST_CHECK enum exit_code malote_ca_name(const char *word, bool reserved_too, struct name *name);

/* A sentence of strings.def, as a line on stdout; what could not be written malote_ca_flush says.
 */
void malote_ca_put_line(const char *format, ...) PRINTF_LIKE(1, 2);

/* Flushes stdout; what could not be written is said. */
MUST_CHECK enum exit_code malote_ca_flush(void);

/* The exit code for what was put on stdout; an error is said. */
MUST_CHECK enum exit_code malote_ca_put_done(enum mlt_err err);

/* That was done to this name: a line, or an object whose type it is. */
enum exit_code malote_ca_tell_done(const struct malote_ca_options *options, const char *what,
                                   const struct name *name);

/* A json_t *, whose reference it takes, as one line on stdout. */
MUST_CHECK enum mlt_err malote_ca_put_json(void *object);

#endif
