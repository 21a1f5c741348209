/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_PASSPHRASE_H
#define MALOTE_CMD_PASSPHRASE_H

#include "base/attr.h"
#include "base/secret.h"

/*
 * Where a passphrase comes from: a descriptor, a private file, systemd's
 * $CREDENTIALS_DIRECTORY/passphrase, or a terminal without echo.  Never argv, never the value of
 * an environment variable: both are readable by others.
 */
struct passphrase_source {
    int fd;           /* -1: not given */
    const char *file; /* NULL: not given */
    bool apart;       /* a second one: systemd's credential is not meant */
};

/* The N of --passphrase-fd N: digits and nothing else. */
bool passphrase_take_fd(const char *word, int *fd);

/*
 * One line, without its newline, 1..LIMIT_PASSPHRASE bytes.  `fresh`: a new one is being chosen,
 * so a terminal asks twice.  Ctrl-C at the prompt restores the terminal and ends the process.
 * MLT_ERR_USAGE when there is no way to get one (say passphrase_ways), or the two differ;
 * MLT_ERR_RANGE when it is empty, too long or more than one line; MLT_ERR_PERMISSION for a file
 * others may read; MLT_ERR_SYSTEM, MLT_ERR_MISSING.
 */
MUST_CHECK enum mlt_err passphrase_read(const struct passphrase_source *src, const char *prompt,
                                        bool fresh, struct secret *out);

#define PASSPHRASE_FAULT 1024

/* What was wrong with the one that was given, for people, and with which file. */
const char *passphrase_fault(const struct passphrase_source *src, enum mlt_err err,
                             char room[static PASSPHRASE_FAULT]);

/* One sentence that names every way, for exit 2; static storage. */
const char *passphrase_ways(void);

#endif
