/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_MAILBOX_CACHE_H
#define MALOTE_CA_MAILBOX_CACHE_H

#include <openssl/types.h>

#include "base/limits.h"
#include "wire/name.h"

/* Private mailbox keys that were used last, so that a mailbox of many segments is read from the
 * keystore once.  { 0 } is empty. */

struct mailbox_cached {
    struct name name;
    EVP_PKEY *key; /* NULL: free */
    uint64_t used; /* when, counted in uses */
};

struct mailbox_cache {
    struct mailbox_cached keys[LIMIT_MAILBOX_CACHE];
    uint64_t uses;
};

/* Borrowed until the next call; NULL: not here. */
EVP_PKEY *mailbox_cache_find(struct mailbox_cache *cache, const struct name *name);

/* Takes the key, in place of the one not used for longest. */
void mailbox_cache_put(struct mailbox_cache *cache, const struct name *name, EVP_PKEY **key);

void mailbox_cache_clear(struct mailbox_cache *cache);

#endif
