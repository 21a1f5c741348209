/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BENCH_TLS_H
#define MALOTE_BENCH_TLS_H

#include <openssl/types.h>

#include "identities.h"

/*
 * libssl's TLS 1.3 with the certificates and keys of `identities`: both sides authenticated and
 * verified, one group, no ticket, no resumption, memory in place of sockets.  The yardstick, and
 * the only use of libssl in this repository.
 */
struct tls {
    SSL_CTX *server, *client;
};

MUST_CHECK enum mlt_err tls_open(const struct identities *ids, enum dh_group group,
                                 struct tls *tls);
void tls_close(struct tls *tls);

/* One handshake; the CPU of either side is added. */
MUST_CHECK enum mlt_err tls_handshake(const struct tls *tls, double *server_us, double *client_us);

#endif
