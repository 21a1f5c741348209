/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mailbox_cache.h"

#include "crypto/rsa.h"

EVP_PKEY *mailbox_cache_find(struct mailbox_cache *cache, const struct name *name)
{
    for (size_t i = 0; i < COUNT_OF(cache->keys); i++) {
        struct mailbox_cached *at = &cache->keys[i];
        if (at->key == NULL || !name_eq(&at->name, name))
            continue;
        at->used = ++cache->uses;
        return at->key;
    }
    return NULL;
}

void mailbox_cache_put(struct mailbox_cache *cache, const struct name *name, EVP_PKEY **key)
{
    struct mailbox_cached *oldest = &cache->keys[0];
    for (size_t i = 1; i < COUNT_OF(cache->keys); i++)
        if (cache->keys[i].used < oldest->used)
            oldest = &cache->keys[i];
    rsa_key_free(&oldest->key);
    *oldest = (struct mailbox_cached) { *name, *key, ++cache->uses };
    *key = NULL;
}

void mailbox_cache_clear(struct mailbox_cache *cache)
{
    for (size_t i = 0; i < COUNT_OF(cache->keys); i++)
        rsa_key_free(&cache->keys[i].key);
    *cache = (struct mailbox_cache) { 0 };
}
