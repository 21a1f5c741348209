/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_REACH_H
#define MALOTE_CLIENT_REACH_H

#include "client/resolver.h"

/*
 * From the server's name to a connected socket: looks it up, and tries one address after the
 * other.  { .fd = -1 } is idle.  A look-up may also run beside a connection or a pause: its
 * addresses then serve the next start, and if it fails the old ones do.
 */
enum reach_state { REACH_IDLE = 0, REACH_LOOKING, REACH_DIALING };

struct reach {
    const struct env *env;
    int watch; /* borrowed */
    enum reach_state state;
    struct resolver *resolver;
    struct dial_list given; /* by the host: then nothing is looked up */
    struct dial_list addresses;
    size_t at; /* which one is tried, or was reached */
    int fd;    /* on its way, -1 if none */
    int64_t due_ms;
    char detail[DIAL_DETAIL]; /* where and why it failed last */
};

void reach_clear(struct reach *r);

/* Numeric or given addresses are known at once; others once the resolver is done. */
MUST_CHECK enum mlt_err reach_look_up(struct reach *r, const char *host, uint16_t port);

/* To the first address; waits for a look-up only if no address is known.  MLT_ERR_UNREACHABLE. */
MUST_CHECK enum mlt_err reach_start(struct reach *r);

/* When the address that was reached did not answer as it should: is there another?  To it.
 * MLT_ERR_UNREACHABLE. */
bool reach_has_next(const struct reach *r);
MUST_CHECK enum mlt_err reach_next(struct reach *r);

/* Gives up what is on its way, not a look-up. */
void reach_stop(struct reach *r);

/* Goes on; *fd gets the connected socket, the caller's and unwatched from then on, or stays.
 * MLT_ERR_UNREACHABLE, MLT_ERR_UNKNOWN_HOST. */
MUST_CHECK enum mlt_err reach_process(struct reach *r, int *fd);

/* Until reach_process is due though nothing moved; INT64_MAX: never. */
int64_t reach_left_ms(const struct reach *r);

/* Says in `detail` what happened at the address that was reached. */
void reach_describe(struct reach *r, const char *what);

#endif
