/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/welcome.h"

#include "base/limits.h"
#include "wire/cursor.h"

static const char *const texts[] = {
    [REFUSAL_NAME_TAKEN] = "the name belongs to another key",
    [REFUSAL_NAME_RESERVED] = "the name is reserved or malformed",
    [REFUSAL_INVITE] = "the invite is unknown, used, expired or for another name",
    [REFUSAL_INVITE_NEEDED] = "this server enrols by invite only",
    [REFUSAL_BY_ADMIN] = "the administrator refused the request",
    [REFUSAL_REQUEST] = "the certificate request is not acceptable",
    [REFUSAL_EXPIRED] = "the certificate has expired",
    [REFUSAL_NOT_YET] = "the certificate is not valid yet",
    [REFUSAL_REVOKED] = "the certificate or its key was revoked",
    [REFUSAL_BUSY] = "the server is busy, try again later",
    [REFUSAL_STALE] = "the server's revocation list is out of date, and the certificate is older",
    [REFUSAL_NOT_DUE] = "the certificate is too young to be renewed",
    [REFUSAL_STOPPED] = "the CA has stopped issuing: its administrator has to look",
};

bool refusal_is_known(enum refusal reason)
{
    return (unsigned)reason < COUNT_OF(texts);
}

/* Each field says something only where it means something: one encoding per answer. */
static bool is_consistent(const struct welcome *w)
{
    bool waits = w->result == WELCOME_PENDING || w->reason == REFUSAL_BUSY;
    return w->result >= WELCOME_ISSUED && w->result <= WELCOME_RENEW &&
           (w->result == WELCOME_REFUSED) == (w->reason != REFUSAL_NONE) &&
           refusal_is_known(w->reason) && (waits || w->retry_after_s == 0) &&
           (w->result == WELCOME_ISSUED) == (w->certificate.n > 0) && w->server_time_ms >= 0;
}

enum mlt_err welcome_encode(const struct welcome *w, struct buf *out)
{
    ENSURE(is_consistent(w), MLT_ERR_RANGE);
    struct wire_out o = wire_out(out);
    wire_put_u8(&o, (uint8_t)w->result);
    wire_put_u8(&o, (uint8_t)w->reason);
    wire_put_u32(&o, w->retry_after_s);
    wire_put_vec16(&o, w->certificate, 0, LIMIT_CERTIFICATE);
    wire_put_vec16(&o, w->ledger_head, 0, LIMIT_LEDGER_HEAD);
    wire_put_u64(&o, w->crl_number);
    wire_put_u64(&o, (uint64_t)w->server_time_ms);
    wire_put_u32(&o, w->max_body);
    wire_put_u32(&o, w->silence_ms);
    wire_put_u32(&o, w->features);
    return wire_out_end(&o);
}

enum mlt_err welcome_decode(struct span src, struct welcome *w)
{
    struct wire_in in = wire_in(src);
    struct welcome got = { 0 };
    got.result = (enum welcome_result)wire_get_u8(&in);
    got.reason = (enum refusal)wire_get_u8(&in);
    got.retry_after_s = wire_get_u32(&in);
    got.certificate = wire_get_vec16(&in, 0, LIMIT_CERTIFICATE);
    got.ledger_head = wire_get_vec16(&in, 0, LIMIT_LEDGER_HEAD);
    got.crl_number = wire_get_u64(&in);
    uint64_t server_time = wire_get_u64(&in);
    wire_require(&in, server_time <= INT64_MAX, MLT_ERR_RANGE);
    got.server_time_ms = (int64_t)server_time;
    got.max_body = wire_get_u32(&in);
    got.silence_ms = wire_get_u32(&in);
    got.features = wire_get_u32(&in);
    wire_require(&in, is_consistent(&got), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));

    *w = got;
    return MLT_OK;
}

const char *refusal_text(enum refusal reason)
{
    bool known = (unsigned)reason < COUNT_OF(texts) && texts[reason] != NULL;
    return known ? texts[reason] : "no reason was given";
}
