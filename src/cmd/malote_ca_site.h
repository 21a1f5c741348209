/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_SITE_H
#define MALOTE_CMD_MALOTE_CA_SITE_H

#include "cmd/malote_ca_commands.h"
#include "cmd/malote_ca_errand.h"

/*
 * A CA that is built beside the one that DATA may have, and takes its place when it is complete:
 * for restore and import.  It is made in DATA/ca.new; one step puts it where ca/ is and what was
 * there to ca.old-<time>.  Killed before that step, DATA is what it was; after it, it is new.
 * Every failure is said.
 */

struct site {
    char path[4096]; /* DATA, for people */
    int data, lock;  /* -1: not open */
    int fresh;       /* ca.new; -1: not there */
    int old;         /* ca, -1: there is none */
    struct errand errand;
    char kept[48]; /* "ca.old-<time>": where what was there is now */
};

#define SITE_NONE                                                                                  \
    {                                                                                              \
        .path = "", .data = -1, .lock = -1, .fresh = -1, .old = -1, .errand = ERRAND_NONE,         \
        .kept = ""                                                                                 \
    }

/* DATA, made where it is missing.  EXIT_UNREACHABLE while maloted runs.  Before a secret is read.
 */
MUST_CHECK enum exit_code site_open(struct site *site, const struct malote_ca_options *options);

/* DATA's lock, as whoever DATA belongs to; root stays root. */
MUST_CHECK enum exit_code site_lock(struct site *site);

/* Whether a CA is there: chaves.txt or ledger.db. */
bool site_has_ca(const struct site *site);

/* As the user whose files they are to be, in ca.new, which is empty. */
MUST_CHECK enum exit_code site_enter(struct site *site);

/* All is written: the step. */
MUST_CHECK enum exit_code site_publish(struct site *site);

/* What was not published is taken away. */
void site_close(struct site *site);

#endif
