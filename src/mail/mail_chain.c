/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_chain.h"

#include "base/alloc.h"
#include "base/limits.h"

static const struct name no_name;

enum mlt_err mail_chains_init(struct mail_chains *chains, const struct env *env)
{
    TAILQ_INIT(&chains->by_use);
    return mail_map_init(&chains->by_box, env);
}

static void free_chain(struct mail_chain **chain)
{
    if (*chain == NULL)
        return;
    mail_segment_clear(&(*chain)->segment);
    mail_key_release(&(*chain)->key);
    alloc_free(*chain);
    *chain = NULL;
}

static void end(struct mail_chains *chains, struct mail_chain *chain)
{
    mail_map_remove(&chains->by_box, &chain->entry);
    TAILQ_REMOVE(&chains->by_use, chain, by_use);
    free_chain(&chain);
}

void mail_chains_end_all(struct mail_chains *chains)
{
    while (!TAILQ_EMPTY(&chains->by_use))
        end(chains, TAILQ_FIRST(&chains->by_use));
}

void mail_chains_clear(struct mail_chains *chains)
{
    if (chains->by_box.buckets == NULL)
        return;
    mail_chains_end_all(chains);
    mail_map_clear(&chains->by_box);
}

static struct mail_chain *find(const struct mail_chains *chains, int64_t box)
{
    return (struct mail_chain *)mail_map_find(&chains->by_box, box, &no_name);
}

struct mail_chain *mail_chains_find(struct mail_chains *chains, int64_t box,
                                    const struct mail_key *key)
{
    struct mail_chain *chain = find(chains, box);
    if (chain == NULL)
        return NULL;
    if (chain->key != key || chain->segment.next >= LIMIT_SEGMENT) {
        end(chains, chain);
        return NULL;
    }
    TAILQ_REMOVE(&chains->by_use, chain, by_use);
    TAILQ_INSERT_HEAD(&chains->by_use, chain, by_use);
    return chain;
}

enum mlt_err mail_chains_put(struct mail_chains *chains, int64_t box, int64_t number,
                             struct mail_key *key, struct mail_segment *segment)
{
    mail_chains_end(chains, box);
    while (chains->by_box.count >= LIMIT_OPEN_SEGMENTS)
        end(chains, TAILQ_LAST(&chains->by_use, mail_chain_list));
    CLEANUP(free_chain) struct mail_chain *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->entry.number = box;
    made->number = number;
    TRY(mail_map_put(&chains->by_box, &made->entry));
    atomic_fetch_add(&key->users, 1);
    made->key = key;
    made->segment = *segment;
    *segment = (struct mail_segment) { 0 };
    TAILQ_INSERT_HEAD(&chains->by_use, made, by_use);
    made = NULL;
    return MLT_OK;
}

void mail_chains_end(struct mail_chains *chains, int64_t box)
{
    struct mail_chain *chain = find(chains, box);
    if (chain != NULL)
        end(chains, chain);
}

void mail_chains_end_segment(struct mail_chains *chains, int64_t box, int64_t number)
{
    struct mail_chain *chain = find(chains, box);
    if (chain != NULL && chain->number == number)
        end(chains, chain);
}
