/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/revocation.h"

#include "base/limits.h"
#include "wire/cursor.h"

static bool is_consistent(const struct revocation *r)
{
    return r->number > 0 && r->number <= INT64_MAX && r->this_update_s >= 0 &&
           r->this_update_s < r->next_update_s && r->serials.n % REVOCATION_SERIAL == 0;
}

static void put_signed(struct wire_out *w, const struct revocation *r)
{
    wire_put_u64(w, r->number);
    wire_put_u64(w, (uint64_t)r->this_update_s);
    wire_put_u64(w, (uint64_t)r->next_update_s);
    wire_put_vec16(w, r->serials, 0, LIMIT_REVOKED_AT_ONCE * REVOCATION_SERIAL);
}

enum mlt_err revocation_put_signed(const struct revocation *r, struct buf *out)
{
    ENSURE(is_consistent(r), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    put_signed(&w, r);
    return wire_out_end(&w);
}

enum mlt_err revocation_encode(const struct revocation *r, struct buf *out)
{
    ENSURE(is_consistent(r), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    put_signed(&w, r);
    wire_put_vec16(&w, r->signature, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    return wire_out_end(&w);
}

static int64_t get_time(struct wire_in *in)
{
    uint64_t s = wire_get_u64(in);
    wire_require(in, s <= INT64_MAX, MLT_ERR_RANGE);
    return (int64_t)s;
}

enum mlt_err revocation_decode(struct span src, struct revocation *r)
{
    struct wire_in in = wire_in(src);
    struct revocation got = { 0 };
    got.number = wire_get_u64(&in);
    got.this_update_s = get_time(&in);
    got.next_update_s = get_time(&in);
    got.serials = wire_get_vec16(&in, 0, LIMIT_REVOKED_AT_ONCE * REVOCATION_SERIAL);
    got.signature = wire_get_vec16(&in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    wire_require(&in, is_consistent(&got), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *r = got;
    return MLT_OK;
}

enum mlt_err crl_wanted_encode(const struct crl_wanted *w, struct buf *out)
{
    struct wire_out o = wire_out(out);
    wire_put_u64(&o, w->have);
    return wire_out_end(&o);
}

enum mlt_err crl_wanted_decode(struct span src, struct crl_wanted *w)
{
    struct wire_in in = wire_in(src);
    const struct crl_wanted got = { .have = wire_get_u64(&in) };
    TRY(wire_in_end(&in));
    *w = got;
    return MLT_OK;
}

static bool is_within(const struct crl_piece *p)
{
    return p->number > 0 && p->number <= INT64_MAX && p->total <= LIMIT_CRL &&
           p->offset < p->total && p->bytes.n <= p->total - p->offset;
}

enum mlt_err crl_piece_encode(const struct crl_piece *p, struct buf *out)
{
    ENSURE(is_within(p), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_u64(&w, p->number);
    wire_put_u32(&w, p->offset);
    wire_put_u32(&w, p->total);
    wire_put_vec24(&w, p->bytes, 1, LIMIT_CRL_PIECE);
    return wire_out_end(&w);
}

enum mlt_err crl_piece_decode(struct span src, struct crl_piece *p)
{
    struct wire_in in = wire_in(src);
    struct crl_piece got = { 0 };
    got.number = wire_get_u64(&in);
    got.offset = wire_get_u32(&in);
    got.total = wire_get_u32(&in);
    got.bytes = wire_get_vec24(&in, 1, LIMIT_CRL_PIECE);
    wire_require(&in, is_within(&got), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *p = got;
    return MLT_OK;
}
