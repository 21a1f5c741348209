/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/receipt.h"

#include "wire/cursor.h"

static bool is_known(unsigned state)
{
    return state == OUTCOME_DELIVERED || state == OUTCOME_READ;
}

enum mlt_err receipt_encode(const struct receipt *r, struct buf *out)
{
    ENSURE(is_known(r->state), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    address_put(&w, &r->sender);
    wire_put_bytes(&w, SPAN_OF(r->id));
    wire_put_u8(&w, (uint8_t)r->state);
    return wire_out_end(&w);
}

enum mlt_err receipt_decode(struct span src, struct receipt *r)
{
    struct wire_in in = wire_in(src);
    struct receipt got = { 0 };
    address_get(&in, &got.sender);
    wire_get_bytes(&in, got.id, ENVELOPE_ID);
    uint8_t state = wire_get_u8(&in);
    wire_require(&in, is_known(state), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));

    got.state = (enum outcome_state)state;
    *r = got;
    return MLT_OK;
}
