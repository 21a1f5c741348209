/* SPDX-License-Identifier: Apache-2.0 */
#include "login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/rsa.h"
#include "wire/client_hello.h"
#include "wire/frame.h"
#include "wire/server_auth.h"
#include "wire/server_hello.h"

static void must(enum mlt_err err)
{
    if (err == MLT_OK)
        return;
    fprintf(stderr, "login: %s\n", err_name(err));
    abort();
}

static uint8_t public_value[LIMIT_DH_MIN] = { 0xd1 };
static const size_t tag = 32;

void login_transcript_clear(struct login_transcript *t)
{
    buf_clear(&t->bytes);
    *t = (struct login_transcript) { 0 };
}

static void put_frame(struct buf *out, enum frame_type type, const struct buf *body)
{
    must(frame_put_header(out, type, body->len));
    must(buf_put(out, buf_span(body)));
}

static void put_server_hello(const struct login *login, struct buf *out)
{
    CLEANUP(buf_clear) struct buf entries = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    static const uint8_t two[] = { 2 };
    const struct typed_entry nonce = { SERVER_HELLO_MAILBOX_NONCE, login->nonce };
    if (login->nonce.n > 0)
        must(typed_list_add(&entries, &nonce));
    const struct server_hello hello = { .random = { 1 },
                                        .p = SPAN_OF(public_value),
                                        .g = SPAN_OF(two),
                                        .list = { buf_span(&entries) } };
    must(server_hello_encode(&hello, &body));
    put_frame(out, FRAME_SERVER_HELLO, &body);
}

static void put_client_hello(struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct client_hello hello = { .random = { 2 }, .dh_public = SPAN_OF(public_value) };
    must(client_hello_encode(&hello, &body));
    put_frame(out, FRAME_CLIENT_HELLO, &body);
}

static void put_server_auth(const struct login *login, struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct server_auth auth = { .ca_certificate = login->server,
                                      .certificate = login->server };
    must(server_auth_encode_body(&auth, &body));
    static const uint8_t signature[LIMIT_SIGNATURE_MIN], finished[SERVER_AUTH_FINISHED];
    must(frame_put_header(out, FRAME_SERVER_AUTH,
                          2 + sizeof(public_value) + body.len + 2 + sizeof(signature) +
                              sizeof(finished) + tag));
    struct wire_out w = wire_out(out);
    wire_put_vec16(&w, SPAN_OF(public_value), 0, sizeof(public_value));
    wire_put_bytes(&w, buf_span(&body));
    wire_put_vec16(&w, SPAN_OF(signature), 0, sizeof(signature));
    wire_put_bytes(&w, SPAN_OF(finished));
    must(wire_out_end(&w));
}

static void put_client_auth(const struct login *login, struct buf *out)
{
    struct client_auth auth = { .kind = login->kind,
                                .certificate = login->certificate,
                                .request = login->certificate };
    memcpy(auth.name.text, "maria", 5);
    must(frame_put_header(out, FRAME_CLIENT_AUTH, LIMIT_CLIENT_AUTH + tag));
    must(client_auth_encode_body(&auth, out));
}

void login_make(const struct login *login, struct login_transcript *t)
{
    login_transcript_clear(t);
    put_server_hello(login, &t->bytes);
    t->at[LOGIN_CLIENT_HELLO] = t->bytes.len;
    put_client_hello(&t->bytes);
    t->at[LOGIN_SERVER_AUTH] = t->bytes.len;
    put_server_auth(login, &t->bytes);
    t->at[LOGIN_CLIENT_AUTH] = t->bytes.len;
    put_client_auth(login, &t->bytes);
    t->at[LOGIN_PARTS] = t->bytes.len;
}

void login_sign(EVP_PKEY *key, struct span transcript, struct buf *signature)
{
    uint8_t digest[HASH_LEN];
    buf_reset(signature);
    must(hash_sha256(transcript, digest));
    must(rsa_sign(key, RSA_CLIENT_HANDSHAKE, digest, signature));
}
