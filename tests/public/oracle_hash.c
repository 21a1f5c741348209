/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <string.h>

#include "crypto/hash.h"

static const size_t step = 7; /* no divisor of SHA-256's block */

/* Once whole, once in pieces that are read in between. */
static enum mlt_err sha256(const struct buf *args, struct buf *out)
{
    struct span all = buf_span(&args[0]);
    uint8_t whole[HASH_LEN];
    uint8_t pieces[HASH_LEN];
    CLEANUP(hash_run_clear) struct hash_run run = { 0 };
    TRY(hash_sha256(all, whole));
    TRY(hash_run_init(&run));
    for (size_t i = 0; i < all.n; i += step) {
        TRY(hash_run_peek(&run, pieces));
        TRY(hash_run_add(&run, span_of(all.p + i, all.n - i < step ? all.n - i : step)));
    }
    TRY(hash_run_peek(&run, pieces));
    ENSURE(span_eq(SPAN_OF(whole), SPAN_OF(pieces)), MLT_ERR_STATE);
    return buf_put_hex(out, SPAN_OF(whole));
}

/* The Monte Carlo test of NIST's SHAVS: 1,000 links of a chain from a seed. */
static enum mlt_err sha256_chain(const struct buf *args, struct buf *out)
{
    uint8_t last[3][HASH_LEN];
    ENSURE(args[0].len == HASH_LEN, MLT_ERR_RANGE);
    for (size_t i = 0; i < COUNT_OF(last); i++)
        memcpy(last[i], args[0].p, HASH_LEN);
    for (size_t i = 0; i < 1000; i++) {
        uint8_t next[HASH_LEN];
        TRY(hash_sha256(SPAN_OF(last), next));
        memmove(last[0], last[1], sizeof last - HASH_LEN);
        memcpy(last[2], next, HASH_LEN);
    }
    return buf_put_hex(out, SPAN_OF(last[2]));
}

/* Once whole, once as three parts. */
static enum mlt_err hmac(const struct buf *args, struct buf *out)
{
    struct span key = buf_span(&args[0]);
    struct span all = buf_span(&args[1]);
    size_t cut = all.n / 3;
    const struct span parts[] = { span_of(all.p, cut), span_of(NULL, 0), span_from(all, cut) };
    uint8_t whole[HASH_LEN];
    uint8_t pieces[HASH_LEN];
    TRY(hash_hmac(key, &all, 1, whole));
    TRY(hash_hmac(key, parts, COUNT_OF(parts), pieces));
    ENSURE(span_eq(SPAN_OF(whole), SPAN_OF(pieces)), MLT_ERR_STATE);
    return buf_put_hex(out, SPAN_OF(whole));
}

const struct verb *oracle_hash_verbs(size_t *count)
{
    static const struct verb verbs[] = {
        { "sha256", 1, sha256 },
        { "sha256_chain", 1, sha256_chain },
        { "hmac", 2, hmac },
    };
    *count = COUNT_OF(verbs);
    return verbs;
}
