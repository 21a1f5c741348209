/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "wire/cursor.h"

struct frame_row {
    enum frame_type type;
    size_t min;
    size_t max;
    const char *name;
};

static const struct frame_row rows[] = {
#define X(name, type, min, max, from) { type, min, max, #name },
#include "wire/frames.def"
#undef X
};

static const struct frame_row *row_of(unsigned type)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

enum mlt_err frame_decode(struct span in, struct frame *frame, bool *complete)
{
    *complete = false;
    /* An unknown type is refused at its first byte: nothing good can follow. */
    const struct frame_row *row = in.n > 0 ? row_of(in.p[0]) : NULL;
    ENSURE(in.n == 0 || row != NULL, MLT_ERR_UNEXPECTED);
    if (in.n < FRAME_HEADER)
        return MLT_OK;
    struct wire_in header = wire_in(span_of(in.p + 1, 3));
    size_t n = wire_get_u24(&header);
    ENSURE(n >= row->min && n <= row->max, MLT_ERR_RANGE);
    if (in.n - FRAME_HEADER < n)
        return MLT_OK;
    *frame = (struct frame) {
        .type = row->type,
        .header = span_of(in.p, FRAME_HEADER),
        .body = span_of(in.p + FRAME_HEADER, n),
        .size = FRAME_HEADER + n,
    };
    *complete = true;
    return MLT_OK;
}

enum mlt_err frame_put_header(struct buf *out, enum frame_type type, size_t n)
{
    const struct frame_row *row = row_of(type);
    ENSURE(row != NULL && n >= row->min && n <= row->max, MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, (uint8_t)type);
    wire_put_u24(&w, (uint32_t)n);
    return wire_out_end(&w);
}

const char *frame_type_name(enum frame_type type)
{
    const struct frame_row *row = row_of(type);
    return row != NULL ? row->name : "?";
}
