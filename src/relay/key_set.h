/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_KEY_SET_H
#define MALOTE_RELAY_KEY_SET_H

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

/* A set of 32-byte keys (serials, key hashes): a hundred thousand revoked ones, flat look-up. */

#define KEY_SET_KEY 32

struct key_set {
    uint8_t (*slots)[KEY_SET_KEY]; /* all zero: free */
    size_t capacity;               /* 0 or a power of two */
    size_t count;
};

/* { 0 } is an empty set. */
void key_set_clear(struct key_set *set);

/* `key` has 1..32 bytes, not all zero; a shorter one is padded.  MLT_ERR_NOMEM, MLT_ERR_RANGE. */
MUST_CHECK enum mlt_err key_set_add(struct key_set *set, struct span key);
bool key_set_has(const struct key_set *set, struct span key);

#endif
