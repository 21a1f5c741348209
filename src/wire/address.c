/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/address.h"

void address_put(struct wire_out *out, const struct address *address)
{
    struct name canonical;
    if (out->err == MLT_OK && address->kind != ADDRESS_USER)
        out->err = MLT_ERR_RANGE;
    if (out->err == MLT_OK)
        out->err = name_parse(name_span(&address->name), &canonical);
    wire_put_u8(out, (uint8_t)address->kind);
    wire_put_vec8(out, name_span(&address->name), 1, LIMIT_NAME);
}

void address_get(struct wire_in *in, struct address *address)
{
    struct address got = { 0 };
    uint8_t kind = wire_get_u8(in);
    wire_require(in, kind == ADDRESS_USER, MLT_ERR_RANGE);
    struct span name = wire_get_vec8(in, 1, LIMIT_NAME);
    if (in->err == MLT_OK)
        in->err = name_parse(name, &got.name) == MLT_OK ? MLT_OK : MLT_ERR_ENCODING;
    got.kind = ADDRESS_USER;
    if (in->err == MLT_OK)
        *address = got;
}
