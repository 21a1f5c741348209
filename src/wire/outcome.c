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

static const char *refused_text(enum outcome_reason reason)
{
    switch (reason) {
    case OUTCOME_REASON_NO_SUCH_NAME:
        return "nobody of that name is known to the server";
    case OUTCOME_REASON_AWAY:
        return "the recipient is not connected";
    case OUTCOME_REASON_BUSY:
        return "too many messages wait for the recipient";
    case OUTCOME_REASON_DUPLICATE:
        return "a message of this id is on its way already";
    default:
        return "the server refused it";
    }
}

const char *outcome_text(const struct outcome *o)
{
    switch (o->state) {
    case OUTCOME_STORED:
        return "kept by the server";
    case OUTCOME_DELIVERED:
        return "delivered";
    case OUTCOME_REFUSED:
        return refused_text(o->reason);
    default:
        return "handed on, but the recipient's connection ended before it was confirmed";
    }
}
