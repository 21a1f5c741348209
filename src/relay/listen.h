/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_LISTEN_H
#define MALOTE_RELAY_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/buf.h"

/* The listening sockets: opened by the parent, used by net. */

#define LISTEN_PORT 6256
#define LISTEN_MAX  32

struct listeners {
    int fds[LISTEN_MAX];
    struct sockaddr_storage addresses[LISTEN_MAX]; /* as bound, with the port that was picked */
    size_t count;
};

/*
 * Each of `wanted` is ADDR:PORT, ADDR, or :PORT; all addresses of a name are bound; port 0 picks
 * one.  None: [::]:6256 for both families, 0.0.0.0 where IPv6 is missing.  On failure `why` is
 * one line for a person: MLT_ERR_USAGE, MLT_ERR_TOO_MANY, MLT_ERR_SYSTEM.
 */
MUST_CHECK enum mlt_err listen_open(const char *const *wanted, size_t count, struct listeners *l,
                                    struct buf *why);
void listen_close(struct listeners *l);

/* Looks at the text only.  MLT_ERR_USAGE. */
MUST_CHECK enum mlt_err listen_check(const char *wanted);

/* Whether each leads to an address; opens nothing.  On failure `why` is one line: MLT_ERR_USAGE. */
MUST_CHECK enum mlt_err listen_look_up(const char *const *wanted, size_t count, struct buf *why);

/* Appends "ADDR:PORT", "[ADDR]:PORT" for IPv6. */
MUST_CHECK enum mlt_err listen_describe(const struct sockaddr_storage *address, struct buf *out);

/*
 * Appends "HOST:PORT" for join URLs: `wanted` (HOST or HOST:PORT) or, where NULL, the address we
 * listen on, the first address that is not loopback, or the host's name.  *guessed: one of the
 * last two, so say it in a notice.  MLT_ERR_USAGE.
 */
MUST_CHECK enum mlt_err listen_advertise(const struct listeners *l, const char *wanted,
                                         struct buf *out, bool *guessed);

#endif
