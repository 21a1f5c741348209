/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_DIAL_H
#define MALOTE_CLIENT_DIAL_H

#include <netdb.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"

/* From a host name or address to sockets under way to it. */

struct dial_address {
    struct sockaddr_storage storage;
    socklen_t n;
    int family;
};

struct dial_list {
    struct dial_address at[LIMIT_ADDRESSES];
    size_t count;
};

/* For people: "[::1]:6256: Connection refused". */
#define DIAL_DETAIL 160

/*
 * All addresses of `host`, in the system's order.  Waits for the name service: the only function
 * of this room that waits for a network.  MLT_ERR_UNREACHABLE, with the reason in `detail`.
 */
MUST_CHECK enum mlt_err dial_resolve(const char *host, uint16_t port, struct dial_list *list,
                                     char detail[static DIAL_DETAIL]);

/* A non-blocking socket on its way; writable when the outcome is known.  MLT_ERR_UNREACHABLE. */
MUST_CHECK enum mlt_err dial_start(const struct dial_address *address, int *fd,
                                   char detail[static DIAL_DETAIL]);

/* The outcome, once writable.  MLT_ERR_UNREACHABLE. */
MUST_CHECK enum mlt_err dial_finish(const struct dial_address *address, int fd,
                                    char detail[static DIAL_DETAIL]);

/* Fills `detail` with the address and what happened there. */
void dial_describe(const struct dial_address *address, const char *what,
                   char detail[static DIAL_DETAIL]);

#endif
