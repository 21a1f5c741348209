/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_FRAME_H
#define MALOTE_WIRE_FRAME_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* Everything on the wire is a frame: type u8, length of the body u24, body.  PROTOCOL.md 3. */

#define FRAME_HEADER 4

/* frames.def: X(NAME, type, min body, max body, "sent by") */
enum frame_type {
#define X(name, type, min, max, from) FRAME_##name = type,
#include "wire/frames.def"
#undef X
};

struct frame {
    enum frame_type type;
    struct span header; /* the FRAME_HEADER bytes: part of every transcript and MAC */
    struct span body;
    size_t size; /* header and body */
};

/*
 * Looks at the start of `in` (borrowed by *frame).  *complete is false while bytes are missing;
 * an unknown type or a length outside its bounds is an error as soon as the header is there,
 * before a byte of the body is waited for.  MLT_ERR_UNEXPECTED, MLT_ERR_RANGE.
 */
MUST_CHECK enum mlt_err frame_decode(struct span in, struct frame *frame, bool *complete);

/* Appends the header of a frame whose body has n bytes.  MLT_ERR_RANGE. */
MUST_CHECK enum mlt_err frame_put_header(struct buf *out, enum frame_type type, size_t n);

const char *frame_type_name(enum frame_type type);

#endif
