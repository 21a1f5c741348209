/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_NET_REFUSED_H
#define MALOTE_RELAY_NET_REFUSED_H

#include "mail/mail_map.h"
#include "wire/envelope.h"

/*
 * Streams, of a sender to a recipient, that have a refusal on its way to the router: what follows
 * in one must not pass it.  Of a stream only, since order is a matter of one: whoever is refused
 * for what he does himself would else hold up what others send to the same recipient.
 */

struct net_refused; /* a stream */

struct net_refusals {
    struct mail_map of_senders, of_streams;
    int64_t last; /* number that a sender got */
};

MUST_CHECK enum mlt_err net_refusals_init(struct net_refusals *refusals, const struct env *env);
/* At the end of the process: what is still under way ends with it. */
void net_refusals_clear(struct net_refusals *refusals);

/* One more in the stream of `e`.  MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err net_refused_add(struct net_refusals *refusals, const struct envelope *e,
                                        struct net_refused **stream);
/* The router has heard of one of them. */
void net_refused_end(struct net_refusals *refusals, struct net_refused *stream);
bool net_refused_has(const struct net_refusals *refusals, const struct envelope *e);

#endif
