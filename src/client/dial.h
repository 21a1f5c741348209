/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_DIAL_H
#define MALOTE_CLIENT_DIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"

/* From an address to a socket under way to it.  Nothing here waits. */

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

/* A numeric IPv4 or IPv6 address (the latter with %scope if need be).  MLT_ERR_USAGE. */
MUST_CHECK enum mlt_err dial_numeric(const char *text, uint16_t port, struct dial_address *address);

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
