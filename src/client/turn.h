/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_TURN_H
#define MALOTE_CLIENT_TURN_H

#include "client/home.h"

/*
 * Who may send to a recipient: of the processes that share a home, one at a time has unanswered
 * messages of a stream, so that they arrive in the order of their numbers.  A turn is a lock on one
 * byte of HOME/turns, of this handle alone (F_OFD_SETLK), and ends with the process.
 */
struct turn; /* opaque */

/* MLT_ERR_PERMISSION and MLT_ERR_SYSTEM as file_open_private.  The home is borrowed for its life.
 */
MUST_CHECK enum mlt_err turn_open(const struct home *home, struct turn **turn);

/* All turns of this handle end, also if a child of the process holds a copy of it. */
void turn_close(struct turn **turn);

/*
 * *taken: it is ours (also if it was); else another process has it.  Never waits.  If the file was
 * removed or replaced, the turns of this handle go over to the one that has its name now, but for
 * those that another process has taken there.  MLT_ERR_TOO_MANY beyond LIMIT_BLOCKED_STREAMS, else
 * as turn_open.
 */
MUST_CHECK enum mlt_err turn_take(struct turn *turn, int64_t stream, bool *taken);

void turn_leave(struct turn *turn, int64_t stream);

#endif
