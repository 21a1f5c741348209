/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/outcome.h"

#include "wire/cursor.h"

/* A reason belongs to a refusal, and every refusal has one. */
static bool is_known(unsigned state, unsigned reason)
{
    if (state == OUTCOME_REFUSED)
        return reason >= OUTCOME_REASON_NO_SUCH_NAME && reason <= OUTCOME_REASON_DUPLICATE;
    return state >= OUTCOME_STORED && state <= OUTCOME_UNKNOWN && reason == OUTCOME_REASON_NONE;
}

enum mlt_err outcome_encode(const struct outcome *o, struct buf *out)
{
    ENSURE(is_known(o->state, o->reason), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, SPAN_OF(o->id));
    wire_put_u8(&w, (uint8_t)o->state);
    wire_put_u8(&w, (uint8_t)o->reason);
    return wire_out_end(&w);
}

enum mlt_err outcome_decode(struct span src, struct outcome *o)
{
    struct wire_in in = wire_in(src);
    struct outcome got = { 0 };
    wire_get_bytes(&in, got.id, ENVELOPE_ID);
    uint8_t state = wire_get_u8(&in);
    uint8_t reason = wire_get_u8(&in);
    wire_require(&in, is_known(state, reason), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));

    got.state = (enum outcome_state)state;
    got.reason = (enum outcome_reason)reason;
    *o = got;
    return MLT_OK;
}
