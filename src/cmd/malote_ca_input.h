/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_INPUT_H
#define MALOTE_CMD_MALOTE_CA_INPUT_H

#include "ca/backup.h"
#include "cmd/malote_ca_link.h"

/* A backup that is read: by verify and by restore.  Every failure is said. */

struct input {
    const char *path;
    const char *where; /* it is unpacked, for people; borrowed */
    int fd;            /* -1: closed */
    struct backup_reader reader;
    struct secret stretched; /* its passphrase, after scrypt */
};

#define INPUT_NONE                                                                                 \
    {                                                                                              \
        .path = NULL, .where = ".", .fd = -1, .reader = {.fd = -1 }                                \
    }

void input_close(struct input *in);

/* A regular file of whoever called us, to be read.  Said. */
MUST_CHECK enum exit_code input_open_file(const char *path, int *fd);

/* While we are who called us: opens FILE; then asks for its passphrase. */
MUST_CHECK enum exit_code input_open(struct input *in, const char *path);
MUST_CHECK enum exit_code input_unlock(struct input *in, const struct malote_ca_options *options);

/*
 * Takes it apart into the working directory, which is empty, and opens it as an authority with all
 * that is looked at then; it has to be what its manifest says.
 */
MUST_CHECK enum exit_code input_take(struct input *in, struct ca *ca,
                                     struct backup_manifest *manifest);

/* Opens it once more, after ca_close. */
MUST_CHECK enum exit_code input_reopen(const struct input *in, struct ca *ca);

/* Whoever's files they are, all that lie in the directory go. */
MUST_CHECK enum mlt_err input_empty_dir(int dirfd);

#endif
