/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_NET_CRL_H
#define MALOTE_CA_NET_CRL_H

#include "db/database.h"
#include "ipc/channel.h"

/*
 * Tells net of the newest CRL: all of it in pieces, then the notices of numbers above `after`.
 * Net says CRL_TAKEN once it has both.  `sent` is scratch.  While there is no CRL nothing is sent.
 */
MUST_CHECK enum mlt_err net_crl_send(struct channel *net, struct database *db, uint64_t after,
                                     struct buf *sent);

#endif
