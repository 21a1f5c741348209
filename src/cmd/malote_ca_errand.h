/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_ERRAND_H
#define MALOTE_CMD_MALOTE_CA_ERRAND_H

#include <sys/types.h>

#include "base/attr.h"
#include "cmd/exit_codes.h"

/*
 * Work for whoever called us, after we have become the owner of the CA's files: a child that stays
 * who we were, knows no passphrase, and waits for the word.  Without it (this process has failed,
 * or was killed) nothing is done.
 */

struct errand {
    pid_t pid;
    int to; /* -1: none */
};

#define ERRAND_NONE                                                                                \
    {                                                                                              \
        .pid = -1, .to = -1                                                                        \
    }

struct errand_work {
    /* `fd` is what errand_run was given, or -1; it is the child's. */
    enum exit_code (*run)(void *ctx, int fd);
    /* What is done without the word; NULL: nothing.  Who wants it to outlive Ctrl-C holds signals
     * back around errand_start, as malote_ca_ending.h does. */
    void (*otherwise)(void *ctx);
    void *ctx;
};

/* Before the first secret is read.  Said. */
MUST_CHECK enum exit_code errand_start(struct errand *errand, const struct errand_work *work);

/* The word; `fd` (or -1) goes along and stays the caller's.  What the work returned. */
MUST_CHECK enum exit_code errand_run(struct errand *errand, int fd);

/* The child, if it still waits, ends and has done nothing. */
void errand_clear(struct errand *errand);

#endif
