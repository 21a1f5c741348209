/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_OUTPUT_H
#define MALOTE_CMD_MALOTE_CA_OUTPUT_H

#include "base/span.h"
#include "cmd/malote_ca_errand.h"

/*
 * A file that is written for whoever called us: complete and synced under its name, or not there
 * at all.  A signal that ends us while it is written leaves nothing of it.
 */

enum output_kind {
    OUTPUT_SECRET, /* 0600; what is there already is never touched */
    OUTPUT_PUBLIC  /* as the umask has it; takes the place of a regular file, with its owner and
                      mode, and of nothing else */
};

struct output {
    const char *path;
    const char *name; /* the last part of it */
    int dir;          /* -1: not open */
    enum output_kind kind;
};

#define OUTPUT_NONE                                                                                \
    {                                                                                              \
        .path = NULL, .name = NULL, .dir = -1                                                      \
    }

/* Looks whether it can be written at all, before anything costs time.  Said. */
MUST_CHECK enum exit_code output_open(struct output *output, enum output_kind kind,
                                      const char *path);
void output_close(struct output *output);

/* For errand_work: writes all that `fd` has from its start.  ctx is a struct output. */
enum exit_code output_write(void *ctx, int fd);

/* The word to such an errand, with what it is to write.  Said. */
MUST_CHECK enum exit_code output_hand(struct errand *errand, struct span content);

#endif
