/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/server_auth.h"

#include "base/limits.h"

enum mlt_err server_auth_frame_decode(struct span body, size_t dh_size,
                                      struct server_auth_frame *frame)
{
    struct wire_in in = wire_in(body);
    struct server_auth_frame got = { 0 };
    got.dh_public = wire_get_vec16(&in, dh_size, dh_size);
    got.dh_field = span_of(body.p, body.n - in.rest.n);
    got.sealed = wire_get_rest(&in);
    TRY(wire_in_end(&in));

    *frame = got;
    return MLT_OK;
}

enum mlt_err server_auth_encode_body(const struct server_auth *a, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_vec16(&w, a->ca_certificate, 1, LIMIT_CERTIFICATE);
    wire_put_vec16(&w, a->certificate, 1, LIMIT_CERTIFICATE);
    typed_list_put(&w, &a->list);
    return wire_out_end(&w);
}

void server_auth_get_body(struct wire_in *in, struct server_auth *a)
{
    a->ca_certificate = wire_get_vec16(in, 1, LIMIT_CERTIFICATE);
    a->certificate = wire_get_vec16(in, 1, LIMIT_CERTIFICATE);
    typed_list_get(in, &a->list);
}

enum mlt_err server_auth_split(struct span plaintext, struct server_auth *a,
                               struct server_auth_parts *parts)
{
    struct wire_in in = wire_in(plaintext);
    struct server_auth got = { 0 };
    struct server_auth_parts apart = { 0 };
    server_auth_get_body(&in, &got);
    apart.body = span_of(plaintext.p, plaintext.n - in.rest.n);
    apart.signature = wire_get_vec16(&in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    size_t signed_and_signature = plaintext.n - in.rest.n;
    apart.finished = wire_get_span(&in, SERVER_AUTH_FINISHED);
    TRY(wire_in_end(&in));

    apart.signature_field =
        span_of(plaintext.p + apart.body.n, signed_and_signature - apart.body.n);
    *a = got;
    *parts = apart;
    return MLT_OK;
}

enum mlt_err server_auth_join(const struct server_auth_parts *parts, struct buf *out)
{
    ENSURE(parts->finished.n == SERVER_AUTH_FINISHED, MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, parts->body);
    wire_put_vec16(&w, parts->signature, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    wire_put_bytes(&w, parts->finished);
    return wire_out_end(&w);
}
