/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_OUTPUT_H
#define MALOTE_CMD_MALOTE_CA_OUTPUT_H

#include "cmd/malote_ca_errand.h"

/*
 * A file that is written for whoever called us: complete, synced and 0600 under its name, or not
 * there at all.  One that is there already is never touched.
 */

struct output {
    const char *path;
    const char *name; /* the last part of it */
    int dir;          /* -1: not open */
};

#define OUTPUT_NONE                                                                                \
    {                                                                                              \
        .path = NULL, .name = NULL, .dir = -1                                                      \
    }

/* Looks whether it can be written at all, before anything costs time.  Said. */
MUST_CHECK enum exit_code output_open(struct output *output, const char *path);
void output_close(struct output *output);

/* For errand_work: writes all that `fd` has from its start.  ctx is a struct output. */
enum exit_code output_write(void *ctx, int fd);

#endif
