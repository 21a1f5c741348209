/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_NET_EPOCHS_H
#define MALOTE_CA_NET_EPOCHS_H

#include "ca/ca.h"
#include "ipc/channel.h"

/*
 * Tells net which certificates this ledger may have lost (epochs.h).  Net lets in of that time only
 * what it is told of; of the rest it asks (adopt.h).
 */

/* The times, and every certificate of a client that was issued within one of them and is here:
 * expired ones as well, they may be renewed.  `sent` is scratch. */
MUST_CHECK enum mlt_err net_epochs_send(struct channel *net, struct database *db, struct buf *sent);

/* The certificate (DER, from this CA) that net is about to give out, if it is dated within one of
 * them: the clock was set back, or the epoch lies ahead of it or hardly behind. */
MUST_CHECK enum mlt_err net_epochs_send_issued(struct channel *net, struct ca *ca,
                                               struct span certificate, struct buf *sent);

#endif
