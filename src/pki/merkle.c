/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/merkle.h"

#include <string.h>

#include "base/limits.h"

/* RFC 9162 2.1.1 */
static const uint8_t leaf_prefix = 0x00;
static const uint8_t node_prefix = 0x01;

enum mlt_err merkle_leaf_hash(struct span leaf, uint8_t out[static HASH_LEN])
{
    CLEANUP(hash_run_clear) struct hash_run run = { 0 };
    TRY(hash_run_init(&run));
    TRY(hash_run_add(&run, span_of(&leaf_prefix, 1)));
    TRY(hash_run_add(&run, leaf));
    return hash_run_peek(&run, out);
}

enum mlt_err merkle_node_hash(const uint8_t left[static HASH_LEN],
                              const uint8_t right[static HASH_LEN], uint8_t out[static HASH_LEN])
{
    uint8_t both[1 + 2 * HASH_LEN];
    both[0] = node_prefix;
    memcpy(both + 1, left, HASH_LEN);
    memcpy(both + 1 + HASH_LEN, right, HASH_LEN);
    return hash_sha256(SPAN_OF(both), out);
}

enum mlt_err merkle_add(struct merkle *m, const uint8_t leaf_hash[static HASH_LEN])
{
    ENSURE(m->size < UINT64_MAX, MLT_ERR_RANGE);
    uint8_t hash[HASH_LEN];
    memcpy(hash, leaf_hash, HASH_LEN);
    unsigned level = 0;
    for (; (m->size >> level & 1) != 0; level++)
        TRY(merkle_node_hash(m->peaks[level], hash, hash));
    memcpy(m->peaks[level], hash, HASH_LEN);
    m->size++;
    return MLT_OK;
}

/* Reads the peaks of the leaves from `begin` on; of a struct merkle, which begins at 0. */
static enum mlt_err read_peak(void *arg, unsigned level, uint64_t index,
                              uint8_t hash[static HASH_LEN])
{
    const struct merkle *m = arg;
    (void)index;
    memcpy(hash, m->peaks[level], HASH_LEN);
    return MLT_OK;
}

/*
 * The hash over `count` leaves from `begin` on, a multiple of every complete subtree among them:
 * the peaks folded together, the smallest and rightmost first.
 */
static enum mlt_err fold(const struct merkle_nodes *nodes, uint64_t begin, uint64_t count,
                         uint8_t out[static HASH_LEN])
{
    uint8_t hash[HASH_LEN];
    uint8_t left[HASH_LEN];
    bool started = false;
    TRY(hash_sha256(span_of(NULL, 0), hash));
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((count >> level & 1) == 0)
            continue;
        uint64_t index = (begin >> level) + (count >> level) - 1;
        TRY(nodes->read(nodes->arg, level, index, started ? left : hash));
        if (started)
            TRY(merkle_node_hash(left, hash, hash));
        started = true;
    }
    memcpy(out, hash, HASH_LEN);
    return MLT_OK;
}

enum mlt_err merkle_root(const struct merkle *m, uint8_t root[static HASH_LEN])
{
    struct merkle copy = *m;
    const struct merkle_nodes peaks = { &copy, read_peak };
    return fold(&peaks, 0, copy.size, root);
}

enum mlt_err merkle_root_of(const struct merkle_nodes *nodes, uint64_t size,
                            uint8_t root[static HASH_LEN])
{
    return fold(nodes, 0, size, root);
}

/*
 * A walk from a node up to the root: its index and that of the last node on its level.  Where
 * the two are the same and even, the node has no sibling and stands for its parent too.
 */
struct climb {
    uint64_t at, last;
    unsigned level;
};

static bool is_right(const struct climb *c)
{
    return (c->at & 1) != 0;
}

static void step(struct climb *c)
{
    c->at >>= 1;
    c->last >>= 1;
    c->level++;
}

/* The climb from leaf `size - 1` begins at the root of the subtree that this leaf completes. */
static struct climb climb_from_end(uint64_t size, uint64_t of)
{
    struct climb c = { .at = size - 1, .last = of - 1 };
    while (is_right(&c))
        step(&c);
    return c;
}

static enum mlt_err put_node(const struct merkle_nodes *nodes, const struct climb *c,
                             uint64_t index, struct buf *proof)
{
    uint8_t hash[HASH_LEN];
    TRY(nodes->read(nodes->arg, c->level, index, hash));
    return buf_put(proof, SPAN_OF(hash));
}

/* The right sibling may be cut short by the tree's end. */
static enum mlt_err put_right_sibling(const struct merkle_nodes *nodes, const struct climb *c,
                                      uint64_t size, struct buf *proof)
{
    uint8_t hash[HASH_LEN];
    uint64_t begin = (c->at + 1) << c->level;
    uint64_t whole = (uint64_t)1 << c->level;
    TRY(fold(nodes, begin, size - begin < whole ? size - begin : whole, hash));
    return buf_put(proof, SPAN_OF(hash));
}

static enum mlt_err put_siblings(const struct merkle_nodes *nodes, struct climb c, uint64_t size,
                                 struct buf *proof)
{
    for (; c.last > 0; step(&c))
        if (is_right(&c))
            TRY(put_node(nodes, &c, c.at - 1, proof));
        else if (c.at < c.last)
            TRY(put_right_sibling(nodes, &c, size, proof));
    return MLT_OK;
}

enum mlt_err merkle_prove_consistency(const struct merkle_nodes *nodes, uint64_t from, uint64_t to,
                                      struct buf *proof)
{
    ENSURE(from >= 1 && from <= to, MLT_ERR_RANGE);
    if (from == to)
        return MLT_OK;
    CLEANUP(buf_clear) struct buf made = { 0 };
    struct climb c = climb_from_end(from, to);
    if (c.at > 0) /* else that subtree is the whole earlier tree, whose root is known */
        TRY(put_node(nodes, &c, c.at, &made));
    TRY(put_siblings(nodes, c, to, &made));
    return buf_put(proof, buf_span(&made));
}

/* The next hash of a proof; NULL at its end. */
static const uint8_t *take(struct span *proof)
{
    const uint8_t *hash = proof->n >= HASH_LEN ? proof->p : NULL;
    *proof = span_from(*proof, HASH_LEN);
    return hash;
}

static bool is_proof(struct span proof)
{
    return proof.n % HASH_LEN == 0 && proof.n <= (size_t)LIMIT_PROOF_HASHES * HASH_LEN;
}

/* Climbs with the hashes of a proof to the later root in `whole`, and over the siblings to the left
 * alone to the earlier one. */
static enum mlt_err climb_with(struct climb c, struct span proof, uint8_t whole[static HASH_LEN],
                               uint8_t before[static HASH_LEN])
{
    for (; c.last > 0; step(&c)) {
        if (!is_right(&c) && c.at == c.last)
            continue;
        const uint8_t *sibling = take(&proof);
        ENSURE(sibling != NULL, MLT_ERR_LEDGER);
        if (!is_right(&c)) {
            TRY(merkle_node_hash(whole, sibling, whole));
            continue;
        }
        TRY(merkle_node_hash(sibling, whole, whole));
        TRY(merkle_node_hash(sibling, before, before));
    }
    ENSURE(proof.n == 0, MLT_ERR_LEDGER);
    return MLT_OK;
}

static bool is_root(const struct merkle_tree *tree, const uint8_t hash[static HASH_LEN])
{
    return span_eq(SPAN_OF(tree->root), span_of(hash, HASH_LEN));
}

enum mlt_err merkle_check_consistency(const struct merkle_tree *earlier,
                                      const struct merkle_tree *later, struct span proof)
{
    ENSURE(earlier->size >= 1 && earlier->size <= later->size, MLT_ERR_RANGE);
    ENSURE(is_proof(proof), MLT_ERR_LEDGER);
    if (earlier->size == later->size) {
        ENSURE(proof.n == 0 && is_root(earlier, later->root), MLT_ERR_LEDGER);
        return MLT_OK;
    }
    struct climb c = climb_from_end(earlier->size, later->size);
    const uint8_t *start = c.at > 0 ? take(&proof) : earlier->root;
    ENSURE(start != NULL, MLT_ERR_LEDGER);
    uint8_t before[HASH_LEN];
    uint8_t whole[HASH_LEN];
    memcpy(before, start, HASH_LEN);
    memcpy(whole, start, HASH_LEN);
    TRY(climb_with(c, proof, whole, before));
    ENSURE(is_root(earlier, before) && is_root(later, whole), MLT_ERR_LEDGER);
    return MLT_OK;
}
