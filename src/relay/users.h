/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_USERS_H
#define MALOTE_RELAY_USERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * Under which users the children run.  Started as root: two unprivileged users, different from
 * each other; started by a user: his own, and the sandbox is the wall.
 */

struct user {
    uid_t uid;
    gid_t gid;
};

struct users {
    bool drop; /* false: the children stay who we are */
    struct user net, ca;
};

struct users_wanted {
    const char *net, *ca; /* names or numbers; NULL: the default */
    int data;             /* whose subdirectories may already have owners */
};

/*
 * In this order: what was asked for; the owner of the directory that is there; the default name;
 * an unused number, said in `notice` (whole lines).  On failure `notice` says in one line why:
 * MLT_ERR_USAGE (no such user, root, both the same), MLT_ERR_PERMISSION (the directory is
 * somebody else's), MLT_ERR_SYSTEM.
 */
MUST_CHECK enum mlt_err users_choose(const struct users_wanted *wanted, struct users *users,
                                     struct buf *notice);

/* Looks up those that are named, and touches nothing; `data` is not used.  On failure as above. */
MUST_CHECK enum mlt_err users_check(const struct users_wanted *wanted, struct buf *notice);

#endif
