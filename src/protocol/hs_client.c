/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hex.h"
#include "protocol/actions.h"
#include "wire/client_hello.h"
#include "wire/server_hello.h"

/* What the client does at each step.  PROTOCOL.md 4 and 5. */

static const char server_name[] = "relay";

enum mlt_err hs_client_take_server_hello(struct handshake *hs, const struct frame *frame)
{
    struct server_hello hello = { 0 };
    TRY(server_hello_decode(frame->body, &hello));
    hex_encode(span_of(hello.random, (sizeof(hs->id) - 1) / 2), hs->id);
    TRY(dh_group_from_params(hello.p, hello.g, &hs->group));
    ENSURE(hs->group >= hs->client->min_group, MLT_ERR_GROUP);
    /* PROTOCOL.md 3.2: entries of the typed list are skipped, but hashed. */
    TRY(transcript_add(&hs->transcript, frame->header));
    return transcript_add(&hs->transcript, frame->body);
}

enum mlt_err hs_client_offer(struct handshake *hs, const struct frame *frame)
{
    struct client_hello hello = { 0 };
    CLEANUP(buf_clear) struct buf public = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(hs_make_ephemeral(hs, frame));
    TRY(env_random(hs->client->env, hello.random, sizeof(hello.random)));
    TRY(dh_key_public(hs->ephemeral, hs->group, &public));
    hello.dh_public = buf_span(&public);
    TRY(client_hello_encode(&hello, &body));
    return hs_put_hello(hs, FRAME_CLIENT_HELLO, buf_span(&body));
}

/* Kept as it came: the keys to open it are the next step's, perhaps on another thread. */
enum mlt_err hs_client_take_server_auth(struct handshake *hs, const struct frame *frame)
{
    struct server_auth_frame apart = { 0 };
    TRY(server_auth_frame_decode(frame->body, dh_group_size(hs->group), &apart));
    TRY(buf_put(&hs->peer_public, apart.dh_public));
    TRY(buf_put(&hs->received, frame->header));
    return buf_put(&hs->received, frame->body);
}

enum mlt_err hs_client_derive(struct handshake *hs, const struct frame *frame)
{
    (void)frame;
    struct server_auth_frame apart = { 0 };
    struct span received = buf_span(&hs->received);
    TRY(server_auth_frame_decode(span_from(received, FRAME_HEADER), dh_group_size(hs->group),
                                 &apart));
    struct span in_clear = span_of(received.p, FRAME_HEADER + apart.dh_field.n);
    TRY(transcript_add(&hs->transcript, in_clear));
    TRY(hs_derive(hs));
    /* The server had these keys before it sealed what we are about to open. */
    hs->send.on = true;

    CLEANUP(buf_clear) struct buf plain = { 0 };
    TRY(hs_open(hs, in_clear, apart.sealed, &plain));
    buf_reset(&hs->received);
    TRY(buf_put(&hs->received, buf_span(&plain)));
    return server_auth_split(buf_span(&hs->received), &hs->server_auth, &hs->server_parts);
}

static enum mlt_err check_not_revoked(const struct hs_client_config *config,
                                      const struct cert *server)
{
    bool is_revoked = false;
    if (config->is_revoked != NULL)
        TRY(config->is_revoked(config->revoked_ctx, server->fields.serial, &is_revoked));
    return is_revoked ? MLT_ERR_CERT_REVOKED : MLT_OK;
}

/* A clock that is behind by less than an hour is the CA's signed times' to judge.  PROTOCOL.md 11.6
 */
static enum mlt_err read_server(const struct handshake *hs, const struct cert *ca,
                                struct cert *server)
{
    int64_t now_s = env_wall_ms(hs->client->env) / 1000;
    return cert_read_leaf_late(hs->server_auth.certificate, ca, CERT_SERVER, now_s, server);
}

/*
 * Trust in this order: the CA by its pin; the certificate by the CA, its role, its time and that it
 * was not revoked; only then the signature.  What a certificate of another role or time signed
 * proves nothing.
 */
static enum mlt_err read_certificates(struct handshake *hs)
{
    const struct hs_client_config *config = hs->client;
    struct hs_result *r = &hs->result;
    TRY(cert_read_ca(hs->server_auth.ca_certificate, config->pin, &r->ca));
    TRY(read_server(hs, &r->ca, &r->peer));
    ENSURE(strcmp(r->peer.fields.realm, r->ca.fields.realm) == 0, MLT_ERR_CERT_FOREIGN);
    ENSURE(span_eq(name_span(&r->peer.fields.name), span_str(server_name)), MLT_ERR_CERT_ROLE);
    TRY(check_not_revoked(config, &r->peer));
    return buf_put(&r->ca_der, hs->server_auth.ca_certificate);
}

enum mlt_err hs_client_verify(struct handshake *hs, const struct frame *frame)
{
    (void)frame;
    uint8_t digest[HASH_LEN];
    TRY(read_certificates(hs));
    TRY(transcript_add(&hs->transcript, hs->server_parts.body));
    TRY(transcript_digest(&hs->transcript, digest));
    TRY(rsa_verify(hs->result.peer.key, RSA_SERVER_HANDSHAKE, digest, hs->server_parts.signature));
    return hs_check_finished(hs, &hs->schedule.server, hs->server_parts.signature_field,
                             hs->server_parts.finished);
}

/* The token itself never travels.  PROTOCOL.md 5.5 */
static enum mlt_err prove_invite(const struct handshake *hs, struct client_auth *auth)
{
    const struct hs_client_config *config = hs->client;
    const struct cert *ca = &hs->result.ca;
    uint8_t key_hash[HASH_LEN];
    CLEANUP(buf_clear) struct buf input = { 0 };
    TRY(rsa_public_hash(config->key, key_hash));
    TRY(invite_proof_input(ca->spki_hash, &config->name, span_str(ca->fields.realm), key_hash,
                           &input));
    const struct span covered = buf_span(&input);
    TRY(hash_hmac(SPAN_OF(config->invite->token), &covered, 1, auth->proof));
    memcpy(auth->invite_id, config->invite->id, INVITE_ID);
    auth->has_invite = true;
    return MLT_OK;
}

static enum mlt_err make_body(const struct handshake *hs, struct buf *body)
{
    const struct hs_client_config *config = hs->client;
    struct client_auth auth = { .kind = config->kind, .features = config->features };
    CLEANUP(buf_clear) struct buf request = { 0 };
    if (config->kind == CLIENT_AUTH_ENROL) {
        TRY(request_make(config->key, &config->name, &request));
        auth.name = config->name;
        auth.request = buf_span(&request);
        if (config->invite != NULL)
            TRY(prove_invite(hs, &auth));
    } else {
        auth.certificate = config->certificate;
    }
    return client_auth_encode_body(&auth, body);
}

static enum mlt_err put_signed(struct handshake *hs, struct buf *plain)
{
    uint8_t digest[HASH_LEN];
    uint8_t finished[HASH_LEN];
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    TRY(make_body(hs, &body));

    /* PROTOCOL.md 5.3: the signature covers the whole body, Finished the signature too. */
    TRY(transcript_add(&hs->transcript, buf_span(&body)));
    TRY(transcript_digest(&hs->transcript, digest));
    TRY(rsa_sign(hs->client->key, RSA_CLIENT_HANDSHAKE, digest, &signature));
    TRY(transcript_add_vec16(&hs->transcript, buf_span(&signature)));
    TRY(transcript_digest(&hs->transcript, digest));
    TRY(schedule_finished(&hs->schedule.client, digest, finished));
    TRY(transcript_add(&hs->transcript, SPAN_OF(finished)));

    const struct client_auth_parts parts = {
        .body = buf_span(&body),
        .signature = buf_span(&signature),
        .finished = SPAN_OF(finished),
    };
    return client_auth_join(&parts, plain);
}

enum mlt_err hs_client_sign(struct handshake *hs, const struct frame *frame)
{
    (void)frame;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    CLEANUP(buf_clear) struct buf header = { 0 };
    TRY(frame_put_header(&header, FRAME_CLIENT_AUTH, LIMIT_CLIENT_AUTH + ETM_TAG));
    TRY(transcript_add(&hs->transcript, buf_span(&header)));
    TRY(put_signed(hs, &plain));
    TRY(hs_seal(hs, buf_span(&header), buf_span(&plain), &sealed));
    TRY(buf_put(&hs->out, buf_span(&header)));
    TRY(buf_put(&hs->out, buf_span(&sealed)));
    hs->result.features = hs->client->features;
    return hs_derive_session(hs);
}
