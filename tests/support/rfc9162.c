/* SPDX-License-Identifier: Apache-2.0 */
#include "rfc9162.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

void rfc9162_leaf(struct span leaf, uint8_t hash[static HASH_LEN])
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    if (buf_put_u8(&bytes, 0) != MLT_OK || buf_put(&bytes, leaf) != MLT_OK)
        abort();
    SHA256(bytes.p, bytes.len, hash);
}

/* The largest power of two smaller than n. */
static size_t split(size_t n)
{
    size_t k = 1;
    while (2 * k < n)
        k *= 2;
    return k;
}

/* 2.1.1 */
void rfc9162_root(const uint8_t (*leaves)[HASH_LEN], size_t n, uint8_t root[static HASH_LEN])
{
    uint8_t both[1 + 2 * HASH_LEN] = { 1 };
    if (n == 1) {
        memcpy(root, leaves[0], HASH_LEN);
        return;
    }
    size_t k = split(n);
    rfc9162_root(leaves, k, both + 1);
    rfc9162_root(leaves + k, n - k, both + 1 + HASH_LEN);
    SHA256(both, sizeof(both), root);
}

static void put_root(const uint8_t (*leaves)[HASH_LEN], size_t n, struct buf *proof)
{
    uint8_t root[HASH_LEN];
    rfc9162_root(leaves, n, root);
    if (buf_put(proof, SPAN_OF(root)) != MLT_OK)
        abort();
}

/* 2.1.4.1: SUBPROOF(m, D_n, is_whole) */
static void subproof(size_t m, const uint8_t (*leaves)[HASH_LEN], size_t n, bool is_whole,
                     struct buf *proof)
{
    if (m == n) {
        if (!is_whole)
            put_root(leaves, n, proof);
        return;
    }
    size_t k = split(n);
    if (m <= k) {
        subproof(m, leaves, k, is_whole, proof);
        put_root(leaves + k, n - k, proof);
    } else {
        subproof(m - k, leaves + k, n - k, false, proof);
        put_root(leaves, k, proof);
    }
}

void rfc9162_consistency(const uint8_t (*leaves)[HASH_LEN], size_t n, size_t from,
                         struct buf *proof)
{
    subproof(from, leaves, n, true, proof);
}
