/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_RFC9162_H
#define MALOTE_TESTS_SUPPORT_RFC9162_H

#include "base/buf.h"
#include "crypto/hash.h"

/*
 * Roots and proofs of a Merkle tree by the recursive definitions of RFC 9162 2.1, as they stand
 * there, over a list of leaf hashes: a second opinion on pki/merkle.h, of which it uses nothing.
 */

void rfc9162_leaf(struct span leaf, uint8_t hash[static HASH_LEN]);

/* Of the first n, at least one. */
void rfc9162_root(const uint8_t (*leaves)[HASH_LEN], size_t n, uint8_t root[static HASH_LEN]);

/* That the first n continue the first `from`, at least one; appended. */
void rfc9162_consistency(const uint8_t (*leaves)[HASH_LEN], size_t n, size_t from,
                         struct buf *proof);

#endif
