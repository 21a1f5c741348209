/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/fields.h"

#include "base/limits.h"

enum {
    err_count = 0
#define X(name, fault, text) +1
#include "base/err.def"
#undef X
};

bool field_get_bool(struct wire_in *in)
{
    return field_get_choice(in, 0, 1) == 1;
}

unsigned field_get_choice(struct wire_in *in, unsigned first, unsigned last)
{
    unsigned value = wire_get_u8(in);
    bool within = value >= first && value <= last;
    wire_require(in, within, MLT_ERR_RANGE);
    return within ? value : first;
}

int64_t field_get_time(struct wire_in *in)
{
    uint64_t value = wire_get_u64(in);
    wire_require(in, value <= INT64_MAX, MLT_ERR_RANGE);
    return value <= INT64_MAX ? (int64_t)value : 0;
}

void field_put_err(struct wire_out *out, enum mlt_err err)
{
    wire_put_u16(out, (uint16_t)err);
}

enum mlt_err field_get_err(struct wire_in *in)
{
    unsigned value = wire_get_u16(in);
    wire_require(in, value < err_count, MLT_ERR_RANGE);
    return value < err_count ? (enum mlt_err)value : MLT_OK;
}

void field_put_name(struct wire_out *out, const struct name *name, size_t min)
{
    wire_put_vec8(out, name_span(name), min, LIMIT_NAME);
}

void field_get_name(struct wire_in *in, struct name *name, size_t min)
{
    struct span text = wire_get_vec8(in, min, LIMIT_NAME);
    *name = (struct name) { 0 };
    if (in->err == MLT_OK && text.n > 0)
        wire_require(in, name_parse(text, name) == MLT_OK, MLT_ERR_NAME);
}
