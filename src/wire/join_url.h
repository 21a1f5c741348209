/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_JOIN_URL_H
#define MALOTE_WIRE_JOIN_URL_H

#include "base/buf.h"
#include "wire/invite.h"
#include "wire/name.h"

/*
 * malote://[NAME@]HOST:PORT/<CA fingerprint, 64 hex>[/<invite id and token, 48 hex>]
 *
 * Address, trust anchor and the right to enter in one string, without a character a shell
 * touches (so an IPv6 address is written without brackets; with brackets it is read too).
 */

#define JOIN_URL_MAX 600

struct join_url {
    char host[256]; /* name or address, no brackets, NUL-terminated */
    uint16_t port;  /* never 0 */
    uint8_t ca_hash[32];
    bool has_name; /* the invite is bound to `name` */
    struct name name;
    bool has_invite;
    struct invite invite;
};

/* Leading and trailing white space is not accepted.  MLT_ERR_ENCODING, MLT_ERR_NAME. */
MUST_CHECK enum mlt_err join_url_parse(struct span text, struct join_url *url);
MUST_CHECK enum mlt_err join_url_put(const struct join_url *url, struct buf *out);

/* The invite in it is a key.  For CLEANUP. */
void join_url_wipe(struct join_url *url);

/*
 * "HOST:PORT", "[v6]:PORT" or "v6:PORT" (last colon splits), and "HOST" or "[v6]" with *port
 * preset.  HOST may be empty and PORT 0, for who listens; a join URL has neither.
 * MLT_ERR_ENCODING.
 */
MUST_CHECK enum mlt_err host_port_parse(struct span text, char host[static 256], uint16_t *port);

#endif
