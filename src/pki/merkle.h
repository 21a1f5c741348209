/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_MERKLE_H
#define MALOTE_PKI_MERKLE_H

#include "base/buf.h"
#include "crypto/hash.h"

/*
 * The hash tree over the ledger's leaves, RFC 9162 2.1, with SHA-256.  Knows hashes and sizes,
 * no storage.  A proof, of consistency, is hashes of 32 bytes, one behind the other, in the RFC's
 * order.
 */

/* As many as a size has bits; no proof is longer than two such paths. */
#define MERKLE_LEVELS 64

/* SHA-256(00 || leaf) and SHA-256(01 || left || right): no leaf is ever taken for a node. */
MUST_CHECK enum mlt_err merkle_leaf_hash(struct span leaf, uint8_t out[static HASH_LEN]);
MUST_CHECK enum mlt_err merkle_node_hash(const uint8_t left[static HASH_LEN],
                                         const uint8_t right[static HASH_LEN],
                                         uint8_t out[static HASH_LEN]);

/*
 * A tree that leaves are added to: of each set bit of size, the hash of the complete subtree of
 * that level.  { 0 } is the empty tree.
 */
struct merkle {
    uint64_t size;
    uint8_t peaks[MERKLE_LEVELS][HASH_LEN];
};

/* After a failure m is not to be used.  MLT_ERR_RANGE at 2^64-1 leaves. */
MUST_CHECK enum mlt_err merkle_add(struct merkle *m, const uint8_t leaf_hash[static HASH_LEN]);
/* Of the empty tree: SHA-256 of nothing (2.1.1). */
MUST_CHECK enum mlt_err merkle_root(const struct merkle *m, uint8_t root[static HASH_LEN]);

struct merkle_tree {
    uint64_t size;
    uint8_t root[HASH_LEN];
};

/*
 * Whether `later` begins with exactly the leaves of `earlier` (2.1.4.2).  Sizes 1 and up; of
 * equal sizes the roots must be equal and the proof empty.  MLT_ERR_LEDGER where it is not
 * proven, whatever is wrong with the proof; MLT_ERR_RANGE for sizes that cannot be asked about.
 */
MUST_CHECK enum mlt_err merkle_check_consistency(const struct merkle_tree *earlier,
                                                 const struct merkle_tree *later,
                                                 struct span proof);

/*
 * Where the hashes of complete subtrees are kept: of level 0 the leaves' own, of level n at
 * `index` the one over the 2^n leaves from index * 2^n on.
 */
struct merkle_nodes {
    void *arg;
    enum mlt_err (*read)(void *arg, unsigned level, uint64_t index, uint8_t hash[static HASH_LEN]);
};

/*
 * The root of the first `size` leaves, and the proof (2.1.4.1), appended: in O(log n) reads.
 * MLT_ERR_RANGE unless 1 <= from <= to; what read says.
 */
MUST_CHECK enum mlt_err merkle_root_of(const struct merkle_nodes *nodes, uint64_t size,
                                       uint8_t root[static HASH_LEN]);
MUST_CHECK enum mlt_err merkle_prove_consistency(const struct merkle_nodes *nodes, uint64_t from,
                                                 uint64_t to, struct buf *proof);

#endif
