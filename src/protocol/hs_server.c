/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hex.h"
#include "protocol/actions.h"
#include "wire/client_hello.h"
#include "wire/server_hello.h"

/* What the server does at each step.  PROTOCOL.md 4 and 5. */

enum mlt_err hs_server_hello(struct handshake *hs, const struct frame *frame)
{
    (void)frame;
    struct server_hello hello = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf entries = { 0 };
    const struct typed_entry nonce = { SERVER_HELLO_MAILBOX_NONCE, SPAN_OF(hs->nonce) };
    if (hs->has_nonce)
        TRY(typed_list_add(&entries, &nonce));
    hello.list.entries = buf_span(&entries);
    TRY(env_random(hs->server->env, hello.random, sizeof(hello.random)));
    dh_group_params(hs->group, &hello.p, &hello.g);
    TRY(server_hello_encode(&hello, &body));
    hex_encode(span_of(hello.random, (sizeof(hs->id) - 1) / 2), hs->id);
    return hs_put_hello(hs, FRAME_SERVER_HELLO, buf_span(&body));
}

enum mlt_err hs_server_take_client_hello(struct handshake *hs, const struct frame *frame)
{
    struct client_hello hello = { 0 };
    struct typed_entry entry;
    TRY(client_hello_decode(frame->body, dh_group_size(hs->group), &hello));
    /* PROTOCOL.md 3.2: this version defines no entry a client could send. */
    ENSURE(!typed_list_next(&hello.list, &entry), MLT_ERR_UNEXPECTED);
    TRY(transcript_add(&hs->transcript, frame->header));
    TRY(transcript_add(&hs->transcript, frame->body));
    return buf_put(&hs->peer_public, hello.dh_public);
}

static enum mlt_err put_public(struct handshake *hs, struct buf *field)
{
    CLEANUP(buf_clear) struct buf public = { 0 };
    TRY(dh_key_public(hs->ephemeral, hs->group, &public));
    struct wire_out w = wire_out(field);
    wire_put_vec16(&w, buf_span(&public), dh_group_size(hs->group), dh_group_size(hs->group));
    return wire_out_end(&w);
}

static size_t server_auth_size(const struct handshake *hs)
{
    const struct hs_server_config *config = hs->server;
    const size_t lengths = 2 + 2 + 2 + 2 + 2; /* Ys, certificates, list, signature */
    return lengths + dh_group_size(hs->group) + config->ca_der.n + config->server_der.n +
           rsa_signature_size(config->server_key) + SERVER_AUTH_FINISHED + ETM_TAG;
}

/* Frame header and Ys are in the clear and in the transcript before any key exists. */
enum mlt_err hs_server_derive(struct handshake *hs, const struct frame *frame)
{
    (void)frame;
    TRY(frame_put_header(&hs->in_clear, FRAME_SERVER_AUTH, server_auth_size(hs)));
    TRY(put_public(hs, &hs->in_clear));
    TRY(transcript_add(&hs->transcript, buf_span(&hs->in_clear)));
    return hs_derive(hs);
}

static enum mlt_err put_signed(struct handshake *hs, struct buf *plain)
{
    uint8_t digest[HASH_LEN];
    uint8_t finished[HASH_LEN];
    CLEANUP(buf_clear) struct buf signature = { 0 };
    const struct server_auth auth = {
        .ca_certificate = hs->server->ca_der,
        .certificate = hs->server->server_der,
    };
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(server_auth_encode_body(&auth, &body));

    /* PROTOCOL.md 5.3: the signature covers all up to the list, Finished the signature too. */
    TRY(transcript_add(&hs->transcript, buf_span(&body)));
    TRY(transcript_digest(&hs->transcript, digest));
    TRY(rsa_sign(hs->server->server_key, RSA_SERVER_HANDSHAKE, digest, &signature));
    TRY(transcript_add_vec16(&hs->transcript, buf_span(&signature)));
    TRY(transcript_digest(&hs->transcript, digest));
    TRY(schedule_finished(&hs->schedule.server, digest, finished));
    TRY(transcript_add(&hs->transcript, SPAN_OF(finished)));

    const struct server_auth_parts parts = {
        .body = buf_span(&body),
        .signature = buf_span(&signature),
        .finished = SPAN_OF(finished),
    };
    return server_auth_join(&parts, plain);
}

enum mlt_err hs_server_sign(struct handshake *hs, const struct frame *frame)
{
    (void)frame;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    TRY(put_signed(hs, &plain));
    TRY(hs_seal(hs, buf_span(&hs->in_clear), buf_span(&plain), &sealed));
    ENSURE(hs->in_clear.len + sealed.len == FRAME_HEADER + server_auth_size(hs), MLT_ERR_STATE);
    TRY(buf_put(&hs->out, buf_span(&hs->in_clear)));
    TRY(buf_put(&hs->out, buf_span(&sealed)));
    /* Only from here on can the client open what we seal. */
    hs->send.on = true;
    return MLT_OK;
}

enum mlt_err hs_server_take_client_auth(struct handshake *hs, const struct frame *frame)
{
    TRY(hs_open(hs, frame->header, frame->body, &hs->received));
    TRY(client_auth_split(buf_span(&hs->received), &hs->client_auth, &hs->client_parts));
    return transcript_add(&hs->transcript, frame->header);
}

/* A certificate out of its time is a verdict to tell its holder, once he has proven the key.  One
 * that begins within the hour says that our clock is late: PROTOCOL.md 11.6. */
static enum mlt_err read_certificate(struct handshake *hs, EVP_PKEY **key)
{
    const struct cert *ca = hs->server->ca;
    int64_t now_s = env_wall_ms(hs->server->env) / 1000;
    enum mlt_err err =
        cert_read_leaf_late(hs->client_auth.certificate, ca, CERT_CLIENT, now_s, &hs->result.peer);
    bool out_of_time = err == MLT_ERR_CERT_EXPIRED || err == MLT_ERR_CERT_NOT_YET;
    ENSURE(err == MLT_OK || out_of_time, err);
    ENSURE(strcmp(hs->result.peer.fields.realm, ca->fields.realm) == 0, MLT_ERR_CERT_FOREIGN);
    hs->result.peer_verdict = err;
    return rsa_key_share(hs->result.peer.key, key);
}

static enum mlt_err read_request(struct handshake *hs, EVP_PKEY **key)
{
    CLEANUP(request_clear) struct request request = { 0 };
    TRY(request_read(hs->client_auth.request, &request));
    ENSURE(name_eq(&request.name, &hs->client_auth.name), MLT_ERR_REQUEST);
    return rsa_key_share(request.key, key);
}

/* What ca will want to see of a login that gets mail; nobody else's is worth the memory. */
static enum mlt_err keep_proof(struct handshake *hs)
{
    CLEANUP(buf_clear) struct buf kept = { 0 };
    transcript_take_kept(&hs->transcript, &kept);
    if (hs->client_auth.kind != CLIENT_AUTH_RECEIVE || kept.len == 0)
        return MLT_OK;
    TRY(buf_put(&hs->result.signature, hs->client_parts.signature));
    hs->result.transcript = kept;
    kept = (struct buf) { 0 };
    return MLT_OK;
}

enum mlt_err hs_server_verify(struct handshake *hs, const struct frame *frame)
{
    (void)frame;
    uint8_t digest[HASH_LEN];
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    bool enrols = hs->client_auth.kind == CLIENT_AUTH_ENROL;
    TRY(enrols ? read_request(hs, &key) : read_certificate(hs, &key));
    TRY(transcript_add(&hs->transcript, hs->client_parts.body));
    TRY(transcript_digest(&hs->transcript, digest));
    TRY(rsa_verify(key, RSA_CLIENT_HANDSHAKE, digest, hs->client_parts.signature));
    TRY(keep_proof(hs));
    TRY(hs_check_finished(hs, &hs->schedule.client, hs->client_parts.signature_field,
                          hs->client_parts.finished));
    TRY(hs_derive_session(hs));
    hs->result.features = hs->client_auth.features;
    hs->client_verified = true;
    return MLT_OK;
}
