/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_NET_LINK_H
#define MALOTE_CA_NET_LINK_H

#include "ca/ca.h"
#include "ca/mailbox.h"
#include "ipc/channel.h"

/*
 * The ca's end of the channel to net.  Net is taken for hostile: what is malformed or not
 * permitted ends the channel, what is well-formed is decided by enrol.h, renew.h, mailbox_grant.h,
 * mailbox_open.h, proof.h, seen.h and stopped.h.  Whatever goes wrong here drops this channel and
 * nothing else.
 */

enum net_link_loss { NET_LINK_KEPT, NET_LINK_LOST, NET_LINK_MISBEHAVED };

struct net_link {
    struct ca *ca;
    enum net_link_loss loss; /* for the parent to hear; the process resets it */
    bool pair_is_due;        /* somebody may have a mailbox pair again; the process resets it */
    struct mailbox_queue pairs_wanted;
    struct channel channel; /* fd -1 while there is no net */
    struct buf received, sent;
};

void net_link_init(struct net_link *link, struct ca *ca);
void net_link_clear(struct net_link *link);

/* Takes the descriptor of a new pair, in place of an older one, and tells net all it must know. */
void net_link_start(struct net_link *link, int fd);

/* One message, when the channel is readable. */
void net_link_read(struct net_link *link);

/* As struct ca_events; ctx is the link. */
void net_link_on_member(void *ctx, const struct name *name);
void net_link_on_revoked(void *ctx, const struct certificate *certificate);
void net_link_on_erased(void *ctx, const struct name *name);
void net_link_on_crl(void *ctx, uint64_t before);
void net_link_on_head(void *ctx);

#endif
