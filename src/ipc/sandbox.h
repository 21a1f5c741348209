/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_IPC_SANDBOX_H
#define MALOTE_IPC_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * What a child gives up for good before it looks at a byte from others: no new privileges, no
 * core, not dumpable, dies with its parent, Landlock: files only below the working directory,
 * seccomp: no socket but those it was given or accepts, no hand on another process, no program.
 * The caller must be single-threaded.  Its user was changed before (sandbox_drop_user), where we
 * run as root.
 */

struct sandbox_report {
    bool landlock; /* false where the kernel has none: said in a notice */
    bool seccomp;  /* the same for filters, or where we know too little of the machine */
};

/* Groups, gid and uid, all three of each, checked afterwards.  MLT_ERR_SANDBOX. */
MUST_CHECK enum mlt_err sandbox_drop_user(uid_t uid, gid_t gid);

/* `dirfd`: the one directory that may be used (-1: none at all).  MLT_ERR_SANDBOX. */
MUST_CHECK enum mlt_err sandbox_enter(int dirfd, struct sandbox_report *report);

#endif
