/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cursor.h"

#include <string.h>

struct wire_in wire_in(struct span src)
{
    return (struct wire_in) { src, MLT_OK };
}

void wire_require(struct wire_in *in, bool cond, enum mlt_err err)
{
    if (in->err == MLT_OK && !cond)
        in->err = err;
}

struct span wire_get_span(struct wire_in *in, size_t n)
{
    wire_require(in, n <= in->rest.n, MLT_ERR_TRUNCATED);
    if (in->err != MLT_OK)
        return (struct span) { 0 };
    struct span got = { in->rest.p, n };
    in->rest = span_from(in->rest, n);
    return got;
}

static uint64_t get_uint(struct wire_in *in, size_t n)
{
    struct span s = wire_get_span(in, n);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

uint8_t wire_get_u8(struct wire_in *in)
{
    return (uint8_t)get_uint(in, 1);
}

uint16_t wire_get_u16(struct wire_in *in)
{
    return (uint16_t)get_uint(in, 2);
}

uint32_t wire_get_u24(struct wire_in *in)
{
    return (uint32_t)get_uint(in, 3);
}

uint32_t wire_get_u32(struct wire_in *in)
{
    return (uint32_t)get_uint(in, 4);
}

uint64_t wire_get_u64(struct wire_in *in)
{
    return get_uint(in, 8);
}

void wire_get_bytes(struct wire_in *in, uint8_t *out, size_t n)
{
    struct span s = wire_get_span(in, n);
    if (s.n == n && n > 0)
        memcpy(out, s.p, n);
    else
        memset(out, 0, n);
}

static struct span get_vec(struct wire_in *in, size_t prefix, size_t min, size_t max)
{
    uint64_t n = get_uint(in, prefix);
    wire_require(in, n >= min && n <= max, MLT_ERR_RANGE);
    return wire_get_span(in, (size_t)n);
}

struct span wire_get_vec8(struct wire_in *in, size_t min, size_t max)
{
    return get_vec(in, 1, min, max);
}

struct span wire_get_vec16(struct wire_in *in, size_t min, size_t max)
{
    return get_vec(in, 2, min, max);
}

struct span wire_get_vec24(struct wire_in *in, size_t min, size_t max)
{
    return get_vec(in, 3, min, max);
}

struct span wire_get_rest(struct wire_in *in)
{
    return wire_get_span(in, in->rest.n);
}

enum mlt_err wire_in_end(const struct wire_in *in)
{
    TRY(in->err);
    ENSURE(in->rest.n == 0, MLT_ERR_TRAILING);
    return MLT_OK;
}

struct wire_out wire_out(struct buf *to)
{
    return (struct wire_out) { to, MLT_OK };
}

void wire_put_bytes(struct wire_out *out, struct span s)
{
    if (out->err == MLT_OK)
        out->err = buf_put(out->to, s);
}

static void put_uint(struct wire_out *out, uint64_t v, size_t n)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    wire_put_bytes(out, span_of(bytes, n));
}

void wire_put_u8(struct wire_out *out, uint8_t v)
{
    put_uint(out, v, 1);
}

void wire_put_u16(struct wire_out *out, uint16_t v)
{
    put_uint(out, v, 2);
}

void wire_put_u24(struct wire_out *out, uint32_t v)
{
    if (out->err == MLT_OK && v >= 1u << 24)
        out->err = MLT_ERR_RANGE;
    put_uint(out, v, 3);
}

void wire_put_u32(struct wire_out *out, uint32_t v)
{
    put_uint(out, v, 4);
}

void wire_put_u64(struct wire_out *out, uint64_t v)
{
    put_uint(out, v, 8);
}

static void put_vec(struct wire_out *out, struct span s, size_t prefix, size_t min, size_t max)
{
    bool fits = s.n >= min && s.n <= max && (uint64_t)s.n < (uint64_t)1 << (8 * prefix);
    if (out->err == MLT_OK && !fits)
        out->err = MLT_ERR_RANGE;
    put_uint(out, s.n, prefix);
    wire_put_bytes(out, s);
}

void wire_put_vec8(struct wire_out *out, struct span s, size_t min, size_t max)
{
    put_vec(out, s, 1, min, max);
}

void wire_put_vec16(struct wire_out *out, struct span s, size_t min, size_t max)
{
    put_vec(out, s, 2, min, max);
}

void wire_put_vec24(struct wire_out *out, struct span s, size_t min, size_t max)
{
    put_vec(out, s, 3, min, max);
}

enum mlt_err wire_out_end(const struct wire_out *out)
{
    return out->err;
}
