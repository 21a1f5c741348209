/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/envelope.h"

static bool are_known(uint16_t flags)
{
    return flags == 0 || flags == ENVELOPE_WANTS_READ;
}

static void put_send(struct wire_out *out, const struct envelope *e)
{
    wire_put_bytes(out, SPAN_OF(e->id));
    address_put(out, &e->recipient);
    wire_put_u64(out, e->epoch);
    wire_put_u64(out, e->number);
    wire_put_u16(out, e->flags);
    wire_put_u8(out, (uint8_t)e->body_kind);
    wire_put_vec24(out, e->body, 0, LIMIT_BODY);
}

static void get_send(struct wire_in *in, struct envelope *e)
{
    wire_get_bytes(in, e->id, ENVELOPE_ID);
    address_get(in, &e->recipient);
    e->epoch = wire_get_u64(in);
    e->number = wire_get_u64(in);
    wire_require(in, e->number >= 1, MLT_ERR_RANGE);
    e->flags = wire_get_u16(in);
    wire_require(in, are_known(e->flags), MLT_ERR_RANGE);
    uint8_t body_kind = wire_get_u8(in);
    wire_require(in, body_kind == BODY_PLAIN, MLT_ERR_RANGE);
    e->body_kind = BODY_PLAIN;
    e->body = wire_get_vec24(in, 0, LIMIT_BODY);
}

/* What we write is what we would accept. */
static bool is_sendable(const struct envelope *e)
{
    return e->number >= 1 && are_known(e->flags) && e->body_kind == BODY_PLAIN;
}

enum mlt_err envelope_encode_send(const struct envelope *e, struct buf *out)
{
    ENSURE(is_sendable(e), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    put_send(&w, e);
    return wire_out_end(&w);
}

enum mlt_err envelope_decode_send(struct span src, struct envelope *e)
{
    struct wire_in in = wire_in(src);
    struct envelope got = { 0 };
    get_send(&in, &got);
    TRY(wire_in_end(&in));

    *e = got;
    return MLT_OK;
}

enum mlt_err envelope_encode_deliver(const struct envelope *e, struct buf *out)
{
    ENSURE(is_sendable(e) && e->time_ms >= 0, MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    address_put(&w, &e->sender);
    wire_put_u64(&w, (uint64_t)e->time_ms);
    put_send(&w, e);
    return wire_out_end(&w);
}

enum mlt_err envelope_decode_deliver(struct span src, struct envelope *e)
{
    struct wire_in in = wire_in(src);
    struct envelope got = { 0 };
    address_get(&in, &got.sender);
    uint64_t time_ms = wire_get_u64(&in);
    wire_require(&in, time_ms <= INT64_MAX, MLT_ERR_RANGE);
    got.time_ms = (int64_t)time_ms;
    get_send(&in, &got);
    TRY(wire_in_end(&in));

    *e = got;
    return MLT_OK;
}
