/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net_refused.h"

#include "base/alloc.h"

/* A name of its own cannot be part of a second key, and a hash of it could be met by choosing one:
 * so a sender has a number for as long as he has such streams. */
struct refused_sender {
    struct mail_entry entry; /* by his name */
    int64_t number;
    size_t streams;
};

struct net_refused {
    struct mail_entry entry; /* by the sender's number and the recipient's name */
    struct refused_sender *sender;
    size_t count;
};

enum mlt_err net_refusals_init(struct net_refusals *refusals, const struct env *env)
{
    TRY(mail_map_init(&refusals->of_senders, env));
    return mail_map_init(&refusals->of_streams, env);
}

void net_refusals_clear(struct net_refusals *refusals)
{
    mail_map_clear(&refusals->of_senders);
    mail_map_clear(&refusals->of_streams);
}

static struct refused_sender *find_sender(const struct net_refusals *refusals,
                                          const struct envelope *e)
{
    return (struct refused_sender *)mail_map_find(&refusals->of_senders, 0, &e->sender.name);
}

static struct net_refused *find_stream(const struct net_refusals *refusals,
                                       const struct refused_sender *sender,
                                       const struct envelope *e)
{
    return (struct net_refused *)mail_map_find(&refusals->of_streams, sender->number,
                                               &e->recipient.name);
}

static void drop_if_unused(struct net_refusals *refusals, struct refused_sender *sender)
{
    if (sender->streams > 0)
        return;
    mail_map_remove(&refusals->of_senders, &sender->entry);
    alloc_free(sender);
}

static enum mlt_err get_sender(struct net_refusals *refusals, const struct envelope *e,
                               struct refused_sender **out)
{
    struct refused_sender *sender = find_sender(refusals, e);
    if (sender == NULL) {
        TRY(ALLOC_NEW(&sender));
        sender->entry.name = e->sender.name;
        sender->number = ++refusals->last;
        enum mlt_err err = mail_map_put(&refusals->of_senders, &sender->entry);
        if (err != MLT_OK) {
            alloc_free(sender);
            return err;
        }
    }
    *out = sender;
    return MLT_OK;
}

static enum mlt_err get_stream(struct net_refusals *refusals, struct refused_sender *sender,
                               const struct envelope *e, struct net_refused **out)
{
    struct net_refused *stream = find_stream(refusals, sender, e);
    if (stream == NULL) {
        TRY(ALLOC_NEW(&stream));
        stream->entry.name = e->recipient.name;
        stream->entry.number = sender->number;
        stream->sender = sender;
        enum mlt_err err = mail_map_put(&refusals->of_streams, &stream->entry);
        if (err != MLT_OK) {
            alloc_free(stream);
            return err;
        }
        sender->streams++;
    }
    *out = stream;
    return MLT_OK;
}

enum mlt_err net_refused_add(struct net_refusals *refusals, const struct envelope *e,
                             struct net_refused **stream)
{
    struct refused_sender *sender = NULL;
    struct net_refused *got = NULL;
    TRY(get_sender(refusals, e, &sender));
    enum mlt_err err = get_stream(refusals, sender, e, &got);
    drop_if_unused(refusals, sender);
    TRY(err);
    got->count++;
    *stream = got;
    return MLT_OK;
}

void net_refused_end(struct net_refusals *refusals, struct net_refused *stream)
{
    if (--stream->count > 0)
        return;
    struct refused_sender *sender = stream->sender;
    mail_map_remove(&refusals->of_streams, &stream->entry);
    alloc_free(stream);
    sender->streams--;
    drop_if_unused(refusals, sender);
}

bool net_refused_has(const struct net_refusals *refusals, const struct envelope *e)
{
    const struct refused_sender *sender = find_sender(refusals, e);
    return sender != NULL && find_stream(refusals, sender, e) != NULL;
}
