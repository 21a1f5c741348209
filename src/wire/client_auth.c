/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/client_auth.h"

#include <string.h>

#include "base/limits.h"

static void put_enrol(struct wire_out *w, const struct client_auth *a)
{
    wire_put_vec8(w, name_span(&a->name), 1, LIMIT_NAME);
    wire_put_vec16(w, a->request, 1, LIMIT_REQUEST);
    wire_put_vec8(w, span_of(a->invite_id, a->has_invite ? INVITE_ID : 0), 0, INVITE_ID);
    wire_put_vec8(w, span_of(a->proof, a->has_invite ? INVITE_PROOF : 0), 0, INVITE_PROOF);
}

static void get_enrol(struct wire_in *in, struct client_auth *a)
{
    struct span name = wire_get_vec8(in, 1, LIMIT_NAME);
    if (in->err == MLT_OK)
        in->err = name_parse(name, &a->name);
    a->request = wire_get_vec16(in, 1, LIMIT_REQUEST);
    struct span id = wire_get_vec8(in, 0, INVITE_ID);
    struct span proof = wire_get_vec8(in, 0, INVITE_PROOF);
    a->has_invite = id.n == INVITE_ID && proof.n == INVITE_PROOF;
    wire_require(in, a->has_invite || (id.n == 0 && proof.n == 0), MLT_ERR_RANGE);
    if (in->err == MLT_OK && a->has_invite) {
        memcpy(a->invite_id, id.p, INVITE_ID);
        memcpy(a->proof, proof.p, INVITE_PROOF);
    }
}

static bool is_kind(unsigned kind)
{
    return kind >= CLIENT_AUTH_RECEIVE && kind <= CLIENT_AUTH_ENROL;
}

enum mlt_err client_auth_encode_body(const struct client_auth *a, struct buf *out)
{
    ENSURE(is_kind(a->kind), MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, (uint8_t)a->kind);
    if (a->kind == CLIENT_AUTH_ENROL)
        put_enrol(&w, a);
    else
        wire_put_vec16(&w, a->certificate, 1, LIMIT_CERTIFICATE);
    wire_put_u32(&w, a->features);
    return wire_out_end(&w);
}

static bool is_zero(struct span s)
{
    uint8_t any = 0;
    for (size_t i = 0; i < s.n; i++)
        any |= s.p[i];
    return any == 0;
}

void client_auth_get_body(struct wire_in *in, struct client_auth *a)
{
    uint8_t kind = wire_get_u8(in);
    wire_require(in, is_kind(kind), MLT_ERR_RANGE);
    a->kind = (enum client_auth_kind)kind;
    if (a->kind == CLIENT_AUTH_ENROL)
        get_enrol(in, a);
    else
        a->certificate = wire_get_vec16(in, 1, LIMIT_CERTIFICATE);
    a->features = wire_get_u32(in);
}

enum mlt_err client_auth_split(struct span plaintext, struct client_auth *a,
                               struct client_auth_parts *parts)
{
    ENSURE(plaintext.n >= LIMIT_CLIENT_AUTH, MLT_ERR_TRUNCATED);
    ENSURE(plaintext.n == LIMIT_CLIENT_AUTH, MLT_ERR_TRAILING);
    struct wire_in in = wire_in(plaintext);
    struct client_auth got = { 0 };
    struct client_auth_parts apart = { 0 };
    client_auth_get_body(&in, &got);
    apart.body = span_of(plaintext.p, plaintext.n - in.rest.n);
    apart.signature = wire_get_vec16(&in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    size_t signed_and_signature = plaintext.n - in.rest.n;
    apart.finished = wire_get_span(&in, CLIENT_AUTH_FINISHED);
    wire_require(&in, is_zero(wire_get_rest(&in)), MLT_ERR_TRAILING);
    TRY(wire_in_end(&in));

    apart.signature_field =
        span_of(plaintext.p + apart.body.n, signed_and_signature - apart.body.n);
    *a = got;
    *parts = apart;
    return MLT_OK;
}

enum mlt_err client_auth_join(const struct client_auth_parts *parts, struct buf *out)
{
    ENSURE(parts->finished.n == CLIENT_AUTH_FINISHED, MLT_ERR_RANGE);
    size_t start = out->len;
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, parts->body);
    wire_put_vec16(&w, parts->signature, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    wire_put_bytes(&w, parts->finished);
    TRY(wire_out_end(&w));
    size_t n = out->len - start;
    ENSURE(n <= LIMIT_CLIENT_AUTH, MLT_ERR_RANGE);
    uint8_t *padding;
    return buf_extend(out, LIMIT_CLIENT_AUTH - n, &padding);
}
