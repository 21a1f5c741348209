/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/renew.h"

#include "base/limits.h"
#include "wire/cursor.h"

enum mlt_err renew_encode(const struct renew *r, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, SPAN_OF(r->serial));
    wire_put_vec16(&w, r->signature, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    return wire_out_end(&w);
}

enum mlt_err renew_decode(struct span src, struct renew *r)
{
    struct wire_in in = wire_in(src);
    struct renew got = { 0 };
    wire_get_bytes(&in, got.serial, RENEW_SERIAL);
    got.signature = wire_get_vec16(&in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    TRY(wire_in_end(&in));
    *r = got;
    return MLT_OK;
}

static bool is_consistent(const struct renewed *r)
{
    bool issued = r->result == WELCOME_ISSUED;
    return (issued || r->result == WELCOME_REFUSED) && issued == (r->reason == REFUSAL_NONE) &&
           refusal_is_known(r->reason) && issued == (r->certificate.n > 0) &&
           (r->reason == REFUSAL_BUSY || r->retry_after_s == 0);
}

enum mlt_err renewed_encode(const struct renewed *r, struct buf *out)
{
    ENSURE(is_consistent(r), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, (uint8_t)r->result);
    wire_put_u8(&w, (uint8_t)r->reason);
    wire_put_u32(&w, r->retry_after_s);
    wire_put_vec16(&w, r->certificate, 0, LIMIT_CERTIFICATE);
    return wire_out_end(&w);
}

enum mlt_err renewed_decode(struct span src, struct renewed *r)
{
    struct wire_in in = wire_in(src);
    struct renewed got = { 0 };
    got.result = (enum welcome_result)wire_get_u8(&in);
    got.reason = (enum refusal)wire_get_u8(&in);
    got.retry_after_s = wire_get_u32(&in);
    got.certificate = wire_get_vec16(&in, 0, LIMIT_CERTIFICATE);
    wire_require(&in, is_consistent(&got), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *r = got;
    return MLT_OK;
}
