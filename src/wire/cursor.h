/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_CURSOR_H
#define MALOTE_WIRE_CURSOR_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Reading and writing the wire's integers (big-endian) and vectors (a length, then bytes).
 * Both sides remember their first error and then do nothing: a codec reads top to bottom as the
 * layout of its message and asks once, at the end.
 */

struct wire_in {
    struct span rest;
    enum mlt_err err;
};

struct wire_in wire_in(struct span src);
uint8_t wire_get_u8(struct wire_in *in);
uint16_t wire_get_u16(struct wire_in *in);
uint32_t wire_get_u24(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);
/* n bytes into the caller's array. */
void wire_get_bytes(struct wire_in *in, uint8_t *out, size_t n);
/* n bytes, borrowed from the source. */
struct span wire_get_span(struct wire_in *in, size_t n);
/* Length-prefixed, borrowed; MLT_ERR_RANGE outside min..max. */
struct span wire_get_vec8(struct wire_in *in, size_t min, size_t max);
struct span wire_get_vec16(struct wire_in *in, size_t min, size_t max);
struct span wire_get_vec24(struct wire_in *in, size_t min, size_t max);
/* For a decoder's own check of a value it read: keeps the first error. */
void wire_require(struct wire_in *in, bool cond, enum mlt_err err);
/* All that is left, borrowed. */
struct span wire_get_rest(struct wire_in *in);
/* The first error, or MLT_ERR_TRAILING if a byte is left over. */
MUST_CHECK enum mlt_err wire_in_end(const struct wire_in *in);

struct wire_out {
    struct buf *to;
    enum mlt_err err;
};

/* Appends to `to`. */
struct wire_out wire_out(struct buf *to);
void wire_put_u8(struct wire_out *out, uint8_t v);
void wire_put_u16(struct wire_out *out, uint16_t v);
void wire_put_u24(struct wire_out *out, uint32_t v);
void wire_put_u32(struct wire_out *out, uint32_t v);
void wire_put_u64(struct wire_out *out, uint64_t v);
void wire_put_bytes(struct wire_out *out, struct span s);
/* MLT_ERR_RANGE outside min..max: what we write is what we would accept. */
void wire_put_vec8(struct wire_out *out, struct span s, size_t min, size_t max);
void wire_put_vec16(struct wire_out *out, struct span s, size_t min, size_t max);
void wire_put_vec24(struct wire_out *out, struct span s, size_t min, size_t max);
MUST_CHECK enum mlt_err wire_out_end(const struct wire_out *out);

#endif
