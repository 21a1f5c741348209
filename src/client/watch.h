/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_WATCH_H
#define MALOTE_CLIENT_WATCH_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * One descriptor (epoll) for all that moves: the host polls it alone, while sockets of the
 * resolver and the connection come and go behind it.  A socket is taken out before it is closed:
 * a child that the host forked may hold a copy, and would keep it in the set, where nobody could
 * name it any more (epoll(7), Q6).
 */

/* MLT_ERR_SYSTEM.  *watch is closed by the caller. */
MUST_CHECK enum mlt_err watch_open(int *watch);

/* For what `fd` is watched from now on; neither: it is not. */
MUST_CHECK enum mlt_err watch_set(int watch, int fd, bool read, bool write);

#endif
