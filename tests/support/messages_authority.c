/* SPDX-License-Identifier: Apache-2.0 */
#include "messages_authority.h"

#include <string.h>

#include "base/limits.h"
#include "wire/ledger_head.h"
#include "wire/ledger_proof.h"
#include "wire/renew.h"
#include "wire/revocation.h"

static const uint8_t filler[LIMIT_CRL_PIECE] = { 0x17, 0x2a, [700] = 0x55 };

#define SIGNATURE_SHORT                                                                            \
    {                                                                                              \
        filler, LIMIT_SIGNATURE_MIN                                                                \
    }
#define SIGNATURE_LONG                                                                             \
    {                                                                                              \
        filler, LIMIT_SIGNATURE                                                                    \
    }

enum mlt_err recode_renew(struct span src, struct buf *again)
{
    struct renew r;
    TRY(renew_decode(src, &r));
    return renew_encode(&r, again);
}

enum mlt_err sample_renew(unsigned variant, struct buf *out)
{
    static const struct renew all[] = {
        { .serial = { 0x41, [15] = 7 }, .signature = SIGNATURE_SHORT },
        { .serial = { 0 }, .signature = SIGNATURE_LONG },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return renew_encode(&all[variant], out);
}

enum mlt_err recode_renewed(struct span src, struct buf *again)
{
    struct renewed r;
    TRY(renewed_decode(src, &r));
    return renewed_encode(&r, again);
}

enum mlt_err sample_renewed(unsigned variant, struct buf *out)
{
    static const struct renewed all[] = {
        { .result = WELCOME_ISSUED, .certificate = { filler, 1 } },
        { .result = WELCOME_ISSUED, .certificate = { filler, LIMIT_CERTIFICATE } },
        { .result = WELCOME_REFUSED, .reason = REFUSAL_NOT_DUE },
        { .result = WELCOME_REFUSED, .reason = REFUSAL_STOPPED },
        { .result = WELCOME_REFUSED, .reason = REFUSAL_BUSY, .retry_after_s = UINT32_MAX },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return renewed_encode(&all[variant], out);
}

enum mlt_err recode_revoked(struct span src, struct buf *again)
{
    struct revocation r;
    TRY(revocation_decode(src, &r));
    return revocation_encode(&r, again);
}

enum mlt_err sample_revoked(unsigned variant, struct buf *out)
{
    static const struct revocation all[] = {
        { .number = 1, .next_update_s = 1, .signature = SIGNATURE_SHORT },
        { .number = 77,
          .this_update_s = 1795359274,
          .next_update_s = 1795964074,
          .serials = { filler, REVOCATION_SERIAL },
          .signature = SIGNATURE_SHORT },
        { .number = INT64_MAX,
          .this_update_s = INT64_MAX - 1,
          .next_update_s = INT64_MAX,
          .serials = { filler, LIMIT_REVOKED_AT_ONCE * REVOCATION_SERIAL },
          .signature = SIGNATURE_LONG },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return revocation_encode(&all[variant], out);
}

enum mlt_err recode_crl_wanted(struct span src, struct buf *again)
{
    struct crl_wanted w;
    TRY(crl_wanted_decode(src, &w));
    return crl_wanted_encode(&w, again);
}

enum mlt_err sample_crl_wanted(unsigned variant, struct buf *out)
{
    static const struct crl_wanted all[] = { { 0 }, { 1 }, { UINT64_MAX } };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return crl_wanted_encode(&all[variant], out);
}

enum mlt_err recode_crl_piece(struct span src, struct buf *again)
{
    struct crl_piece p;
    TRY(crl_piece_decode(src, &p));
    return crl_piece_encode(&p, again);
}

enum mlt_err sample_crl_piece(unsigned variant, struct buf *out)
{
    static const struct crl_piece all[] = {
        { .number = 1, .offset = 0, .total = 1, .bytes = { filler, 1 } },
        { .number = 2, .offset = 900, .total = 1000, .bytes = { filler, 100 } },
        { .number = INT64_MAX,
          .offset = LIMIT_CRL - LIMIT_CRL_PIECE,
          .total = LIMIT_CRL,
          .bytes = { filler, LIMIT_CRL_PIECE } },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return crl_piece_encode(&all[variant], out);
}

enum mlt_err recode_ledger_head(struct span src, struct buf *again)
{
    struct ledger_head h;
    TRY(ledger_head_decode(src, &h));
    return ledger_head_encode(&h, again);
}

enum mlt_err sample_ledger_head(unsigned variant, struct buf *out)
{
    static const struct ledger_head all[] = {
        { .size = 1, .signature = SIGNATURE_SHORT },
        { .epoch = 1795359274,
          .base = 12,
          .size = 4711,
          .root = { 9 },
          .time_s = 1795359275,
          .signature = SIGNATURE_SHORT },
        { .epoch = INT64_MAX,
          .base = INT64_MAX,
          .size = INT64_MAX,
          .root = { 9, [31] = 1 },
          .time_s = INT64_MAX,
          .signature = SIGNATURE_LONG },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return ledger_head_encode(&all[variant], out);
}

enum mlt_err recode_ledger_proof(struct span src, struct buf *again)
{
    struct ledger_proof p;
    TRY(ledger_proof_decode(src, &p));
    return ledger_proof_encode(&p, again);
}

enum mlt_err sample_ledger_proof(unsigned variant, struct buf *out)
{
    static const struct ledger_proof all[] = {
        { .result = PROOF_PROVEN, .head = { filler, 323 } },
        { .result = PROOF_PROVEN, .head = { filler, 323 }, .hashes = { filler, 7 * LEDGER_HASH } },
        { .result = PROOF_PROVEN,
          .head = { filler, LIMIT_LEDGER_HEAD },
          .hashes = { filler, LIMIT_PROOF_HASHES * LEDGER_HASH } },
        { .result = PROOF_BUSY },
        { .result = PROOF_AHEAD },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return ledger_proof_encode(&all[variant], out);
}

enum mlt_err recode_leaves_wanted(struct span src, struct buf *again)
{
    struct leaves_wanted w;
    TRY(leaves_wanted_decode(src, &w));
    return leaves_wanted_encode(&w, again);
}

enum mlt_err sample_leaves_wanted(unsigned variant, struct buf *out)
{
    static const struct leaves_wanted all[] = { { 0 }, { INT64_MAX } };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return leaves_wanted_encode(&all[variant], out);
}

/* Takes the leaves apart and puts them together again. */
enum mlt_err recode_leaves(struct span src, struct buf *again)
{
    struct leaves l;
    CLEANUP(buf_clear) struct buf leaves = { 0 };
    TRY(leaves_decode(src, &l));
    for (struct span rest = l.leaves, leaf; rest.n > 0;) {
        TRY(leaves_next(&rest, &leaf));
        TRY(leaves_put(&leaves, leaf));
    }
    l.leaves = buf_span(&leaves);
    return leaves_encode(&l, again);
}

static enum mlt_err put_leaves(size_t count, size_t size, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        TRY(leaves_put(out, span_of(filler, size)));
    return MLT_OK;
}

enum mlt_err sample_leaves(unsigned variant, struct buf *out)
{
    CLEANUP(buf_clear) struct buf some = { 0 };
    struct leaves l = { .result = LEAVES_HERE, .first = variant };
    ENSURE(variant < 5, MLT_ERR_MISSING);
    if (variant == 1)
        TRY(put_leaves(1, 1, &some));
    if (variant == 2)
        TRY(put_leaves(3, 96, &some));
    if (variant == 3)
        TRY(put_leaves(LIMIT_LEAVES / (1 + LIMIT_LEAF), LIMIT_LEAF, &some));
    if (variant == 4)
        l = (struct leaves) { .result = LEAVES_BUSY, .first = INT64_MAX };
    l.leaves = buf_span(&some);
    return leaves_encode(&l, out);
}
