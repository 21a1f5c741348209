/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_SERVER_IDENTITY_H
#define MALOTE_RELAY_SERVER_IDENTITY_H

#include "crypto/rsa.h"
#include "protocol/handshake.h"

/*
 * The server's key and certificate: made in memory, certified by ca for a day, replaced at half
 * its life.  Handshakes that began under an older one keep it until they end (reference counts).
 * Only the event loop touches these.
 */

struct server_identity {
    unsigned references;
    EVP_PKEY *key;
    struct cert ca;
    struct buf ca_der;
    struct cert cert;
    struct buf der;
    struct hs_server_config config; /* points into this struct */
};

/*
 * Takes ca's answer for `key` (ownership moves on success).  The certificate must be a server's,
 * for this key, of this CA, valid now, or by a clock that may be late (cert_read_leaf_late):
 * MLT_ERR_CERT_*, MLT_ERR_AUTH.  One reference.
 */
struct server_identity_parts {
    const struct env *env;
    enum dh_group group;
    struct span ca_der;
    struct span der;
};

MUST_CHECK enum mlt_err server_identity_new(const struct server_identity_parts *parts,
                                            EVP_PKEY **key, struct server_identity **identity);

struct server_identity *server_identity_share(struct server_identity *identity);
/* Drops one reference; *identity is NULL afterwards. */
void server_identity_drop(struct server_identity **identity);

/* When half its life is over, on the wall clock. */
int64_t server_identity_due_ms(const struct server_identity *identity);

/* Half its life is over, or it begins only: the clock was ahead when it was issued, and no client
 * takes it now. */
bool server_identity_is_due(const struct server_identity *identity, int64_t now_ms);

#endif
