/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_HASH_H
#define MALOTE_CRYPTO_HASH_H

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

/* SHA-256 and HMAC-SHA-256. */

#define HASH_LEN 32

MUST_CHECK enum mlt_err hash_sha256(struct span s, uint8_t out[static HASH_LEN]);

/* HMAC over the concatenation of `count` parts. */
MUST_CHECK enum mlt_err hash_hmac(struct span key, const struct span *parts, size_t count,
                                  uint8_t out[static HASH_LEN]);

/* A running hash that can be read while it runs (a transcript).  { 0 } is empty. */
struct hash_run {
    void *ctx;
};

MUST_CHECK enum mlt_err hash_run_init(struct hash_run *h);
MUST_CHECK enum mlt_err hash_run_add(struct hash_run *h, struct span s);
/* The hash so far; the run goes on. */
MUST_CHECK enum mlt_err hash_run_peek(const struct hash_run *h, uint8_t out[static HASH_LEN]);
void hash_run_clear(struct hash_run *h);

#endif
