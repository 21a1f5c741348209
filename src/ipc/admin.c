/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/admin.h"

#include "base/limits.h"
#include "ipc/fields.h"

static void get_reason(struct wire_in *in, enum crl_reason *reason)
{
    unsigned got = wire_get_u8(in);
    wire_require(in, crl_is_reason(got), MLT_ERR_RANGE);
    *reason = (enum crl_reason)got;
}

enum mlt_err admin_request_encode(const struct admin_request *r, struct buf *out)
{
    struct wire_out w = wire_out(out);
    struct name none = { 0 };
    wire_put_u8(&w, (uint8_t)r->verb);
    field_put_name(&w, r->has_name ? &r->name : &none, r->has_name ? 1 : 0);
    wire_put_bytes(&w, SPAN_OF(r->fingerprint));
    wire_put_u32(&w, r->count);
    wire_put_u64(&w, (uint64_t)r->expires_s);
    wire_put_u8(&w, (uint8_t)r->reason);
    wire_put_bytes(&w, SPAN_OF(r->invite_id));
    return wire_out_end(&w);
}

enum mlt_err admin_request_decode(struct span src, struct admin_request *r)
{
    struct wire_in in = wire_in(src);
    struct admin_request got = { 0 };
    got.verb = (enum admin_verb)field_get_choice(&in, ADMIN_INVITE, ADMIN_UNINVITE);
    field_get_name(&in, &got.name, 0);
    got.has_name = got.name.text[0] != '\0';
    wire_get_bytes(&in, got.fingerprint, sizeof(got.fingerprint));
    got.count = wire_get_u32(&in);
    got.expires_s = field_get_time(&in);
    get_reason(&in, &got.reason);
    wire_get_bytes(&in, got.invite_id, sizeof(got.invite_id));
    TRY(wire_in_end(&in));
    *r = got;
    return MLT_OK;
}

enum mlt_err admin_row_encode(const struct admin_row *r, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, (uint8_t)r->kind);
    field_put_name(&w, &r->name, 0);
    wire_put_bytes(&w, SPAN_OF(r->fingerprint));
    wire_put_u64(&w, (uint64_t)r->at_s);
    wire_put_vec16(&w, r->url, 0, JOIN_URL_MAX);
    wire_put_u8(&w, (uint8_t)r->role);
    wire_put_u8(&w, (uint8_t)r->state);
    wire_put_bytes(&w, SPAN_OF(r->serial));
    wire_put_u64(&w, (uint64_t)r->not_after_s);
    wire_put_u64(&w, r->ledger_index);
    wire_put_vec16(&w, r->certificate, 0, LIMIT_CERTIFICATE);
    wire_put_u64(&w, (uint64_t)r->seen_s);
    wire_put_u64(&w, (uint64_t)r->revoked_s);
    wire_put_u8(&w, (uint8_t)r->reason);
    wire_put_u64(&w, (uint64_t)r->next_s);
    wire_put_u64(&w, r->number);
    wire_put_u64(&w, r->count);
    wire_put_u8(&w, (uint8_t)r->alarm);
    wire_put_vec16(&w, r->text, 0, ADMIN_TEXT_MAX);
    wire_put_vec16(&w, r->piece, 0, ADMIN_PIECE_MAX);
    wire_put_bytes(&w, SPAN_OF(r->invite_id));
    wire_put_u8(&w, (uint8_t)r->invite);
    field_put_name(&w, &r->used_by, 0);
    wire_put_u8(&w, r->unchanged);
    return wire_out_end(&w);
}

/* What only a row of this kind may hold, and must. */
static void require_by_kind(struct wire_in *in, const struct admin_row *r)
{
    bool is_cert = r->kind == ADMIN_ROW_CERT;
    bool has_text =
        r->kind == ADMIN_ROW_ALARM || r->kind == ADMIN_ROW_COUNT || r->kind == ADMIN_ROW_FINDING;
    wire_require(in, (r->kind == ADMIN_ROW_URL) == (r->url.n > 0), MLT_ERR_RANGE);
    bool has_state = is_cert || r->kind == ADMIN_ROW_NAME;
    wire_require(in, is_cert == (r->role != 0), MLT_ERR_RANGE);
    wire_require(in, has_state == (r->state != 0), MLT_ERR_RANGE);
    wire_require(in, has_state || !r->unchanged, MLT_ERR_RANGE);
    wire_require(in, is_cert || r->certificate.n == 0, MLT_ERR_RANGE);
    wire_require(in, (r->kind == ADMIN_ROW_ALARM) == (r->alarm != 0), MLT_ERR_RANGE);
    wire_require(in, has_text == (r->text.n > 0), MLT_ERR_RANGE);
    wire_require(in, (r->kind == ADMIN_ROW_CRL) == (r->piece.n > 0), MLT_ERR_RANGE);
    wire_require(in, (r->kind == ADMIN_ROW_INVITE) == (r->invite != 0), MLT_ERR_RANGE);
    wire_require(in, (r->invite == INVITE_STATE_USED) == (r->used_by.text[0] != '\0'),
                 MLT_ERR_RANGE);
}

enum mlt_err admin_row_decode(struct span src, struct admin_row *r)
{
    struct wire_in in = wire_in(src);
    struct admin_row got = { 0 };
    got.kind = (enum admin_row_kind)field_get_choice(&in, ADMIN_ROW_URL, ADMIN_ROW_NAME);
    field_get_name(&in, &got.name, 0);
    wire_get_bytes(&in, got.fingerprint, sizeof(got.fingerprint));
    got.at_s = field_get_time(&in);
    got.url = wire_get_vec16(&in, 0, JOIN_URL_MAX);
    got.role = (enum cert_role)field_get_choice(&in, 0, CERT_CLIENT);
    got.state = (enum cert_state)field_get_choice(&in, 0, CERT_STATE_CLOSED);
    wire_get_bytes(&in, got.serial, sizeof(got.serial));
    got.not_after_s = field_get_time(&in);
    got.ledger_index = wire_get_u64(&in);
    got.certificate = wire_get_vec16(&in, 0, LIMIT_CERTIFICATE);
    got.seen_s = field_get_time(&in);
    got.revoked_s = field_get_time(&in);
    get_reason(&in, &got.reason);
    got.next_s = field_get_time(&in);
    got.number = wire_get_u64(&in);
    got.count = wire_get_u64(&in);
    got.alarm = (enum admin_alarm)field_get_choice(&in, 0, ADMIN_ALARM_CRL_DROPS);
    got.text = wire_get_vec16(&in, 0, ADMIN_TEXT_MAX);
    got.piece = wire_get_vec16(&in, 0, ADMIN_PIECE_MAX);
    wire_get_bytes(&in, got.invite_id, sizeof(got.invite_id));
    got.invite = (enum invite_state)field_get_choice(&in, 0, INVITE_STATE_EXPIRED);
    field_get_name(&in, &got.used_by, 0);
    got.unchanged = field_get_bool(&in);
    require_by_kind(&in, &got);
    TRY(wire_in_end(&in));
    *r = got;
    return MLT_OK;
}

enum mlt_err admin_end_encode(const struct admin_end *e, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_err(&w, e->err);
    wire_put_vec16(&w, e->text, 0, ADMIN_TEXT_MAX);
    return wire_out_end(&w);
}

enum mlt_err admin_end_decode(struct span src, struct admin_end *e)
{
    struct wire_in in = wire_in(src);
    struct admin_end got = { 0 };
    got.err = field_get_err(&in);
    got.text = wire_get_vec16(&in, 0, ADMIN_TEXT_MAX);
    TRY(wire_in_end(&in));
    *e = got;
    return MLT_OK;
}
