/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ledger_proof.h"

#include "base/limits.h"
#include "wire/cursor.h"
#include "wire/ledger_head.h"

static bool is_consistent(const struct ledger_proof *p)
{
    return p->result >= PROOF_PROVEN && p->result <= PROOF_AHEAD &&
           (p->result == PROOF_PROVEN) == (p->head.n > 0) && (p->head.n > 0 || p->hashes.n == 0) &&
           p->hashes.n % LEDGER_HASH == 0;
}

enum mlt_err ledger_proof_encode(const struct ledger_proof *p, struct buf *out)
{
    ENSURE(is_consistent(p), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, (uint8_t)p->result);
    wire_put_vec16(&w, p->head, 0, LIMIT_LEDGER_HEAD);
    wire_put_vec16(&w, p->hashes, 0, LIMIT_PROOF_HASHES * LEDGER_HASH);
    return wire_out_end(&w);
}

enum mlt_err ledger_proof_decode(struct span src, struct ledger_proof *p)
{
    struct wire_in in = wire_in(src);
    struct ledger_proof got = { 0 };
    got.result = (enum proof_result)wire_get_u8(&in);
    got.head = wire_get_vec16(&in, 0, LIMIT_LEDGER_HEAD);
    got.hashes = wire_get_vec16(&in, 0, LIMIT_PROOF_HASHES * LEDGER_HASH);
    wire_require(&in, is_consistent(&got), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *p = got;
    return MLT_OK;
}

enum mlt_err leaves_wanted_encode(const struct leaves_wanted *w, struct buf *out)
{
    struct wire_out o = wire_out(out);
    wire_put_u64(&o, w->first);
    return wire_out_end(&o);
}

enum mlt_err leaves_wanted_decode(struct span src, struct leaves_wanted *w)
{
    struct wire_in in = wire_in(src);
    const struct leaves_wanted got = { .first = wire_get_u64(&in) };
    wire_require(&in, got.first <= INT64_MAX, MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *w = got;
    return MLT_OK;
}

enum mlt_err leaves_put(struct buf *leaves, struct span leaf)
{
    struct wire_out w = wire_out(leaves);
    wire_put_vec8(&w, leaf, 1, LIMIT_LEAF);
    return wire_out_end(&w);
}

enum mlt_err leaves_next(struct span *leaves, struct span *leaf)
{
    struct wire_in in = wire_in(*leaves);
    struct span got = wire_get_vec8(&in, 1, LIMIT_LEAF);
    struct span rest = wire_get_rest(&in);
    TRY(wire_in_end(&in));
    *leaves = rest;
    *leaf = got;
    return MLT_OK;
}

static enum mlt_err check_leaves(struct span leaves)
{
    struct span leaf;
    while (leaves.n > 0)
        TRY(leaves_next(&leaves, &leaf));
    return MLT_OK;
}

static bool is_answer(const struct leaves *l)
{
    return (l->result == LEAVES_HERE || (l->result == LEAVES_BUSY && l->leaves.n == 0)) &&
           l->first <= INT64_MAX;
}

enum mlt_err leaves_encode(const struct leaves *l, struct buf *out)
{
    ENSURE(is_answer(l), MLT_ERR_RANGE);
    TRY(check_leaves(l->leaves));
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, (uint8_t)l->result);
    wire_put_u64(&w, l->first);
    wire_put_vec24(&w, l->leaves, 0, LIMIT_LEAVES);
    return wire_out_end(&w);
}

enum mlt_err leaves_decode(struct span src, struct leaves *l)
{
    struct wire_in in = wire_in(src);
    struct leaves got = { 0 };
    got.result = (enum leaves_result)wire_get_u8(&in);
    got.first = wire_get_u64(&in);
    got.leaves = wire_get_vec24(&in, 0, LIMIT_LEAVES);
    wire_require(&in, is_answer(&got), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    TRY(check_leaves(got.leaves));
    *l = got;
    return MLT_OK;
}
