/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "pki/merkle.h"

/*
 * Proofs from others.  Input: how (1), sizes (2 x 8), changes (2), then a proof.  Of two small
 * trees the right proof is known: it is taken, and nothing else is, for any pair of sizes.  Of
 * large ones no proof is good, and each ends.
 */

enum { MOST = 40, HEAD = 19 };

static uint8_t leaves[MOST][HASH_LEN];
static uint8_t nodes[8][MOST][HASH_LEN]; /* complete subtrees */

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mlt_err read_node(void *arg, unsigned level, uint64_t index,
                              uint8_t hash[static HASH_LEN])
{
    (void)arg;
    must(level < 8 && (index + 1) << level <= MOST);
    memcpy(hash, nodes[level][index], HASH_LEN);
    return MLT_OK;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    must(crypto_start() == MLT_OK);
    for (size_t i = 0; i < MOST; i++) {
        const uint8_t leaf = (uint8_t)i;
        must(merkle_leaf_hash(span_of(&leaf, 1), leaves[i]) == MLT_OK);
        memcpy(nodes[0][i], leaves[i], HASH_LEN);
    }
    for (unsigned level = 1; level < 6; level++)
        for (size_t i = 0; (i + 1) << level <= MOST; i++)
            must(merkle_node_hash(nodes[level - 1][2 * i], nodes[level - 1][2 * i + 1],
                                  nodes[level][i]) == MLT_OK);
    return 0;
}

static const struct merkle_nodes stored = { NULL, read_node };

static struct merkle_tree tree(uint64_t size)
{
    struct merkle_tree t = { .size = size };
    must(merkle_root_of(&stored, size, t.root) == MLT_OK);
    return t;
}

static uint64_t number(const uint8_t *p)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return n;
}

static void small(uint64_t a, uint64_t b, struct span proof)
{
    CLEANUP(buf_clear) struct buf right = { 0 };
    const uint64_t to = 1 + b % MOST, from = 1 + a % to;
    const struct merkle_tree earlier = tree(from), later = tree(to);
    must(merkle_prove_consistency(&stored, from, to, &right) == MLT_OK);
    must(merkle_check_consistency(&earlier, &later, buf_span(&right)) == MLT_OK);
    must((merkle_check_consistency(&earlier, &later, proof) == MLT_OK) ==
         span_eq(proof, buf_span(&right)));
}

static void large(uint64_t a, uint64_t b, struct span proof)
{
    struct merkle_tree earlier = { .size = a }, later = { .size = b };
    memset(earlier.root, 1, HASH_LEN);
    memset(later.root, 2, HASH_LEN);
    must(merkle_check_consistency(&earlier, &later, proof) != MLT_OK);
}

/* The right proof with a few bytes of the input over it, so that mutations come near. */
static void near(const uint8_t *data, struct span over)
{
    CLEANUP(buf_clear) struct buf proof = { 0 };
    const uint64_t to = 1 + data[0] % MOST, from = 1 + data[1] % to;
    must(merkle_prove_consistency(&stored, from, to, &proof) == MLT_OK);
    for (size_t i = 0; i + 1 < over.n; i += 2)
        if (proof.len > 0)
            proof.p[over.p[i] * 7 % proof.len] ^= over.p[i + 1];
    small(from - 1, to - 1, buf_span(&proof));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    const struct span proof = span_of(data + HEAD, size - HEAD);
    const uint64_t a = number(data + 1), b = number(data + 9);
    switch (data[0] % 3) {
    case 0:
        small(a, b, proof);
        break;
    case 1:
        large(a, b, proof);
        break;
    default:
        near(data + 17, proof);
        break;
    }
    return 0;
}
