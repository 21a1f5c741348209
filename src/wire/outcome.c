/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/outcome.h"

#include "wire/cursor.h"

/* A reason belongs to a refusal, and every refusal has one. */
static bool is_known(unsigned state, unsigned reason)
{
    if (state == OUTCOME_REFUSED)
        return reason >= OUTCOME_REASON_NO_SUCH_NAME && reason <= OUTCOME_REASON_ERASED;
    return state >= OUTCOME_STORED && state <= OUTCOME_READ && reason == OUTCOME_REASON_NONE;
}

/* What a server keeps for a sender; a refusal among them is that of an erased mailbox. */
static bool is_kept(unsigned state)
{
    return state > OUTCOME_STORED && state <= OUTCOME_READ;
}

static bool may_be_kept(unsigned state, unsigned reason)
{
    return is_kept(state) && (state != OUTCOME_REFUSED || reason == OUTCOME_REASON_ERASED);
}

enum mlt_err outcome_encode(const struct outcome *o, struct buf *out)
{
    ENSURE(is_known(o->state, o->reason), MLT_ERR_RANGE);
    ENSURE(!o->kept || may_be_kept(o->state, o->reason), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, SPAN_OF(o->id));
    wire_put_u8(&w, (uint8_t)o->state);
    wire_put_u8(&w, (uint8_t)o->reason);
    wire_put_u8(&w, o->kept);
    return wire_out_end(&w);
}

enum mlt_err outcome_decode(struct span src, struct outcome *o)
{
    struct wire_in in = wire_in(src);
    struct outcome got = { 0 };
    wire_get_bytes(&in, got.id, ENVELOPE_ID);
    uint8_t state = wire_get_u8(&in);
    uint8_t reason = wire_get_u8(&in);
    uint8_t kept = wire_get_u8(&in);
    wire_require(&in, is_known(state, reason) && kept <= 1, MLT_ERR_RANGE);
    wire_require(&in, kept == 0 || may_be_kept(state, reason), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));

    got.state = (enum outcome_state)state;
    got.reason = (enum outcome_reason)reason;
    got.kept = kept == 1;
    *o = got;
    return MLT_OK;
}

enum mlt_err noted_encode(const struct noted *n, struct buf *out)
{
    ENSURE(is_kept(n->state), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, SPAN_OF(n->id));
    wire_put_u8(&w, (uint8_t)n->state);
    return wire_out_end(&w);
}

enum mlt_err noted_decode(struct span src, struct noted *n)
{
    struct wire_in in = wire_in(src);
    struct noted got = { 0 };
    wire_get_bytes(&in, got.id, ENVELOPE_ID);
    uint8_t state = wire_get_u8(&in);
    wire_require(&in, is_kept(state), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));

    got.state = (enum outcome_state)state;
    *n = got;
    return MLT_OK;
}

bool outcome_is_passing(const struct outcome *o)
{
    if (o->state == OUTCOME_REFUSED)
        return o->reason == OUTCOME_REASON_BUSY || o->reason == OUTCOME_REASON_NO_ROOM;
    return o->state == OUTCOME_UNKNOWN;
}

static const char *refused_text(enum outcome_reason reason)
{
    switch (reason) {
    case OUTCOME_REASON_NO_SUCH_NAME:
        return "nobody of that name is known to the server";
    case OUTCOME_REASON_AWAY:
        return "the recipient is not connected, and this server keeps no mail";
    case OUTCOME_REASON_BUSY:
        return "too many messages wait for the recipient";
    case OUTCOME_REASON_DUPLICATE:
        return "a message of this id is on its way already";
    case OUTCOME_REASON_NO_ROOM:
        return "the server cannot store messages now";
    case OUTCOME_REASON_FULL:
        return "the recipient's mailbox is full";
    case OUTCOME_REASON_SHARE:
        return "your share of the recipient's mailbox is full";
    case OUTCOME_REASON_ERASED:
        return "the recipient's mailbox was erased";
    default:
        return "the server refused it";
    }
}

const char *outcome_text(const struct outcome *o)
{
    switch (o->state) {
    case OUTCOME_STORED:
        return "kept in the recipient's mailbox";
    case OUTCOME_DELIVERED:
        return "delivered";
    case OUTCOME_REFUSED:
        return refused_text(o->reason);
    case OUTCOME_EXPIRED:
        return "expired in the recipient's mailbox";
    case OUTCOME_READ:
        return "read";
    default:
        return "nobody knows whether it arrived";
    }
}
