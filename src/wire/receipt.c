/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/receipt.h"

enum mlt_err receipt_encode(const struct receipt *r, struct buf *out)
{
    struct wire_out w = wire_out(out);
    address_put(&w, &r->sender);
    wire_put_bytes(&w, SPAN_OF(r->id));
    return wire_out_end(&w);
}

enum mlt_err receipt_decode(struct span src, struct receipt *r)
{
    struct wire_in in = wire_in(src);
    struct receipt got = { 0 };
    address_get(&in, &got.sender);
    wire_get_bytes(&in, got.id, ENVELOPE_ID);
    TRY(wire_in_end(&in));

    *r = got;
    return MLT_OK;
}
