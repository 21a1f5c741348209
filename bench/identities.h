/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BENCH_IDENTITIES_H
#define MALOTE_BENCH_IDENTITIES_H

#include "protocol/handshake.h"

/* A CA, a relay and a client, certified for the length of a measurement. */
struct identities {
    EVP_PKEY *ca_key, *server_key, *client_key;
    struct buf ca_der, server_der, client_der;
    struct cert ca;
};

MUST_CHECK enum mlt_err identities_make(struct identities *ids);
void identities_clear(struct identities *ids);

#endif
