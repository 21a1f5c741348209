/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net_share.h"

#include "base/alloc.h"
#include "base/limits.h"

/* So that nobody fills the places in the queue with messages of no size either. */
static const size_t least_cost = LIMIT_STORE_QUEUE / LIMIT_STORE_JOBS;

struct share {
    struct mail_entry entry; /* by the sender's name */
    size_t count, bytes;
};

struct net_put {
    void *ticket;
    struct share *share;
    size_t bytes;
};

enum mlt_err net_shares_init(struct net_shares *shares, const struct env *env)
{
    return mail_map_init(&shares->of_senders, env);
}

void net_shares_clear(struct net_shares *shares)
{
    mail_map_clear(&shares->of_senders);
}

static enum mlt_err get_share(struct net_shares *shares, const struct name *sender,
                              struct share **out)
{
    struct share *share = (struct share *)mail_map_find(&shares->of_senders, 0, sender);
    if (share == NULL) {
        TRY(ALLOC_NEW(&share));
        share->entry.name = *sender;
        enum mlt_err err = mail_map_put(&shares->of_senders, &share->entry);
        if (err != MLT_OK) {
            alloc_free(share);
            return err;
        }
    }
    *out = share;
    return MLT_OK;
}

static void drop_if_unused(struct net_shares *shares, struct share *share)
{
    if (share->count > 0)
        return;
    mail_map_remove(&shares->of_senders, &share->entry);
    alloc_free(share);
}

static enum mlt_err new_put(struct share *share, size_t bytes, struct net_put **out)
{
    ENSURE(share->bytes + bytes <= LIMIT_STORE_SHARE, MLT_ERR_TOO_MANY);
    struct net_put *put = NULL;
    TRY(ALLOC_NEW(&put));
    put->share = share;
    put->bytes = bytes;
    share->count++;
    share->bytes += bytes;
    *out = put;
    return MLT_OK;
}

enum mlt_err net_share_take(struct net_shares *shares, const struct envelope *e, void *ticket,
                            struct net_put **put)
{
    struct share *share = NULL;
    TRY(get_share(shares, &e->sender.name, &share));
    enum mlt_err err = new_put(share, least_cost + e->body.n, put);
    if (err == MLT_OK)
        (*put)->ticket = ticket;
    drop_if_unused(shares, share);
    return err;
}

void *net_share_give_back(struct net_shares *shares, struct net_put *put)
{
    void *ticket = put->ticket;
    struct share *share = put->share;
    share->count--;
    share->bytes -= put->bytes;
    drop_if_unused(shares, share);
    alloc_free(put);
    return ticket;
}
