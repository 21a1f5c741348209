/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_IPC_SPAWN_H
#define MALOTE_IPC_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Starts a child of ours: this program executed anew (fresh address space), in its own directory,
 * under its own user, with exactly the descriptors it is meant to have.
 */

#define SPAWN_FIRST_FD 3
#define SPAWN_FDS_MAX  80

struct spawn {
    int program;      /* of the executable (O_PATH will do) */
    const char *name; /* argv[0], which tells the child its role and `ps` which is which */
    int directory;    /* its working directory */
    const int *fds;   /* become SPAWN_FIRST_FD, +1, ...; every other one is closed */
    size_t fd_count;
    bool drop_user; /* we are root: become uid and gid */
    uid_t uid;
    gid_t gid;
};

/* The caller must be single-threaded.  A child that cannot get so far exits with 127. */
MUST_CHECK enum mlt_err spawn_child(const struct spawn *s, pid_t *pid);

#endif
