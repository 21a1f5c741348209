/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ledger_head.h"

#include "base/limits.h"
#include "wire/cursor.h"

static const uint8_t head_version = 0;

static bool is_consistent(const struct ledger_head *h)
{
    return h->size > 0 && h->base <= h->size && h->size <= INT64_MAX && h->epoch <= INT64_MAX &&
           h->time_s >= 0;
}

static void put_signed(struct wire_out *w, const struct ledger_head *h)
{
    wire_put_u8(w, head_version);
    wire_put_u64(w, h->epoch);
    wire_put_u64(w, h->base);
    wire_put_u64(w, h->size);
    wire_put_bytes(w, SPAN_OF(h->root));
    wire_put_u64(w, (uint64_t)h->time_s);
}

enum mlt_err ledger_head_put_signed(const struct ledger_head *h, struct buf *out)
{
    ENSURE(is_consistent(h), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    put_signed(&w, h);
    return wire_out_end(&w);
}

enum mlt_err ledger_head_encode(const struct ledger_head *h, struct buf *out)
{
    ENSURE(is_consistent(h), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    put_signed(&w, h);
    wire_put_vec16(&w, h->signature, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    return wire_out_end(&w);
}

enum mlt_err ledger_head_decode(struct span src, struct ledger_head *h)
{
    struct wire_in in = wire_in(src);
    struct ledger_head got = { 0 };
    wire_require(&in, wire_get_u8(&in) == head_version, MLT_ERR_VERSION);
    got.epoch = wire_get_u64(&in);
    got.base = wire_get_u64(&in);
    got.size = wire_get_u64(&in);
    wire_get_bytes(&in, got.root, LEDGER_HASH);
    uint64_t time_s = wire_get_u64(&in);
    wire_require(&in, time_s <= INT64_MAX, MLT_ERR_RANGE);
    got.time_s = (int64_t)time_s;
    got.signature = wire_get_vec16(&in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    wire_require(&in, is_consistent(&got), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *h = got;
    return MLT_OK;
}
