/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/messages.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "crypto/dh.h"
#include "ipc/fields.h"

#define ADVERTISE_MAX 300
#define TEXT_MAX      1000
#define NONCES_MAX    (LIMIT_NONCES * MAILBOX_NONCE)
#define SPKI_MAX      1024 /* RSA-4096: 550 */

enum mlt_err ipc_ca_start_encode(const struct ipc_ca_start *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_vec8(&w, m->realm, 0, LIMIT_REALM);
    wire_put_u8(&w, (uint8_t)m->mode);
    wire_put_u32(&w, m->kdf_cost);
    wire_put_u32(&w, m->ca_bits);
    wire_put_vec16(&w, m->advertise, 0, ADVERTISE_MAX);
    wire_put_u32(&w, m->cert_life_s);
    wire_put_u8(&w, m->accept_clock);
    return wire_out_end(&w);
}

enum mlt_err ipc_ca_start_decode(struct span src, struct ipc_ca_start *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_ca_start got = { 0 };
    got.realm = wire_get_vec8(&in, 0, LIMIT_REALM);
    got.mode = (enum enrol_mode)field_get_choice(&in, ENROL_INVITE, ENROL_APPROVE);
    got.kdf_cost = wire_get_u32(&in);
    got.ca_bits = wire_get_u32(&in);
    got.advertise = wire_get_vec16(&in, 0, ADVERTISE_MAX);
    got.cert_life_s = wire_get_u32(&in);
    got.accept_clock = field_get_bool(&in);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_key_needed_encode(const struct ipc_key_needed *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, m->fresh);
    wire_put_u32(&w, m->cost.n);
    wire_put_u32(&w, m->cost.r);
    wire_put_u32(&w, m->cost.p);
    wire_put_bytes(&w, SPAN_OF(m->salt));
    return wire_out_end(&w);
}

enum mlt_err ipc_key_needed_decode(struct span src, struct ipc_key_needed *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_key_needed got = { 0 };
    got.fresh = field_get_bool(&in);
    got.cost.n = wire_get_u32(&in);
    got.cost.r = wire_get_u32(&in);
    got.cost.p = wire_get_u32(&in);
    wire_get_bytes(&in, got.salt, sizeof(got.salt));
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_ca_ready_encode(const struct ipc_ca_ready *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, m->first_run);
    wire_put_u8(&w, m->created);
    wire_put_vec8(&w, m->realm, 1, LIMIT_REALM);
    wire_put_vec16(&w, m->join_url, 0, JOIN_URL_MAX);
    return wire_out_end(&w);
}

enum mlt_err ipc_ca_ready_decode(struct span src, struct ipc_ca_ready *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_ca_ready got = { 0 };
    got.first_run = field_get_bool(&in);
    got.created = field_get_bool(&in);
    got.realm = wire_get_vec8(&in, 1, LIMIT_REALM);
    got.join_url = wire_get_vec16(&in, 0, JOIN_URL_MAX);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_ca_failed_encode(const struct ipc_ca_failed *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_err(&w, m->err);
    wire_put_vec16(&w, m->text, 0, TEXT_MAX);
    return wire_out_end(&w);
}

enum mlt_err ipc_ca_failed_decode(struct span src, struct ipc_ca_failed *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_ca_failed got = { 0 };
    got.err = field_get_err(&in);
    wire_require(&in, got.err != MLT_OK, MLT_ERR_RANGE);
    got.text = wire_get_vec16(&in, 0, TEXT_MAX);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_net_start_encode(const struct ipc_net_start *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, m->group);
    wire_put_u64(&w, m->mailbox_messages);
    wire_put_u64(&w, m->mailbox_bytes);
    wire_put_u8(&w, m->mailbox_share);
    wire_put_u64(&w, m->mailbox_ttl_s);
    return wire_out_end(&w);
}

enum mlt_err ipc_net_start_decode(struct span src, struct ipc_net_start *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_net_start got = { 0 };
    got.group = (uint8_t)field_get_choice(&in, DH_FFDHE2048, DH_FFDHE4096);
    got.mailbox_messages = wire_get_u64(&in);
    got.mailbox_bytes = wire_get_u64(&in);
    got.mailbox_share = (uint8_t)field_get_choice(&in, 1, 100);
    got.mailbox_ttl_s = wire_get_u64(&in);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_peer_lost_encode(const struct ipc_peer_lost *m, struct buf *out)
{
    return buf_put_u8(out, m->misbehaved);
}

enum mlt_err ipc_peer_lost_decode(struct span src, struct ipc_peer_lost *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_peer_lost got = { .misbehaved = field_get_bool(&in) };
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_ca_info_encode(const struct ipc_ca_info *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_vec16(&w, m->ca_der, 1, LIMIT_CERTIFICATE);
    return wire_out_end(&w);
}

enum mlt_err ipc_ca_info_decode(struct span src, struct ipc_ca_info *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_ca_info got = { 0 };
    got.ca_der = wire_get_vec16(&in, 1, LIMIT_CERTIFICATE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_member_encode(const struct ipc_member *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_name(&w, &m->name, 1);
    return wire_out_end(&w);
}

enum mlt_err ipc_member_decode(struct span src, struct ipc_member *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_member got = { 0 };
    field_get_name(&in, &got.name, 1);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_revoked_encode(const struct ipc_revoked *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_name(&w, &m->name, 1);
    wire_put_bytes(&w, SPAN_OF(m->serial));
    wire_put_bytes(&w, SPAN_OF(m->spki_hash));
    return wire_out_end(&w);
}

enum mlt_err ipc_revoked_decode(struct span src, struct ipc_revoked *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_revoked got = { 0 };
    field_get_name(&in, &got.name, 1);
    wire_get_bytes(&in, got.serial, sizeof(got.serial));
    wire_get_bytes(&in, got.spki_hash, sizeof(got.spki_hash));
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_server_cert_encode(const struct ipc_server_cert *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_err(&w, m->err);
    wire_put_vec16(&w, m->certificate, 0, LIMIT_CERTIFICATE);
    return wire_out_end(&w);
}

enum mlt_err ipc_server_cert_decode(struct span src, struct ipc_server_cert *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_server_cert got = { 0 };
    got.err = field_get_err(&in);
    got.certificate = wire_get_vec16(&in, 0, LIMIT_CERTIFICATE);
    wire_require(&in, (got.err == MLT_OK) == (got.certificate.n > 0), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_enrol_encode(const struct ipc_enrol *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_name(&w, &m->name, 1);
    wire_put_vec16(&w, m->request, 1, LIMIT_REQUEST);
    wire_put_vec8(&w, span_of(m->invite_id, m->has_invite ? INVITE_ID : 0), 0, INVITE_ID);
    wire_put_vec8(&w, span_of(m->proof, m->has_invite ? INVITE_PROOF : 0), 0, INVITE_PROOF);
    return wire_out_end(&w);
}

enum mlt_err ipc_enrol_decode(struct span src, struct ipc_enrol *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_enrol got = { 0 };
    field_get_name(&in, &got.name, 1);
    got.request = wire_get_vec16(&in, 1, LIMIT_REQUEST);
    struct span id = wire_get_vec8(&in, 0, INVITE_ID);
    struct span proof = wire_get_vec8(&in, 0, INVITE_PROOF);
    got.has_invite = id.n > 0;
    wire_require(&in, id.n == (got.has_invite ? INVITE_ID : 0), MLT_ERR_RANGE);
    wire_require(&in, proof.n == (got.has_invite ? INVITE_PROOF : 0), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    if (got.has_invite) {
        memcpy(got.invite_id, id.p, INVITE_ID);
        memcpy(got.proof, proof.p, INVITE_PROOF);
    }
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_enrolled_encode(const struct ipc_enrolled *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, (uint8_t)m->result);
    wire_put_u8(&w, (uint8_t)m->reason);
    wire_put_u32(&w, m->retry_after_s);
    wire_put_vec16(&w, m->certificate, 0, LIMIT_CERTIFICATE);
    return wire_out_end(&w);
}

enum mlt_err ipc_enrolled_decode(struct span src, struct ipc_enrolled *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_enrolled got = { 0 };
    got.result = (enum welcome_result)field_get_choice(&in, WELCOME_ISSUED, WELCOME_REFUSED);
    got.reason = (enum refusal)field_get_choice(&in, REFUSAL_NONE, REFUSAL_STOPPED);
    got.retry_after_s = wire_get_u32(&in);
    got.certificate = wire_get_vec16(&in, 0, LIMIT_CERTIFICATE);
    /* Nobody logs in by enrolling; exactly an issue brings a certificate, exactly a refusal a
     * reason. */
    wire_require(&in, got.result != WELCOME_LOGGED_IN, MLT_ERR_RANGE);
    wire_require(&in, (got.result == WELCOME_ISSUED) == (got.certificate.n > 0), MLT_ERR_RANGE);
    wire_require(&in, (got.result == WELCOME_REFUSED) == (got.reason != REFUSAL_NONE),
                 MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_nonces_encode(const struct ipc_nonces *m, struct buf *out)
{
    ENSURE(m->nonces.n % MAILBOX_NONCE == 0, MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_vec16(&w, m->nonces, MAILBOX_NONCE, NONCES_MAX);
    return wire_out_end(&w);
}

enum mlt_err ipc_nonces_decode(struct span src, struct ipc_nonces *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_nonces got = { .nonces = wire_get_vec16(&in, MAILBOX_NONCE, NONCES_MAX) };
    wire_require(&in, got.nonces.n % MAILBOX_NONCE == 0, MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_mailbox_name_encode(const struct ipc_mailbox_name *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_name(&w, &m->name, 1);
    return wire_out_end(&w);
}

enum mlt_err ipc_mailbox_name_decode(struct span src, struct ipc_mailbox_name *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_mailbox_name got = { 0 };
    field_get_name(&in, &got.name, 1);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_mailbox_encode(const struct ipc_mailbox *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_err(&w, m->err);
    wire_put_vec16(&w, m->spki, 0, SPKI_MAX);
    return wire_out_end(&w);
}

enum mlt_err ipc_mailbox_decode(struct span src, struct ipc_mailbox *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_mailbox got = { 0 };
    got.err = field_get_err(&in);
    got.spki = wire_get_vec16(&in, 0, SPKI_MAX);
    wire_require(&in, (got.err == MLT_OK) == (got.spki.n > 0), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_login_proof_encode(const struct ipc_login_proof *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_vec16(&w, m->transcript, 1, LIMIT_TRANSCRIPT);
    wire_put_vec16(&w, m->signature, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    return wire_out_end(&w);
}

enum mlt_err ipc_login_proof_decode(struct span src, struct ipc_login_proof *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_login_proof got = { 0 };
    got.transcript = wire_get_vec16(&in, 1, LIMIT_TRANSCRIPT);
    got.signature = wire_get_vec16(&in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_login_grant_encode(const struct ipc_login_grant *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_err(&w, m->err);
    if (m->err == MLT_OK) {
        wire_put_bytes(&w, SPAN_OF(m->grant));
        wire_put_u32(&w, m->lasts_s);
    }
    return wire_out_end(&w);
}

enum mlt_err ipc_login_grant_decode(struct span src, struct ipc_login_grant *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_login_grant got = { 0 };
    got.err = field_get_err(&in);
    if (got.err == MLT_OK) {
        wire_get_bytes(&in, got.grant, sizeof(got.grant));
        got.lasts_s = wire_get_u32(&in);
    }
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_unwrap_encode(const struct ipc_unwrap *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_name(&w, &m->recipient, 1);
    wire_put_bytes(&w, SPAN_OF(m->grant));
    wire_put_bytes(&w, SPAN_OF(m->segment));
    wire_put_vec16(&w, m->wrapped, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    return wire_out_end(&w);
}

enum mlt_err ipc_unwrap_decode(struct span src, struct ipc_unwrap *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_unwrap got = { 0 };
    field_get_name(&in, &got.recipient, 1);
    wire_get_bytes(&in, got.grant, sizeof(got.grant));
    wire_get_bytes(&in, got.segment, sizeof(got.segment));
    got.wrapped = wire_get_vec16(&in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_unwrapped_encode(const struct ipc_unwrapped *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_err(&w, m->err);
    if (m->err == MLT_OK)
        wire_put_bytes(&w, SPAN_OF(m->secret));
    return wire_out_end(&w);
}

enum mlt_err ipc_unwrapped_decode(struct span src, struct ipc_unwrapped *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_unwrapped got = { 0 };
    got.err = field_get_err(&in);
    if (got.err == MLT_OK)
        wire_get_bytes(&in, got.secret, sizeof(got.secret));
    TRY(wire_in_end(&in));
    *m = got;
    alloc_wipe(&got, sizeof(got));
    return MLT_OK;
}
