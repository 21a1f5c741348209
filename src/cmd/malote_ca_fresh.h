/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_FRESH_H
#define MALOTE_CMD_MALOTE_CA_FRESH_H

#include <getopt.h>

#include "base/secret.h"
#include "cmd/exit_codes.h"
#include "cmd/passphrase.h"

/*
 * A second passphrase beside that of the keystore: a new one, or one for a file that other programs
 * read.  --<what>-passphrase-fd N, --<what>-passphrase-file F, or asked at the terminal.
 */

/* Values of struct option for the two. */
#define FRESH_FD   1001
#define FRESH_FILE 1002

struct fresh {
    struct passphrase_source source;
    const char *what;   /* "new": for --new-passphrase-fd */
    const char *prompt; /* at a terminal */
    bool known;         /* it exists already: asked for once */
};

/* Takes what getopt_long gave; false where it was given twice, or is no number. */
bool fresh_take(struct fresh *fresh, int option, const char *value);

/* Every failure is said. */
MUST_CHECK enum exit_code fresh_read(const struct fresh *fresh, struct secret *out);

#endif
