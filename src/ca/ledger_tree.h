/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_LEDGER_TREE_H
#define MALOTE_CA_LEDGER_TREE_H

#include "db/database.h"
#include "pki/merkle.h"

/*
 * The ledger as a Merkle tree (RFC 9162 2.1): the hash of every complete subtree is kept in the
 * table node, so that roots and proofs of any size up to the ledger's cost O(log n) rows.
 * MLT_ERR_DAMAGED where a row that must be there is not.
 */

/* The nodes that the leaf just added at `position` completes; in ledger_append's transaction. */
MUST_CHECK enum mlt_err ledger_tree_add(struct database *db, uint64_t position,
                                        const uint8_t leaf_hash[static HASH_LEN]);

/* Nodes (and clock floor) for a file of schema 2; does nothing for others.  A transaction of its
 * own. */
MUST_CHECK enum mlt_err ledger_tree_complete(struct database *db);

/* MLT_ERR_RANGE unless 1 <= size <= the ledger's. */
MUST_CHECK enum mlt_err ledger_tree_root(struct database *db, uint64_t size,
                                         uint8_t root[static HASH_LEN]);
/* Appended; MLT_ERR_RANGE unless 1 <= from <= to <= the ledger's size. */
MUST_CHECK enum mlt_err ledger_tree_consistency(struct database *db, uint64_t from, uint64_t to,
                                                struct buf *proof);

/* What a reading of the whole tree found. */
struct ledger_tree_report {
    uint64_t leaves, nodes; /* that were looked at */
    uint64_t bad_leaves;    /* bytes and hash do not fit, or not a leaf, or a gap before it */
    uint64_t bad_nodes;     /* missing, other than the leaves make them, or too many */
    uint64_t first_bad; /* position of the first such leaf, or of the first leaf under the node */
    uint8_t root[HASH_LEN]; /* of the first `size` leaves, from their bytes alone */
};

/* Everything is computed anew from the leaves' bytes: O(n).  `size` is that of the head the caller
 * wants to compare the root with; MLT_ERR_RANGE beyond the ledger. */
MUST_CHECK enum mlt_err ledger_tree_check(struct database *db, uint64_t size,
                                          struct ledger_tree_report *report);

#endif
