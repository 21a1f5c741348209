/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_EXIT_CODES_H
#define MALOTE_CMD_EXIT_CODES_H

#include "base/err.h"

/* How every program of malote ends.  The README prints this table. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,     /* refused by the other side */
    EXIT_USAGE = 2,       /* wrong usage, or a command that is not built yet */
    EXIT_UNREACHABLE = 3, /* no connection, or it was lost, and no message waits for it */
    EXIT_TRUST = 4,       /* identity, trust, passphrase or clock */
    EXIT_OUTBOX = 5,      /* kept in the outbox, or not as far as it was to come */
    EXIT_LOCAL = 6,       /* local file, disk, memory or permission */
    EXIT_FEWER = 7        /* listen ended with fewer than asked */
};

/* The one mapping from an error to an exit code. */
enum exit_code exit_of_err(enum mlt_err err);

#endif
