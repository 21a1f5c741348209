/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_OPTIONS_H
#define MALOTE_CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/exit_codes.h"
#include "cmd/passphrase.h"

/* What stands before the subcommand of malote; and the subcommands (malote.c has their table). */
struct malote_options {
    const char *home; /* --home, or NULL */
    struct passphrase_source passphrase;
    bool accept_clock;
};

/* Each gets its own words, argv[0] being its name, says what went wrong, and gives the exit code.
 */
enum exit_code cmd_join(const struct malote_options *options, int argc, char **argv);
enum exit_code cmd_send(const struct malote_options *options, int argc, char **argv);
enum exit_code cmd_listen(const struct malote_options *options, int argc, char **argv);
enum exit_code cmd_chat(const struct malote_options *options, int argc, char **argv);
enum exit_code cmd_contacts(const struct malote_options *options, int argc, char **argv);
enum exit_code cmd_status(const struct malote_options *options, int argc, char **argv);
enum exit_code cmd_outbox(const struct malote_options *options, int argc, char **argv);
enum exit_code cmd_history(const struct malote_options *options, int argc, char **argv);
enum exit_code cmd_audit(const struct malote_options *options, int argc, char **argv);

/* Says how the subcommand is called; EXIT_USAGE. */
enum exit_code malote_wrong_usage(const char *subcommand);

/* Values of options: a number of messages, a time.  EXIT_USAGE, said, for anything else. */
MUST_CHECK enum exit_code malote_take_count(const char *word, uint64_t *count);
MUST_CHECK enum exit_code malote_take_time(const char *word, int64_t *seconds);

#endif
