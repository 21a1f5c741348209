/* SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include <openssl/bn.h>
#include <string.h>

#include "crypto/kdf.h"
#include "crypto/rsa.h"
#include "must.h"
#include "protocol/actions.h"
#include "sheet.h"
#include "steps.h"
#include "wire/client_hello.h"
#include "wire/server_hello.h"
#include "wire/welcome.h"

/* Everything is computed from the inputs; the frames of the real machines have to agree. */
struct run {
    const struct given *g;
    struct connection *c;
    struct buf transcript; /* what T hashes */
    size_t dh_size;
    struct buf z;
    struct secret hs, master, s_hs, c_hs;
};

static void run_clear(struct run *r)
{
    buf_clear(&r->transcript);
    buf_clear(&r->z);
    secret_clear(&r->hs);
    secret_clear(&r->master);
    secret_clear(&r->s_hs);
    secret_clear(&r->c_hs);
}

static void put_transcript(struct run *r, struct span s)
{
    must_ok(buf_put(&r->transcript, s));
}

static struct span digest(const struct run *r, uint8_t hash[static HASH_LEN])
{
    return step_hash(buf_span(&r->transcript), hash);
}

static struct span frame_body(const struct buf *frame)
{
    return span_from(buf_span(frame), FRAME_HEADER);
}

static const char *key_name(const struct given *g, const EVP_PKEY *key)
{
    for (int i = 0; i < KEY_COUNT; i++)
        if (g->keys[i] == key)
            return given_key_names[i];
    return "none";
}

static void put_key(const struct run *r, const char *name, EVP_PKEY *key)
{
    CLEANUP(secret_clear) struct secret der = { 0 };
    char where[64];
    snprintf(where, sizeof where, "14.1, %s", key_name(r->g, key));
    must_ok(rsa_private_encode(key, &der));
    sheet_hex_elsewhere(name, secret_span(&der), where);
}

static void put_given_hellos(const struct run *r)
{
    struct server_hello sh = { 0 };
    struct client_hello ch = { 0 };
    must_ok(server_hello_decode(frame_body(&r->c->server_hello), &sh));
    must_ok(client_hello_decode(frame_body(&r->c->client_hello), r->dh_size, &ch));
    sheet_text("group", dh_group_name(r->c->server_config.group));
    sheet_hex("server random", SPAN_OF(sh.random));
    if (r->c->nonce != NULL)
        sheet_hex("nonce", span_of(r->c->nonce, MAILBOX_NONCE));
    sheet_hex("client random", SPAN_OF(ch.random));
    sheet_hex("x_s", buf_span(&r->c->x_s));
    sheet_hex("x_c", buf_span(&r->c->x_c));
}

static void put_given_client(const struct run *r)
{
    const struct hs_client_config *client = &r->c->client_config;
    sheet_int("kind", client->kind);
    put_key(r, "client private key", client->key);
    if (client->kind != CLIENT_AUTH_ENROL) {
        sheet_hex_elsewhere("client certificate", client->certificate, "14.2, client");
    } else {
        sheet_text("client name", client->name.text);
        sheet_hex("invite id", SPAN_OF(client->invite->id));
        sheet_hex("token", SPAN_OF(client->invite->token));
    }
    sheet_int("features", client->features);
}

static void put_given(const struct run *r)
{
    const struct hs_server_config *server = &r->c->server_config;
    sheet_group("given", "x_s and x_c are the Diffie-Hellman exponents, Ys = 2^x_s mod p.");
    put_given_hellos(r);
    sheet_int("time, ms", (uint64_t)env_wall_ms(server->env));
    sheet_text("realm", GIVEN_REALM);
    sheet_hex("CA fingerprint", SPAN_OF(r->g->ca.spki_hash));
    sheet_hex_elsewhere("CA certificate", server->ca_der, "14.2, CA");
    sheet_hex_elsewhere("server certificate", server->server_der, "14.2, server");
    put_key(r, "server private key", server->server_key);
    put_given_client(r);
    sheet_group_end();
}

static void put_hellos(struct run *r)
{
    struct client_hello ch = { 0 };
    sheet_group("ServerHello", NULL);
    sheet_hex("frame", buf_span(&r->c->server_hello));
    sheet_group_end();
    sheet_group("ClientHello", NULL);
    must_ok(client_hello_decode(frame_body(&r->c->client_hello), r->dh_size, &ch));
    sheet_hex_json("Yc", ch.dh_public);
    sheet_hex("frame", buf_span(&r->c->client_hello));
    sheet_group_end();
    put_transcript(r, buf_span(&r->c->server_hello));
    put_transcript(r, buf_span(&r->c->client_hello));
}

/* y^x mod p, by libcrypto's numbers alone. */
static void power(struct span y, struct span x, enum dh_group group, struct buf *z)
{
    struct span p, g;
    uint8_t *at = NULL;
    dh_group_params(group, &p, &g);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *base = BN_bin2bn(y.p != NULL ? y.p : g.p, (int)(y.p != NULL ? y.n : g.n), NULL);
    BIGNUM *exponent = BN_bin2bn(x.p, (int)x.n, NULL);
    BIGNUM *modulus = BN_bin2bn(p.p, (int)p.n, NULL);
    BIGNUM *result = BN_new();
    must(BN_mod_exp(result, base, exponent, modulus, ctx) == 1);
    must_ok(buf_extend(z, p.n, &at));
    must(BN_bn2binpad(result, at, (int)p.n) == (int)p.n);
    BN_free(base);
    BN_free(exponent);
    BN_free(modulus);
    BN_free(result);
    BN_CTX_free(ctx);
}

/* Both values from their exponents, and Z from either side. */
static void exchange(struct run *r, struct span ys, struct span yc)
{
    const struct span generator = { 0 };
    enum dh_group group = r->c->server_config.group;
    CLEANUP(buf_clear) struct buf public_s = { 0 };
    CLEANUP(buf_clear) struct buf public_c = { 0 };
    CLEANUP(buf_clear) struct buf other = { 0 };
    power(generator, buf_span(&r->c->x_s), group, &public_s);
    power(generator, buf_span(&r->c->x_c), group, &public_c);
    must(span_eq(buf_span(&public_s), ys) && span_eq(buf_span(&public_c), yc));
    power(yc, buf_span(&r->c->x_s), group, &r->z);
    power(ys, buf_span(&r->c->x_c), group, &other);
    must(span_eq(buf_span(&r->z), buf_span(&other)));
}

static void put_schedule(struct run *r)
{
    static const uint8_t zeros[KDF_LEN];
    const struct span none = { 0 };
    uint8_t th1[HASH_LEN];
    CLEANUP(secret_clear) struct secret derived = { 0 };
    struct span t = digest(r, th1);
    sheet_hex("Z", buf_span(&r->z));
    sheet_hex("th1", t);
    must_ok(kdf_extract(SPAN_OF(zeros), buf_span(&r->z), &r->hs));
    sheet_hex("hs", secret_span(&r->hs));
    step_expand(&r->hs, "s hs", t, &r->s_hs);
    step_keys("s_hs", &r->s_hs);
    step_expand(&r->hs, "c hs", t, &r->c_hs);
    step_keys("c_hs", &r->c_hs);
    step_expand(&r->hs, "derived", none, &derived);
    sheet_hex("derived", secret_span(&derived));
    must_ok(kdf_extract(secret_span(&derived), SPAN_OF(zeros), &r->master));
    sheet_hex("master", secret_span(&r->master));
}

/* ServerAuth up to its seal. */
static struct span put_keys(struct run *r)
{
    struct server_auth_frame apart = { 0 };
    struct client_hello ch = { 0 };
    must_ok(server_auth_frame_decode(frame_body(&r->c->server_auth), r->dh_size, &apart));
    must_ok(client_hello_decode(frame_body(&r->c->client_hello), r->dh_size, &ch));
    struct span header = span_of(r->c->server_auth.p, FRAME_HEADER + apart.dh_field.n);
    put_transcript(r, header);
    exchange(r, apart.dh_public, ch.dh_public);
    sheet_group("keys", NULL);
    sheet_hex_json("Ys", apart.dh_public);
    put_schedule(r);
    sheet_group_end();
    return header;
}

/* What both Auth messages share: fields, signature, Finished. */
struct signing {
    const char *fields_name, *signed_name, *finished_name;
    struct span fields, signature_field, signature, finished;
    EVP_PKEY *key;
    enum rsa_purpose purpose;
    const char *message; /* the prefix, with its NUL */
    const struct secret *traffic;
};

static void put_signed(struct run *r, const struct signing *s)
{
    uint8_t hash[HASH_LEN];
    uint8_t salt[HASH_LEN];
    CLEANUP(buf_clear) struct buf message = { 0 };
    put_transcript(r, s->fields);
    struct span t = digest(r, hash);
    sheet_hex(s->signed_name, t);
    must_ok(buf_put(&message, span_of(s->message, strlen(s->message) + 1)));
    must_ok(buf_put(&message, t));
    sheet_hex("signed message", buf_span(&message));
    must_ok(rsa_verify(s->key, s->purpose, hash, s->signature));
    step_pss_salt(s->key, s->signature, salt);
    sheet_hex("salt", SPAN_OF(salt));
    sheet_hex("signature", s->signature);
}

static void put_finished(struct run *r, const struct signing *s)
{
    const struct span none = { 0 };
    uint8_t hash[HASH_LEN];
    uint8_t mac[HASH_LEN];
    CLEANUP(secret_clear) struct secret key = { 0 };
    put_transcript(r, s->signature_field);
    struct span t = digest(r, hash);
    sheet_hex(s->finished_name, t);
    step_expand(s->traffic, "finished", none, &key);
    sheet_hex("finished key", secret_span(&key));
    must_ok(hash_hmac(secret_span(&key), &t, 1, mac));
    must(span_eq(SPAN_OF(mac), s->finished));
    sheet_hex("finished", s->finished);
    put_transcript(r, s->finished);
}

static void put_auth(struct run *r, const struct signing *s)
{
    sheet_hex(s->fields_name, s->fields);
    put_signed(r, s);
    put_finished(r, s);
}

static void open_frame(const struct secret *traffic, struct span header, const struct buf *frame,
                       struct buf *plain)
{
    CLEANUP(etm_clear) struct etm etm = { 0 };
    must_ok(etm_init(&etm, traffic));
    must_ok(etm_open(&etm, 0, header, span_from(buf_span(frame), header.n), plain));
}

static void put_auth_seal(const struct secret *traffic, struct span header, const struct buf *frame,
                          struct span plain)
{
    const struct sealing sealing = {
        .print = SEAL_IN_PARTS,
        .traffic = traffic,
        .header = header,
        .plain = plain,
        .sealed = span_from(buf_span(frame), header.n),
    };
    step_seal(&sealing);
    sheet_hex_json("frame", buf_span(frame));
}

static void put_server_auth(struct run *r, struct span header)
{
    struct server_auth auth = { 0 };
    struct server_auth_parts parts = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    open_frame(&r->s_hs, header, &r->c->server_auth, &plain);
    must_ok(server_auth_split(buf_span(&plain), &auth, &parts));
    const struct signing signing = {
        .fields_name = "CA certificate ... typed list",
        .signed_name = "T(ServerHello ... typed list)",
        .finished_name = "T(ServerHello ... signature)",
        .fields = parts.body,
        .signature_field = parts.signature_field,
        .signature = parts.signature,
        .finished = parts.finished,
        .key = r->c->server_config.server_key,
        .purpose = RSA_SERVER_HANDSHAKE,
        .message = "malote v1 server handshake",
        .traffic = &r->s_hs,
    };
    sheet_group("ServerAuth", "Sealed under s_hs. The plaintext is the fields up to the typed "
                              "list, vec16 signature, finished.");
    put_auth(r, &signing);
    put_auth_seal(&r->s_hs, header, &r->c->server_auth, buf_span(&plain));
    sheet_group_end();
}

static void put_enrolment(const struct run *r, const struct client_auth *auth)
{
    const struct hs_client_config *client = &r->c->client_config;
    uint8_t key_hash[HASH_LEN];
    uint8_t mac[HASH_LEN];
    CLEANUP(buf_clear) struct buf input = { 0 };
    must_ok(rsa_public_hash(client->key, key_hash));
    must_ok(invite_proof_input(r->g->ca.spki_hash, &client->name, span_str(GIVEN_REALM), key_hash,
                               &input));
    struct span covered = buf_span(&input);
    must_ok(hash_hmac(SPAN_OF(client->invite->token), &covered, 1, mac));
    must(span_eq(SPAN_OF(mac), SPAN_OF(auth->proof)));
    topic_request(auth->request, client->key);
    sheet_hex("proof input", covered);
    sheet_hex("proof", SPAN_OF(auth->proof));
}

static void put_client_auth(struct run *r)
{
    struct client_auth auth = { 0 };
    struct client_auth_parts parts = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    struct span header = span_of(r->c->client_auth.p, FRAME_HEADER);
    open_frame(&r->c_hs, header, &r->c->client_auth, &plain);
    must_ok(client_auth_split(buf_span(&plain), &auth, &parts));
    const struct signing signing = {
        .fields_name = "kind ... features",
        .signed_name = "T(ServerHello ... features)",
        .finished_name = "T(ServerHello ... signature)",
        .fields = parts.body,
        .signature_field = parts.signature_field,
        .signature = parts.signature,
        .finished = parts.finished,
        .key = r->c->client_config.key,
        .purpose = RSA_CLIENT_HANDSHAKE,
        .message = "malote v1 client handshake",
        .traffic = &r->c_hs,
    };
    sheet_group("ClientAuth",
                "Sealed under c_hs. The plaintext is the fields up to features, vec16 "
                "signature, finished, and zeros up to 8192 bytes.");
    if (auth.kind == CLIENT_AUTH_ENROL)
        put_enrolment(r, &auth);
    put_transcript(r, header);
    put_auth(r, &signing);
    put_auth_seal(&r->c_hs, header, &r->c->client_auth, buf_span(&plain));
    sheet_group_end();
}

static void put_session(struct run *r)
{
    uint8_t th2[HASH_LEN];
    CLEANUP(secret_clear) struct secret s_ap = { 0 };
    CLEANUP(secret_clear) struct secret c_ap = { 0 };
    struct span t = digest(r, th2);
    sheet_group("session", NULL);
    sheet_hex("th2", t);
    step_expand(&r->master, "s ap", t, &s_ap);
    step_keys("s_ap[0]", &s_ap);
    step_expand(&r->master, "c ap", t, &c_ap);
    step_keys("c_ap[0]", &c_ap);
    sheet_group_end();
    must(span_eq(secret_span(&s_ap), secret_span(&r->c->server_result.send)));
    must(span_eq(secret_span(&c_ap), secret_span(&r->c->server_result.receive)));
}

struct welcome welcome_of_login(const struct given *g)
{
    return (struct welcome) {
        .result = WELCOME_LOGGED_IN,
        .server_time_ms = env_wall_ms(&g->env),
        .max_body = LIMIT_BODY,
        .silence_ms = LIMIT_SILENCE_MS,
    };
}

/* The server's first record, from a session of its own; the client opens it in another. */
static void put_welcome(struct run *r, const struct welcome *welcome)
{
    const struct env *env = r->c->server_config.env;
    CLEANUP(session_clear) struct session server = { 0 };
    CLEANUP(session_clear) struct session client = { 0 };
    CLEANUP(secret_clear) struct secret s_ap = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf frame = { 0 };
    CLEANUP(buf_clear) struct buf got = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    struct hs_result *sr = &r->c->server_result, *cr = &r->c->client_result;
    size_t used = 0;
    enum record_kind kind = 0;
    must_ok(secret_copy(&s_ap, secret_span(&sr->send)));
    must_ok(welcome_encode(welcome, &body));
    must_ok(session_init(&server, env, &session_default_limits, &sr->send, &sr->receive));
    must_ok(session_seal(&server, RECORD_WELCOME, buf_span(&body), &frame));
    connection_see_record(r->c, buf_span(&frame));
    must_ok(session_init(&client, env, &session_default_limits, &cr->send, &cr->receive));
    must_ok(session_open(&client, buf_span(&frame), &used, &kind, &got, &out));
    must(kind == RECORD_WELCOME && span_eq(buf_span(&got), buf_span(&body)));

    must_ok(buf_put_u8(&plain, RECORD_WELCOME));
    must_ok(buf_put(&plain, buf_span(&body)));
    struct span header = span_of(frame.p, FRAME_HEADER);
    const struct sealing sealing = {
        .traffic = &s_ap,
        .header = header,
        .plain = buf_span(&plain),
        .sealed = span_from(buf_span(&frame), FRAME_HEADER),
    };
    sheet_group("Welcome", "The first record, under s_ap[0].");
    step_seal(&sealing);
    sheet_hex_json("frame", buf_span(&frame));
    sheet_group_end();
}

void handshake_case(const struct given *g, struct connection *c, const struct welcome *welcome,
                    const char *name, const char *comment)
{
    CLEANUP(run_clear)
    struct run r = { .g = g, .c = c, .dh_size = dh_group_size(c->server_config.group) };
    connection_hellos(c);
    connection_server_auth(c);
    connection_take_server_auth(c);
    connection_client_auth(c);
    connection_finish(c);

    sheet_case(name, comment);
    put_given(&r);
    put_hellos(&r);
    struct span header = put_keys(&r);
    put_server_auth(&r, header);
    put_client_auth(&r);
    put_session(&r);
    put_welcome(&r, welcome);
    sheet_case_end();
}
