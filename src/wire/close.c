/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/close.h"

#include "wire/cursor.h"

static const char *const texts[] = {
    [CLOSE_DONE] = "nothing more to say",
    [CLOSE_REPLACED] = "a newer login of the same identity took over",
    [CLOSE_REVOKED] = "the certificate was revoked",
    [CLOSE_EXPIRED] = "the certificate has expired",
    [CLOSE_SHUTDOWN] = "the server is stopping",
    [CLOSE_SILENT] = "nothing was heard for too long",
    [CLOSE_SLOW] = "too much was waiting to be read",
    [CLOSE_AGAIN] = "the server asks for a new login",
};

static bool is_known(unsigned reason)
{
    return reason < COUNT_OF(texts) && texts[reason] != NULL;
}

enum mlt_err close_encode(enum close_reason reason, struct buf *out)
{
    ENSURE(is_known(reason), MLT_ERR_RANGE);
    return buf_put_u8(out, (uint8_t)reason);
}

enum mlt_err close_decode(struct span src, enum close_reason *reason)
{
    struct wire_in in = wire_in(src);
    uint8_t got = wire_get_u8(&in);
    wire_require(&in, is_known(got), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));

    *reason = (enum close_reason)got;
    return MLT_OK;
}

const char *close_reason_text(enum close_reason reason)
{
    return is_known(reason) ? texts[reason] : "no reason was given";
}
