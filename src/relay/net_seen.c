/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "relay/net.h"

/* Who logged in, for the administrator's list: ca hears it once a minute, and nothing waits for it;
 * what does not fit one report goes with the next. */

struct net_seen_one {
    struct mail_entry entry; /* first, as mail_map wants it */
    TAILQ_ENTRY(net_seen_one) next;
};

enum mlt_err net_seen_init(struct net *net)
{
    TAILQ_INIT(&net->seen.order);
    return mail_map_init(&net->seen.names, net->env);
}

static void drop(struct net_seen *seen, struct net_seen_one *one)
{
    TAILQ_REMOVE(&seen->order, one, next);
    mail_map_remove(&seen->names, &one->entry);
    alloc_free(one);
}

void net_seen_clear(struct net *net)
{
    struct net_seen *seen = &net->seen;
    while (!TAILQ_EMPTY(&seen->order))
        drop(seen, TAILQ_FIRST(&seen->order));
    mail_map_clear(&seen->names);
}

void net_seen_add(struct net *net, const struct name *name)
{
    struct net_seen *seen = &net->seen;
    struct net_seen_one *one = NULL;
    if (seen->names.count >= LIMIT_CONNECTIONS || mail_map_find(&seen->names, 0, name) != NULL ||
        ALLOC_NEW(&one) != MLT_OK)
        return;
    one->entry.name = *name;
    if (mail_map_put(&seen->names, &one->entry) != MLT_OK) {
        alloc_free(one);
        return;
    }
    TAILQ_INSERT_TAIL(&seen->order, one, next);
}

static enum mlt_err take_names(struct net_seen *seen, struct buf *names)
{
    struct net_seen_one *one = NULL;
    for (size_t i = 0; i < LIMIT_SEEN && (one = TAILQ_FIRST(&seen->order)) != NULL; i++) {
        TRY(ipc_seen_add(names, &one->entry.name));
        drop(seen, one);
    }
    return MLT_OK;
}

void net_seen_tick(struct net *net)
{
    struct net_seen *seen = &net->seen;
    int64_t now = env_mono_ms(net->env);
    if (!net->ca.synced || TAILQ_EMPTY(&seen->order) || now < seen->next_ms)
        return;
    seen->next_ms = now + LIMIT_SEEN_MS;
    CLEANUP(buf_clear) struct buf names = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    if (take_names(seen, &names) != MLT_OK)
        return;
    const struct ipc_seen report = { buf_span(&names) };
    if (ipc_seen_encode(&report, &body) == MLT_OK)
        net_authority_tell_ca(net, IPC_SEEN, buf_span(&body));
}
