/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_ETM_H
#define MALOTE_CRYPTO_ETM_H

#include "base/buf.h"
#include "base/secret.h"

/*
 * The one authenticated encryption of malote: AES-256-CTR, then HMAC-SHA-256 over
 * BE64(sequence) || header || ciphertext, full tag.  Counter block: BE64(sequence) || BE64(0..).
 * The tag is checked in constant time before anything is decrypted.  PROTOCOL.md 3.1.
 */

#define ETM_TAG 32

struct etm {
    void *cipher;
    void *mac;
};

/*
 * Keys: Expand(secret, "key") and Expand(secret, "mac"), 32 bytes each.  A sequence number must
 * never be sealed twice under one secret.
 */
MUST_CHECK enum mlt_err etm_init(struct etm *e, const struct secret *secret);
void etm_clear(struct etm *e);

/* Appends ciphertext and tag to `out`; header and plain must not lie inside `out`. */
MUST_CHECK enum mlt_err etm_seal(struct etm *e, uint64_t sequence, struct span header,
                                 struct span plain, struct buf *out);

/*
 * Seals what stands in `out` from `from` on, and appends the tag; the header must not lie inside
 * `out`.  On failure that text is wiped and cut off.
 */
MUST_CHECK enum mlt_err etm_seal_tail(struct etm *e, uint64_t sequence, struct span header,
                                      size_t from, struct buf *out);

/* Appends the plaintext to `out`, nothing on failure.  MLT_ERR_AUTH for every kind of bad. */
MUST_CHECK enum mlt_err etm_open(struct etm *e, uint64_t sequence, struct span header,
                                 struct span sealed, struct buf *out);

#endif
