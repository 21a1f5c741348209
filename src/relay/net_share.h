/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_NET_SHARE_H
#define MALOTE_RELAY_NET_SHARE_H

#include "mail/mail_map.h"
#include "wire/envelope.h"

/*
 * What waits for the disk is bounded for all together (LIMIT_STORE_QUEUE), and here for each
 * sender, whatever his sessions do: whoever floods is told busy long before others are.
 */

struct net_put; /* a message on its way to the disk */

struct net_shares {
    struct mail_map of_senders;
};

MUST_CHECK enum mlt_err net_shares_init(struct net_shares *shares, const struct env *env);
/* At the end of the process: what is still under way ends with it. */
void net_shares_clear(struct net_shares *shares);

/* `ticket` is the router's.  MLT_ERR_TOO_MANY beyond LIMIT_STORE_SHARE, MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err net_share_take(struct net_shares *shares, const struct envelope *e,
                                       void *ticket, struct net_put **put);

/* It is there, or refused: hands the router's ticket back. */
void *net_share_give_back(struct net_shares *shares, struct net_put *put);

#endif
