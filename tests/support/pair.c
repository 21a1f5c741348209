/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "wire/welcome.h"

#define must(expr)                                                                                 \
    do {                                                                                           \
        if (!(expr)) {                                                                             \
            fprintf(stderr, "pair.c:%d: %s\n", __LINE__, #expr);                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define must_ok(expr) must((expr) == MLT_OK)

static const int64_t start_wall_ms = INT64_C(1795359274000); /* 2026-11-22 */

static int64_t wall_ms(void *ctx)
{
    return ((struct pair_env *)ctx)->wall_ms;
}

static int64_t mono_ms(void *ctx)
{
    return ((struct pair_env *)ctx)->mono_ms;
}

/* splitmix64: enough for nonces of a test, and the same every time. */
static enum mlt_err repeatable(void *ctx, uint8_t *out, size_t n)
{
    struct pair_env *e = ctx;
    for (size_t i = 0; i < n; i++) {
        e->seed += 0x9e3779b97f4a7c15;
        uint64_t z = e->seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        out[i] = (uint8_t)(z >> 32);
    }
    return MLT_OK;
}

void pair_env_start(struct pair_env *e)
{
    *e = (struct pair_env) { .wall_ms = start_wall_ms, .mono_ms = 1000, .seed = 1 };
    e->env =
        (struct env) { .ctx = e, .wall_ms = wall_ms, .mono_ms = mono_ms, .random = repeatable };
}

static void sign(const struct cert_fields *fields, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by,
                 struct buf *der)
{
    X509 *x = X509_new();
    must(x != NULL);
    must_ok(profile_build(fields, key, issuer, x));
    must_ok(profile_sign(x, by));
    must_ok(cert_der(x, der));
    X509_free(x);
}

static void fill(enum cert_role role, const char *name, struct cert_fields *fields)
{
    static uint8_t serial;
    *fields = (struct cert_fields) { .role = role, .realm = PAIR_REALM, .serial = { 0x11 } };
    fields->serial[CERT_SERIAL - 1] = ++serial;
    fields->not_before_s = start_wall_ms / 1000 - LIMIT_BACKDATE_S;
    fields->not_after_s = start_wall_ms / 1000 + 86400;
    if (role == CERT_CA)
        fields->not_after_s = fields->not_before_s + LIMIT_CA_YEARS * INT64_C(31536000);
    else
        must_ok(name_parse(span_str(name), &fields->name));
}

void pair_forge_ca(EVP_PKEY *key, struct buf *der)
{
    struct cert_fields fields;
    fill(CERT_CA, NULL, &fields);
    sign(&fields, key, NULL, key, der);
}

void pair_issue(enum cert_role role, const char *name, EVP_PKEY *key, int64_t from_s,
                int64_t until_s, struct buf *der)
{
    struct pair_house *house = pair_house();
    struct cert_fields fields;
    fill(role, name, &fields);
    fields.not_before_s = from_s;
    fields.not_after_s = until_s;
    sign(&fields, key, house->ca.x509, house->ca_key, der);
}

void pair_issue_by(EVP_PKEY *ca_key, struct span ca_der, enum cert_role role, EVP_PKEY *key,
                   struct buf *der)
{
    struct cert ca = { 0 };
    struct cert_fields fields;
    must_ok(cert_read_ca(ca_der, NULL, &ca));
    fill(role, role == CERT_SERVER ? "relay" : PAIR_USER, &fields);
    sign(&fields, key, ca.x509, ca_key, der);
    cert_clear(&ca);
}

static struct pair_house the_house;

static void clear_house(void)
{
    struct pair_house *h = &the_house;
    rsa_key_free(&h->ca_key);
    rsa_key_free(&h->server_key);
    rsa_key_free(&h->client_key);
    rsa_key_free(&h->other_key);
    cert_clear(&h->ca);
    buf_clear(&h->ca_der);
    buf_clear(&h->server_der);
    buf_clear(&h->client_der);
}

struct pair_house *pair_house(void)
{
    struct pair_house *h = &the_house;
    bool locked;
    if (h->ca_key != NULL)
        return h;
    /* First of all libcrypto's generators: in the secure heap the leak sanitizer would not find
     * what hangs on them. */
    uint8_t byte;
    must(RAND_bytes(&byte, 1) == 1 && RAND_priv_bytes(&byte, 1) == 1);
    must_ok(secret_start(&locked));
    /* A test may be looked into: the leak sanitizer has to. */
    must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    must_ok(crypto_start());
    pair_env_start(&h->clock);
    must_ok(rsa_key_new(2048, &h->ca_key));
    must_ok(rsa_key_new(2048, &h->server_key));
    must_ok(rsa_key_new(2048, &h->client_key));
    must_ok(rsa_key_new(2048, &h->other_key));
    pair_forge_ca(h->ca_key, &h->ca_der);
    must_ok(cert_read_ca(buf_span(&h->ca_der), NULL, &h->ca));
    int64_t now_s = start_wall_ms / 1000;
    pair_issue(CERT_SERVER, "relay", h->server_key, now_s - 300, now_s + 86400, &h->server_der);
    pair_issue(CERT_CLIENT, PAIR_USER, h->client_key, now_s - 300, now_s + 86400, &h->client_der);
    must(atexit(clear_house) == 0);
    return h;
}

void pair_init(struct pair *p, enum client_auth_kind kind)
{
    struct pair_house *h = pair_house();
    *p = (struct pair) { 0 };
    p->server_config = (struct hs_server_config) {
        .env = &h->clock.env,
        .group = DH_FFDHE2048,
        .ca = &h->ca,
        .ca_der = buf_span(&h->ca_der),
        .server_der = buf_span(&h->server_der),
        .server_key = h->server_key,
    };
    p->client_config = (struct hs_client_config) {
        .env = &h->clock.env,
        .min_group = DH_FFDHE2048,
        .pin = h->ca.spki_hash,
        .key = h->client_key,
        .kind = kind,
        .certificate = buf_span(&h->client_der),
        .features = 5,
    };
    must_ok(name_parse(span_str(PAIR_USER), &p->client_config.name));
}

void pair_start(struct pair *p)
{
    must_ok(hs_server_new(&p->server_config, &p->server));
    must_ok(hs_client_new(&p->client_config, &p->client));
    must_ok(hs_begin(p->server, &p->to_client));
}

void pair_clear(struct pair *p)
{
    hs_free(&p->server);
    hs_free(&p->client);
    buf_clear(&p->to_client);
    buf_clear(&p->to_server);
    session_clear(&p->server_session);
    session_clear(&p->client_session);
    hs_result_clear(&p->server_result);
    hs_result_clear(&p->client_result);
}

static enum mlt_err move(struct handshake *hs, struct buf *in, struct buf *out)
{
    for (;;) {
        size_t used = 0;
        switch (hs_want(hs)) {
        case HS_WANT_EPHEMERAL:
        case HS_WANT_DERIVE:
        case HS_WANT_VERIFY:
        case HS_WANT_SIGN:
            hs_work(hs);
            TRY(hs_worked(hs, out));
            break;
        case HS_WANT_ISSUE:
            TRY(hs_issued(hs));
            break;
        case HS_WANT_INPUT:
            TRY(hs_input(hs, buf_span(in), &used, out));
            buf_drop(in, used);
            if (used == 0)
                return MLT_OK;
            break;
        case HS_WANT_SESSION:
        case HS_WANT_NOTHING:
            return MLT_OK;
        }
    }
}

enum mlt_err pair_move_server(struct pair *p)
{
    return move(p->server, &p->to_server, &p->to_client);
}

enum mlt_err pair_move_client(struct pair *p)
{
    return move(p->client, &p->to_client, &p->to_server);
}

enum mlt_err pair_handshake(struct pair *p)
{
    while (hs_want(p->server) != HS_WANT_SESSION) {
        size_t before = p->to_client.len + p->to_server.len;
        TRY(pair_move_client(p));
        TRY(pair_move_server(p));
        /* Nothing on the wire and nobody moving: it will not get better. */
        ENSURE(before != 0 || p->to_client.len + p->to_server.len != 0, MLT_ERR_TIMEOUT);
    }
    return MLT_OK;
}

void pair_run_to(struct pair *p, enum frame_type type)
{
    if (type == FRAME_SERVER_HELLO)
        return;
    must_ok(pair_move_client(p));
    if (type == FRAME_CLIENT_HELLO)
        return;
    must_ok(pair_move_server(p));
    if (type == FRAME_SERVER_AUTH)
        return;
    must_ok(pair_move_client(p));
    must(type == FRAME_CLIENT_AUTH);
}

static void change_plain(enum pair_edit edit, struct span change, struct buf *plain)
{
    if (edit == PAIR_OVERWRITE)
        for (size_t i = 0; i < change.n && i < plain->len; i++)
            plain->p[i] = change.p[i];
    if (edit == PAIR_XOR)
        for (size_t i = 0; i + 3 <= change.n; i += 3)
            plain->p[((size_t)change.p[i] << 8 | change.p[i + 1]) % plain->len] ^= change.p[i + 2];
}

bool pair_reseal(const struct secret *secret, size_t in_clear, enum pair_edit edit,
                 struct span change, struct buf *frame)
{
    CLEANUP(etm_clear) struct etm etm = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf before = { 0 };
    CLEANUP(buf_clear) struct buf made = { 0 };
    struct span header = span_of(frame->p, in_clear);
    must_ok(etm_init(&etm, secret));
    must_ok(etm_open(&etm, 0, header, span_from(buf_span(frame), in_clear), &plain));
    must_ok(buf_put(&before, buf_span(&plain)));
    change_plain(edit, change, &plain);
    must_ok(buf_put(&made, header));
    must_ok(etm_seal(&etm, 0, header, buf_span(&plain), &made));
    must(made.len == frame->len);
    buf_reset(frame);
    must_ok(buf_put(frame, buf_span(&made)));
    return !span_eq(buf_span(&before), buf_span(&plain));
}

static void send_welcome(struct pair *p)
{
    struct buf body = { 0 };
    const struct welcome welcome = { .result = WELCOME_LOGGED_IN };
    must_ok(welcome_encode(&welcome, &body));
    must_ok(session_seal(&p->server_session, RECORD_WELCOME, buf_span(&body), &p->to_client));
    buf_clear(&body);
}

static void read_welcome(struct pair *p)
{
    struct buf body = { 0 };
    size_t used = 0;
    enum record_kind kind = 0;
    must_ok(session_open(&p->client_session, buf_span(&p->to_client), &used, &kind, &body,
                         &p->to_server));
    must(kind == RECORD_WELCOME && used == p->to_client.len);
    buf_drop(&p->to_client, used);
    buf_clear(&body);
}

void pair_sessions(struct pair *p, const struct session_limits *limits)
{
    const struct env *env = p->server_config.env;
    struct hs_result *s = &p->server_result;
    struct hs_result *c = &p->client_result;
    must_ok(pair_handshake(p));
    must_ok(hs_take_result(p->server, s));
    must_ok(session_init(&p->server_session, env, limits, &s->send, &s->receive));
    send_welcome(p);
    must_ok(pair_move_client(p));
    must_ok(hs_take_result(p->client, c));
    must_ok(session_init(&p->client_session, env, limits, &c->send, &c->receive));
    read_welcome(p);
}
