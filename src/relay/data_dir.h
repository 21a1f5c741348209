/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_DATA_DIR_H
#define MALOTE_RELAY_DATA_DIR_H

#include "base/attr.h"
#include "base/buf.h"
#include "relay/users.h"

/*
 * DATA: lock, ca/, net/, ca.sock; 0700, ours or root's, no link anywhere.  Everything is opened
 * relative to its descriptor, so the length of its path does not matter.
 */

#define DATA_DIR_LOCK   "lock"
#define DATA_DIR_SOCKET "ca.sock"

/* A restored ca/, complete, when a kill came between the two steps of putting it in its place. */
#define DATA_DIR_RESTORED "ca.restored"

struct data_dir {
    int dir, lock, ca, net, socket; /* -1: not open */
};

/* DATA and its lock.  On failure `why` holds one line for a person. */
MUST_CHECK enum mlt_err data_dir_open(const char *path, struct data_dir *d, struct buf *why);

/* The second step, if it is due; DATA's lock is held. */
MUST_CHECK enum mlt_err data_dir_finish_restore(int dir);

/* ca/ and net/, made where missing and given to their users, and the listening ca.sock. */
MUST_CHECK enum mlt_err data_dir_prepare(struct data_dir *d, const struct users *users,
                                         struct buf *why);

/* Removes ca.sock, closes all. */
void data_dir_close(struct data_dir *d);

#endif
