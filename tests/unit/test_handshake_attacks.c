/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/bn.h>
#include <time.h>

#include "crypto/rsa.h"
#include "pair.h"
#include "pki/request.h"
#include "protocol/actions.h"
#include "wire/cursor.h"

/*
 * What an attacker may try, from either end and from between; the numbers are rows of the attack
 * list.  With --all every bit of every message is flipped, else a sample.
 */

static bool flip_all;

/* Every refusal before the keys are on looks like this, and nothing else is said. */
static const uint8_t plain_alert[] = { FRAME_ALERT, 0, 0, 1, ALERT_PROTOCOL };
enum { SEALED_ALERT = FRAME_HEADER + 1 + ETM_TAG };

static void expect_plain_alert(const struct handshake *hs, const struct buf *out)
{
    assert_span_equal(buf_span(out), SPAN_OF(plain_alert));
    assert_int_equal(hs->state, HS_STATE_FAILED);
}

static void expect_sealed_alert(const struct handshake *hs, const struct buf *out)
{
    assert_int_equal(out->len, SEALED_ALERT);
    assert_int_equal(out->p[0], FRAME_ALERT);
    assert_int_equal(hs->state, HS_STATE_FAILED);
}

/* ---- row 1: DH public values ---- */

enum { VALUE = 256, VALUES = 9 };

/* 0, 1, p-1, p, p+1, p+2, all ones, and two of order 2q. */
static void bad_values(uint8_t values[VALUES][VALUE])
{
    struct span p, g;
    dh_group_params(DH_FFDHE2048, &p, &g);
    BIGNUM *prime = BN_bin2bn(p.p, (int)p.n, NULL);
    static const int offsets[] = { -1, 0, 1, 2, -2, -4 };
    assert_non_null(prime);
    memset(values, 0, VALUES * VALUE);
    values[1][VALUE - 1] = 1;
    memset(values[2], 0xff, VALUE);
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        BIGNUM *y = BN_dup(prime);
        assert_int_equal(offsets[i] < 0 ? BN_sub_word(y, (BN_ULONG)-offsets[i])
                                        : BN_add_word(y, (BN_ULONG)offsets[i]),
                         1);
        assert_int_equal(BN_bn2binpad(y, values[3 + i], VALUE), VALUE);
        BN_free(y);
    }
    BN_free(prime);
}

static void row_1_bad_values_from_a_client_are_refused_before_any_key(void **state)
{
    (void)state;
    uint8_t values[VALUES][VALUE];
    bad_values(values);
    for (size_t i = 0; i < VALUES; i++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        pair_run_to(&p, FRAME_CLIENT_HELLO);
        memcpy(p.to_server.p + FRAME_HEADER + 32 + 2, values[i], VALUE);
        buf_reset(&p.to_client);
        assert_err(pair_move_server(&p), MLT_ERR_DH_VALUE);
        expect_plain_alert(p.server, &p.to_client);
        assert_null(p.server->schedule.master.p);
    }
}

static void row_1_bad_values_from_a_server_are_refused_before_any_key(void **state)
{
    (void)state;
    uint8_t values[VALUES][VALUE];
    bad_values(values);
    for (size_t i = 0; i < VALUES; i++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        pair_run_to(&p, FRAME_SERVER_AUTH);
        memcpy(p.to_client.p + FRAME_HEADER + 2, values[i], VALUE);
        assert_err(pair_move_client(&p), MLT_ERR_DH_VALUE);
        expect_plain_alert(p.client, &p.to_server);
        assert_null(p.client->schedule.master.p);
    }
}

/* The value one byte longer or shorter, with every length around it right. */
static void resize_value(struct buf *frame, size_t at, int by)
{
    struct buf changed = { 0 };
    size_t n = VALUE + (size_t)by;
    uint32_t body = (uint32_t)(frame->len - FRAME_HEADER) + (uint32_t)by;
    struct wire_out w = wire_out(&changed);
    wire_put_u8(&w, frame->p[0]);
    wire_put_u24(&w, body);
    wire_put_bytes(&w, span_of(frame->p + FRAME_HEADER, at - FRAME_HEADER));
    wire_put_u16(&w, (uint16_t)n);
    if (by > 0)
        wire_put_u8(&w, 0);
    wire_put_bytes(&w, span_of(frame->p + at + 2 + (by < 0), frame->len - at - 2 - (by < 0)));
    assert_ok(wire_out_end(&w));
    buf_clear(frame);
    *frame = changed;
}

static void row_1_values_of_another_length_are_refused(void **state)
{
    (void)state;
    for (int by = -1; by <= 1; by += 2) {
        CLEANUP(pair_clear) struct pair c;
        CLEANUP(pair_clear) struct pair s;
        pair_init(&c, CLIENT_AUTH_RECEIVE);
        pair_start(&c);
        pair_run_to(&c, FRAME_CLIENT_HELLO);
        resize_value(&c.to_server, FRAME_HEADER + 32, by);
        assert_err(pair_move_server(&c), MLT_ERR_RANGE);
        expect_plain_alert(c.server, &c.to_client);

        pair_init(&s, CLIENT_AUTH_RECEIVE);
        pair_start(&s);
        pair_run_to(&s, FRAME_SERVER_AUTH);
        resize_value(&s.to_client, FRAME_HEADER, by);
        assert_err(pair_move_client(&s), MLT_ERR_RANGE);
        expect_plain_alert(s.client, &s.to_server);
    }
}

/* ---- row 2: groups of a hostile server ---- */

static void put_hello(struct span p, struct span g, size_t entries, struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    static const uint8_t zeros[LIMIT_TYPED_LIST];
    struct wire_out w = wire_out(&body);
    wire_put_u16(&w, 0);
    wire_put_bytes(&w, span_of(zeros, 32));
    wire_put_vec16(&w, p, 0, 65535);
    wire_put_vec16(&w, g, 0, 65535);
    wire_put_u16(&w, (uint16_t)(entries == 0 ? 0 : entries + 4));
    if (entries > 0) {
        wire_put_u16(&w, 1);
        wire_put_vec16(&w, span_of(zeros, entries), 0, 65535);
    }
    assert_ok(wire_out_end(&w));
    w = wire_out(out);
    wire_put_u8(&w, FRAME_SERVER_HELLO);
    wire_put_u24(&w, (uint32_t)body.len);
    wire_put_bytes(&w, buf_span(&body));
    assert_ok(wire_out_end(&w));
}

static void expect_group_refused(struct span p, struct span g, size_t entries)
{
    CLEANUP(pair_clear) struct pair pair;
    pair_init(&pair, CLIENT_AUTH_RECEIVE);
    assert_ok(hs_client_new(&pair.client_config, &pair.client));
    put_hello(p, g, entries, &pair.to_client);
    clock_t before = clock();
    enum mlt_err err = pair_move_client(&pair);
    clock_t took = clock() - before;
    assert_true(err == MLT_ERR_GROUP || err == MLT_ERR_RANGE);
    assert_true(took < CLOCKS_PER_SEC / 20); /* by looking it up, never by testing it */
    expect_plain_alert(pair.client, &pair.to_server);
}

static void row_2_groups_outside_rfc_7919_are_refused(void **state)
{
    (void)state;
    static uint8_t odd[4096];
    static const uint8_t one[] = { 1 }, zero[] = { 0 }, five[] = { 5 }, wide[] = { 0, 2 };
    struct span p, g;
    (void)pair_house();
    dh_group_params(DH_FFDHE2048, &p, &g);
    expect_group_refused(p, SPAN_OF(zero), 0);
    expect_group_refused(p, SPAN_OF(one), 0);
    expect_group_refused(p, SPAN_OF(five), 0);
    expect_group_refused(p, SPAN_OF(wide), 0);
    expect_group_refused(p, p, 0);

    for (size_t bit = 0; bit < p.n * 8; bit += 31) { /* composite, or a prime nobody knows */
        memcpy(odd, p.p, p.n);
        odd[bit / 8] ^= (uint8_t)(1 << bit % 8);
        expect_group_refused(span_of(odd, p.n), g, 0);
    }
    memset(odd, 0, sizeof(odd));
    expect_group_refused(span_of(odd, 256), g, 0); /* p = 0 */
    memset(odd, 0xab, sizeof(odd));
    odd[4095] |= 1;
    expect_group_refused(span_of(odd, 64), g, 300); /* 512 bits */
    expect_group_refused(span_of(odd, 128), g, 300);
    expect_group_refused(span_of(odd, 256), g, 0);
    expect_group_refused(span_of(odd, 512), g, 0);
    expect_group_refused(span_of(odd, 513), g, 0);
    expect_group_refused(span_of(odd, 4096), g, 0); /* 32,768 bits */

    memset(odd, 0, sizeof(odd)); /* ffdhe2048 in another encoding */
    memcpy(odd + 1, p.p, p.n);
    expect_group_refused(span_of(odd, p.n + 1), g, 0);
}

/* ---- row 3: downgrade; row 4: an active man in the middle ---- */

static void row_3_a_group_below_the_minimum_is_refused(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.client_config.min_group = DH_FFDHE3072;
    pair_start(&p);
    assert_err(pair_move_client(&p), MLT_ERR_GROUP);
    expect_plain_alert(p.client, &p.to_server);
}

static void row_3_a_rewritten_group_is_noticed(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    struct span prime, g;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.server_config.group = DH_FFDHE3072;
    pair_start(&p);
    buf_reset(&p.to_client);
    dh_group_params(DH_FFDHE2048, &prime, &g);
    put_hello(prime, g, 0, &p.to_client);
    assert_ok(pair_move_client(&p));
    assert_err(pair_move_server(&p), MLT_ERR_RANGE);
}

/* The bodies of both sides are of the honest sizes, so that the frame header stays right. */
struct lie {
    const char *what;
    bool leaves_out_body;     /* the signature ends before the certificates */
    bool body_only;           /* the signature is over the certificates alone */
    bool other_key;           /* signed by a stranger */
    bool other_purpose;       /* signed as the other role */
    bool finished_before_sig; /* Finished does not cover the signature */
    bool finished_of_other;   /* under the other direction's key */
    bool finished_zero;
    bool flips_body; /* the body differs from what was signed */
};

static const struct lie lies[] = {
    { .what = "signature without certificate or body", .leaves_out_body = true },
    { .what = "signature without the messages before", .body_only = true },
    { .what = "signature by another key", .other_key = true },
    { .what = "signature of the other role", .other_purpose = true },
    { .what = "Finished without the signature", .finished_before_sig = true },
    { .what = "Finished of the other side", .finished_of_other = true },
    { .what = "no Finished", .finished_zero = true },
    { .what = "a body that was not signed", .flips_body = true },
};

struct signing {
    struct transcript *transcript;
    EVP_PKEY *key;
    enum rsa_purpose purpose, other_purpose;
    const struct secret *own, *other; /* handshake secrets */
};

/* What an honest side would do, but for the lie. */
static void sign_with(const struct signing *s, const struct lie *lie, struct span body,
                      struct buf *signature, uint8_t finished[static HASH_LEN])
{
    uint8_t digest[HASH_LEN];
    if (!lie->leaves_out_body)
        assert_ok(transcript_add(s->transcript, body));
    assert_ok(transcript_digest(s->transcript, digest));
    if (lie->body_only)
        assert_ok(hash_sha256(body, digest));
    assert_ok(rsa_sign(lie->other_key ? pair_house()->other_key : s->key,
                       lie->other_purpose ? s->other_purpose : s->purpose, digest, signature));
    if (lie->leaves_out_body)
        assert_ok(transcript_add(s->transcript, body));
    if (!lie->finished_before_sig)
        assert_ok(transcript_add_vec16(s->transcript, buf_span(signature)));
    assert_ok(transcript_digest(s->transcript, digest));
    assert_ok(schedule_finished(lie->finished_of_other ? s->other : s->own, digest, finished));
    if (lie->finished_zero)
        memset(finished, 0, HASH_LEN);
}

/* The server at SIGN says this instead. */
static void put_server_auth(struct pair *p, const struct lie *lie)
{
    struct handshake *hs = p->server;
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    uint8_t finished[HASH_LEN];
    const struct server_auth auth = { .ca_certificate = hs->server->ca_der,
                                      .certificate = hs->server->server_der };
    const struct signing signing = { &hs->transcript,      hs->server->server_key,
                                     RSA_SERVER_HANDSHAKE, RSA_CLIENT_HANDSHAKE,
                                     &hs->schedule.server, &hs->schedule.client };
    assert_int_equal(hs->state, HS_STATE_SIGN);
    assert_ok(server_auth_encode_body(&auth, &body));
    sign_with(&signing, lie, buf_span(&body), &signature, finished);
    if (lie->flips_body)
        body.p[body.len - 30] ^= 1; /* in the certificate's own signature */
    const struct server_auth_parts parts = { .body = buf_span(&body),
                                             .signature = buf_span(&signature),
                                             .finished = SPAN_OF(finished) };
    assert_ok(server_auth_join(&parts, &plain));
    assert_ok(hs_seal(hs, buf_span(&hs->in_clear), buf_span(&plain), &sealed));
    assert_ok(buf_put(&p->to_client, buf_span(&hs->in_clear)));
    assert_ok(buf_put(&p->to_client, buf_span(&sealed)));
}

static void run_server_to_sign(struct pair *p)
{
    size_t used = 0;
    pair_run_to(p, FRAME_CLIENT_HELLO);
    assert_ok(hs_input(p->server, buf_span(&p->to_server), &used, &p->to_client));
    buf_drop(&p->to_server, used);
    while (hs_want(p->server) != HS_WANT_SIGN) {
        hs_work(p->server);
        assert_ok(hs_worked(p->server, &p->to_client));
    }
}

static void the_servers_signature_and_finished_cover_everything(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair honest;
    const struct lie no_lie = { 0 };
    pair_init(&honest, CLIENT_AUTH_RECEIVE);
    pair_start(&honest);
    run_server_to_sign(&honest);
    put_server_auth(&honest, &no_lie);
    assert_ok(pair_move_client(&honest)); /* so it is the lie that is refused */

    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        run_server_to_sign(&p);
        put_server_auth(&p, &lies[i]);
        enum mlt_err err = pair_move_client(&p);
        enum mlt_err wanted = lies[i].flips_body ? MLT_ERR_CERT_SIGNATURE : MLT_ERR_AUTH;
        if (err != wanted)
            fail_msg("%s: %s", lies[i].what, err_name(err));
        expect_sealed_alert(p.client, &p.to_server);
    }
}

static void put_client_auth(struct pair *p, const struct lie *lie, const struct client_auth *auth)
{
    struct handshake *hs = p->client;
    CLEANUP(buf_clear) struct buf header = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    uint8_t finished[HASH_LEN];
    const struct signing signing = { &hs->transcript,      hs->client->key,
                                     RSA_CLIENT_HANDSHAKE, RSA_SERVER_HANDSHAKE,
                                     &hs->schedule.client, &hs->schedule.server };
    assert_int_equal(hs->state, HS_STATE_SIGN);
    assert_ok(frame_put_header(&header, FRAME_CLIENT_AUTH, LIMIT_CLIENT_AUTH + ETM_TAG));
    assert_ok(transcript_add(&hs->transcript, buf_span(&header)));
    assert_ok(client_auth_encode_body(auth, &body));
    sign_with(&signing, lie, buf_span(&body), &signature, finished);
    if (lie->flips_body)
        body.p[body.len - 1] ^= 1; /* the features */
    const struct client_auth_parts parts = { .body = buf_span(&body),
                                             .signature = buf_span(&signature),
                                             .finished = SPAN_OF(finished) };
    assert_ok(client_auth_join(&parts, &plain));
    assert_ok(hs_seal(hs, buf_span(&header), buf_span(&plain), &sealed));
    assert_ok(buf_put(&p->to_server, buf_span(&header)));
    assert_ok(buf_put(&p->to_server, buf_span(&sealed)));
}

static void run_client_to_sign(struct pair *p)
{
    size_t used = 0;
    pair_run_to(p, FRAME_SERVER_AUTH);
    assert_ok(hs_input(p->client, buf_span(&p->to_client), &used, &p->to_server));
    buf_drop(&p->to_client, used);
    while (hs_want(p->client) != HS_WANT_SIGN) {
        hs_work(p->client);
        assert_ok(hs_worked(p->client, &p->to_server));
    }
}

static enum mlt_err serve_client_auth(struct pair *p, const struct lie *lie,
                                      const struct client_auth *auth)
{
    pair_start(p);
    run_client_to_sign(p);
    put_client_auth(p, lie, auth);
    return pair_move_server(p);
}

/* Nothing of what he claimed can be had from the machine. */
static void expect_nobody(struct pair *p)
{
    struct hs_result result = { 0 };
    assert_null(hs_client_auth(p->server));
    assert_err(hs_take_result(p->server, &result), MLT_ERR_STATE);
    assert_err(hs_issued(p->server), MLT_ERR_STATE);
    assert_null(result.peer.x509);
    assert_int_equal(hs_want(p->server), HS_WANT_NOTHING);
}

static void the_clients_signature_and_finished_cover_everything(void **state)
{
    (void)state;
    const struct pair_house *house = pair_house();
    const struct client_auth login = { .kind = CLIENT_AUTH_RECEIVE,
                                       .certificate = buf_span(&house->client_der) };
    const struct lie no_lie = { 0 };
    CLEANUP(pair_clear) struct pair honest;
    pair_init(&honest, CLIENT_AUTH_RECEIVE);
    assert_ok(serve_client_auth(&honest, &no_lie, &login));
    assert_int_equal(hs_want(honest.server), HS_WANT_SESSION);

    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        enum mlt_err err = serve_client_auth(&p, &lies[i], &login);
        if (err != MLT_ERR_AUTH)
            fail_msg("%s: %s", lies[i].what, err_name(err));
        expect_sealed_alert(p.server, &p.to_client);
        expect_nobody(&p);
    }
}

/* The mitm speaks to the server with his own DH, and to the client with his own again. */
static void row_4_a_man_in_the_middle_cannot_pass_the_signature_on(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair real;   /* the server, and the mitm as its client */
    CLEANUP(pair_clear) struct pair victim; /* the mitm as server, and the client */
    pair_init(&real, CLIENT_AUTH_RECEIVE);
    pair_init(&victim, CLIENT_AUTH_RECEIVE);
    victim.server_config.server_key = pair_house()->other_key;
    pair_start(&real);
    pair_start(&victim);
    run_client_to_sign(&real);
    run_server_to_sign(&victim);

    struct handshake *mitm = victim.server;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    uint8_t digest[HASH_LEN], finished[HASH_LEN];
    struct server_auth_parts stolen = real.client->server_parts;
    assert_ok(transcript_add(&mitm->transcript, stolen.body));
    assert_ok(transcript_add(&mitm->transcript, stolen.signature_field));
    assert_ok(transcript_digest(&mitm->transcript, digest));
    assert_ok(schedule_finished(&mitm->schedule.server, digest, finished));
    stolen.finished = SPAN_OF(finished);
    assert_ok(server_auth_join(&stolen, &plain));
    assert_ok(hs_seal(mitm, buf_span(&mitm->in_clear), buf_span(&plain), &sealed));
    assert_ok(buf_put(&victim.to_client, buf_span(&mitm->in_clear)));
    assert_ok(buf_put(&victim.to_client, buf_span(&sealed)));
    assert_err(pair_move_client(&victim), MLT_ERR_AUTH);
    expect_sealed_alert(victim.client, &victim.to_server);
}

/* ---- the server's certificate, before its signature and before the client's name ---- */

struct bad_server {
    const char *what;
    enum cert_role role;
    int64_t from, until; /* seconds from now */
    enum mlt_err wanted;
};

static void a_client_says_nothing_to_a_server_with_a_bad_certificate(void **state)
{
    (void)state;
    static const struct bad_server all[] = {
        { "expired", CERT_SERVER, -86400, -1, MLT_ERR_CERT_EXPIRED },
        { "not yet valid", CERT_SERVER, 60, 86400, MLT_ERR_CERT_NOT_YET },
        { "a client's (row 6)", CERT_CLIENT, -300, 86400, MLT_ERR_CERT_ROLE },
    };
    struct pair_house *house = pair_house();
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        for (int signs_badly = 0; signs_badly < 2; signs_badly++) {
            CLEANUP(pair_clear) struct pair p;
            CLEANUP(buf_clear) struct buf der = { 0 };
            int64_t now_s = house->clock.wall_ms / 1000;
            const char *name = all[i].role == CERT_SERVER ? "relay" : "mallory";
            pair_issue(all[i].role, name, house->other_key, now_s + all[i].from,
                       now_s + all[i].until, &der);
            pair_init(&p, CLIENT_AUTH_RECEIVE);
            p.server_config.server_der = buf_span(&der);
            /* With a bad signature too: it must not even have been looked at. */
            p.server_config.server_key = signs_badly ? house->server_key : house->other_key;
            pair_start(&p);
            pair_run_to(&p, FRAME_SERVER_AUTH);
            enum mlt_err err = pair_move_client(&p);
            if (err != all[i].wanted)
                fail_msg("%s: %s", all[i].what, err_name(err));
            expect_sealed_alert(p.client, &p.to_server);
        }
    }
}

/* Row 22: same names, same realm, another key. */
static void row_22_a_twin_ca_is_refused_by_its_key(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf twin = { 0 };
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    pair_forge_ca(house->other_key, &twin);
    pair_issue_by(house->other_key, buf_span(&twin), CERT_SERVER, house->server_key, &leaf);
    for (int shows_the_real_ca = 0; shows_the_real_ca < 2; shows_the_real_ca++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        p.server_config.ca_der = buf_span(shows_the_real_ca ? &house->ca_der : &twin);
        p.server_config.server_der = buf_span(&leaf);
        pair_start(&p);
        pair_run_to(&p, FRAME_SERVER_AUTH);
        enum mlt_err wanted = shows_the_real_ca ? MLT_ERR_CERT_FOREIGN : MLT_ERR_PIN;
        assert_err(pair_move_client(&p), wanted);
        expect_sealed_alert(p.client, &p.to_server);
    }
}

/* ---- ClientAuth: nobody is acted for before it verifies ---- */

static void a_certificate_without_its_key_is_nobody(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.client_config.key = pair_house()->other_key;
    pair_start(&p);
    assert_err(pair_handshake(&p), MLT_ERR_AUTH);
    expect_nobody(&p);
}

static void nobody_is_known_before_the_proof_is_checked(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    size_t used = 0;
    struct hs_result result = { 0 };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_AUTH);
    assert_ok(hs_input(p.server, buf_span(&p.to_server), &used, &p.to_client));
    assert_int_equal(hs_want(p.server), HS_WANT_VERIFY);
    assert_null(hs_client_auth(p.server));
    assert_err(hs_take_result(p.server, &result), MLT_ERR_STATE);
    assert_err(hs_issued(p.server), MLT_ERR_STATE);
    hs_work(p.server);
    assert_ok(hs_worked(p.server, &p.to_client));
    assert_non_null(hs_client_auth(p.server));
}

static void a_certificate_of_another_ca_is_nobody(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf twin = { 0 };
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    pair_forge_ca(house->other_key, &twin);
    pair_issue_by(house->other_key, buf_span(&twin), CERT_CLIENT, house->client_key, &leaf);
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.client_config.certificate = buf_span(&leaf);
    pair_start(&p);
    assert_err(pair_handshake(&p), MLT_ERR_CERT_FOREIGN);
    expect_sealed_alert(p.server, &p.to_client);
    expect_nobody(&p);
}

static void a_servers_certificate_does_not_log_in(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.client_config.certificate = buf_span(&pair_house()->server_der);
    p.client_config.key = pair_house()->server_key;
    pair_start(&p);
    assert_err(pair_handshake(&p), MLT_ERR_CERT_ROLE);
    expect_nobody(&p);
}

/* Whose time has passed is told so, but only once he has proven that it is him. */
static void an_expired_login_is_a_verdict_after_proof_only(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    static const struct {
        int64_t from, until;
        enum mlt_err verdict;
    } rows[] = { { -86400, -1, MLT_ERR_CERT_EXPIRED }, { 60, 3600, MLT_ERR_CERT_NOT_YET } };
    int64_t now_s = house->clock.wall_ms / 1000;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(pair_clear) struct pair p;
        CLEANUP(pair_clear) struct pair thief;
        CLEANUP(buf_clear) struct buf der = { 0 };
        pair_issue(CERT_CLIENT, PAIR_USER, house->client_key, now_s + rows[i].from,
                   now_s + rows[i].until, &der);
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        p.client_config.certificate = buf_span(&der);
        pair_start(&p);
        assert_ok(pair_handshake(&p));
        assert_ok(hs_take_result(p.server, &p.server_result));
        assert_int_equal(p.server_result.peer_verdict, rows[i].verdict);

        pair_init(&thief, CLIENT_AUTH_RECEIVE);
        thief.client_config.certificate = buf_span(&der);
        thief.client_config.key = house->other_key;
        pair_start(&thief);
        assert_err(pair_handshake(&thief), MLT_ERR_AUTH);
        expect_nobody(&thief);
    }
}

static void enrol_with(EVP_PKEY *request_key, const char *request_name, enum mlt_err wanted)
{
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct name name;
    const struct lie no_lie = { 0 };
    assert_ok(name_parse(span_str(request_name), &name));
    pair_init(&p, CLIENT_AUTH_ENROL);
    assert_ok(request_make(request_key, &name, &der));
    const struct client_auth auth = { .kind = CLIENT_AUTH_ENROL,
                                      .name = p.client_config.name,
                                      .request = buf_span(&der) };
    enum mlt_err err = serve_client_auth(&p, &no_lie, &auth);
    assert_err(err, wanted);
    if (wanted != MLT_OK)
        expect_nobody(&p);
}

/* Row 5: whoever asks holds the key the certificate is to be for, and asks for one name. */
static void row_5_a_request_for_somebody_elses_key_is_refused(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    enrol_with(house->client_key, PAIR_USER, MLT_OK);
    enrol_with(house->other_key, PAIR_USER, MLT_ERR_AUTH);
    enrol_with(house->client_key, "joao", MLT_ERR_REQUEST);
}

/* ---- rows 7 and 8: reflection, replay, splicing ---- */

static void row_7_own_messages_are_not_taken_back(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(pair_clear) struct pair q;
    size_t used = 0;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    CLEANUP(buf_clear) struct buf hello = { 0 };
    assert_ok(buf_put(&hello, buf_span(&p.to_client)));
    assert_err(hs_input(p.server, buf_span(&hello), &used, &p.to_client), MLT_ERR_UNEXPECTED);

    pair_init(&q, CLIENT_AUTH_RECEIVE);
    pair_start(&q);
    pair_run_to(&q, FRAME_CLIENT_HELLO);
    assert_err(hs_input(q.client, buf_span(&q.to_server), &used, &q.to_client), MLT_ERR_UNEXPECTED);
}

/* The server's Y sent back as the client's own: keys differ per direction, roles per label. */
static void row_7_a_sealed_alert_is_not_taken_back(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf alert = { 0 };
    size_t used = 0;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_AUTH);
    hs_abort(p.server, ALERT_BUSY, &alert);
    assert_int_equal(alert.len, SEALED_ALERT);
    p.server->state = HS_STATE_WAIT_CLIENT_AUTH; /* as if it still listened */
    p.server->receive.sequence = 1;
    assert_err(hs_input(p.server, buf_span(&alert), &used, &p.to_client), MLT_ERR_AUTH);
    /* To whom it was meant it is good. */
    assert_err(hs_input(p.client, buf_span(&alert), &used, &p.to_server), MLT_ERR_ALERT);
    assert_int_equal(hs_peer_alert(p.client), ALERT_BUSY);
}

static void row_8_a_recorded_client_cannot_be_played_again(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(pair_clear) struct pair q;
    CLEANUP(buf_clear) struct buf client = { 0 };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    assert_ok(buf_put(&client, buf_span(&p.to_server)));
    assert_ok(pair_move_server(&p));
    assert_ok(pair_move_client(&p));
    assert_ok(buf_put(&client, buf_span(&p.to_server)));

    pair_init(&q, CLIENT_AUTH_RECEIVE);
    pair_start(&q);
    assert_ok(buf_put(&q.to_server, buf_span(&client)));
    assert_err(pair_move_server(&q), MLT_ERR_AUTH);
    expect_nobody(&q);
}

static void row_8_a_recorded_server_cannot_be_played_again(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(pair_clear) struct pair q;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    CLEANUP(buf_clear) struct buf hello = { 0 };
    assert_ok(buf_put(&hello, buf_span(&p.to_client)));
    pair_run_to(&p, FRAME_SERVER_AUTH);

    pair_init(&q, CLIENT_AUTH_RECEIVE);
    assert_ok(hs_client_new(&q.client_config, &q.client));
    assert_ok(buf_put(&q.to_client, buf_span(&hello)));
    assert_ok(buf_put(&q.to_client, buf_span(&p.to_client)));
    assert_err(pair_move_client(&q), MLT_ERR_AUTH);
    assert_true(q.to_server.len > SEALED_ALERT);
}

/* ---- alerts ---- */

static void a_plain_alert_is_not_believed_once_keys_are_on(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    size_t used = 0;
    const uint8_t alert[] = { FRAME_ALERT, 0, 0, 1, ALERT_BUSY };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_AUTH);
    assert_err(hs_input(p.server, SPAN_OF(alert), &used, &p.to_client), MLT_ERR_UNEXPECTED);
    expect_sealed_alert(p.server, &p.to_client);
    assert_int_equal(hs_peer_alert(p.server), ALERT_NONE);

    buf_reset(&p.to_server);
    assert_err(hs_input(p.client, SPAN_OF(alert), &used, &p.to_server), MLT_ERR_UNEXPECTED);
    expect_sealed_alert(p.client, &p.to_server);
    assert_int_equal(hs_peer_alert(p.client), ALERT_NONE);
}

static void a_plain_alert_before_keys_is_told_and_not_answered(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    assert_ok(hs_server_new(&p.server_config, &p.server));
    assert_ok(hs_client_new(&p.client_config, &p.client));
    hs_abort(p.server, ALERT_BUSY, &p.to_client);
    hs_abort(p.server, ALERT_BUSY, &p.to_client); /* said once */
    assert_int_equal(p.to_client.len, FRAME_HEADER + 1);
    assert_err(pair_move_client(&p), MLT_ERR_ALERT);
    assert_int_equal(hs_peer_alert(p.client), ALERT_BUSY);
    assert_int_equal(p.to_server.len, 0);
}

static void alerts_of_odd_length_or_meaning_are_refused(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 33; n++) {
        for (unsigned code = 0; code < 8; code++) {
            CLEANUP(pair_clear) struct pair p;
            uint8_t alert[FRAME_HEADER + 33] = { FRAME_ALERT, 0, 0, (uint8_t)n, (uint8_t)code };
            size_t used = 0;
            pair_init(&p, CLIENT_AUTH_RECEIVE);
            assert_ok(hs_client_new(&p.client_config, &p.client));
            enum mlt_err err =
                hs_input(p.client, span_of(alert, FRAME_HEADER + n), &used, &p.to_server);
            enum mlt_err wanted = n == 33 ? MLT_ERR_UNEXPECTED : MLT_ERR_RANGE;
            if (n == 1 && code >= ALERT_PROTOCOL && code <= ALERT_VERSION)
                wanted = MLT_ERR_ALERT;
            assert_err(err, wanted);
        }
    }
}

static void another_version_is_told_apart(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    p.to_client.p[FRAME_HEADER + 1] = 1;
    assert_err(pair_move_client(&p), MLT_ERR_VERSION);
    assert_int_equal(p.to_server.len, FRAME_HEADER + 1);
    assert_int_equal(p.to_server.p[FRAME_HEADER], ALERT_VERSION);
    assert_err(pair_move_server(&p), MLT_ERR_ALERT);
    assert_int_equal(hs_peer_alert(p.server), ALERT_VERSION);
}

/* Row 18 and early messages: nothing is held for a body that could not be legal. */
static void what_is_not_legal_now_is_refused_on_its_header(void **state)
{
    (void)state;
    static const uint8_t headers[][FRAME_HEADER] = {
        { FRAME_RECORD, 1, 0xff, 0xfc }, /* 128 KiB announced */
        { FRAME_SERVER_HELLO, 0, 2, 0 },      { FRAME_SERVER_AUTH, 0, 0x20, 0 },
        { FRAME_CLIENT_AUTH, 0, 0x20, 0x20 }, { FRAME_ALERT, 0, 0, 1 + ETM_TAG },
    };
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        CLEANUP(pair_clear) struct pair p;
        size_t used = 0;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        buf_reset(&p.to_client);
        assert_err(hs_input(p.server, SPAN_OF(headers[i]), &used, &p.to_client),
                   MLT_ERR_UNEXPECTED);
        expect_plain_alert(p.server, &p.to_client);
    }
}

/* ---- typed lists ---- */

/* Appends an entry to a hello frame whose list is empty and last. */
static void add_entry(struct buf *frame)
{
    const uint8_t entry[] = { 0, 42, 0, 1, 0x77 };
    assert_ok(buf_put(frame, SPAN_OF(entry)));
    frame->p[frame->len - sizeof(entry) - 1] = sizeof(entry);
    size_t body = frame->len - FRAME_HEADER;
    frame->p[2] = (uint8_t)(body >> 8);
    frame->p[3] = (uint8_t)body;
}

static void unknown_entries_of_the_server_are_skipped_but_hashed(void **state)
{
    (void)state;
    for (int server_knows = 0; server_knows < 2; server_knows++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        add_entry(&p.to_client);
        if (server_knows) { /* a later server that made this offer itself */
            transcript_clear(&p.server->transcript);
            assert_ok(transcript_init(&p.server->transcript));
            assert_ok(transcript_add(&p.server->transcript, buf_span(&p.to_client)));
        }
        assert_err(pair_handshake(&p), server_knows ? MLT_OK : MLT_ERR_AUTH);
    }
}

static void an_entry_of_the_client_is_refused(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    add_entry(&p.to_server);
    buf_reset(&p.to_client);
    assert_err(pair_move_server(&p), MLT_ERR_UNEXPECTED);
    expect_plain_alert(p.server, &p.to_client);
}

/* ---- row 11: bit flips; and a handshake whose messages are repeated ---- */

/* Flips one bit of that message; the handshake must end in an error, and never in a session. */
static void run_flipped(enum frame_type type, size_t bit)
{
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, type);
    bool from_server = type == FRAME_SERVER_HELLO || type == FRAME_SERVER_AUTH;
    struct buf *wire = from_server ? &p.to_client : &p.to_server;
    wire->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (bit < FRAME_HEADER * 8) { /* a longer length would wait for more: let it come */
        uint8_t *more = NULL;
        assert_ok(buf_extend(wire, LIMIT_FRAME, &more));
    }
    enum mlt_err err = pair_handshake(&p);
    bool done = hs_want(p.server) == HS_WANT_SESSION || hs_want(p.client) == HS_WANT_SESSION;
    if (err == MLT_OK || err == MLT_ERR_TIMEOUT || err_fault(err) != FAULT_PEER || done)
        fail_msg("type %d bit %zu: %s", (int)type, bit, err_name(err));
}

static size_t size_of(enum frame_type type)
{
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, type);
    bool from_server = type == FRAME_SERVER_HELLO || type == FRAME_SERVER_AUTH;
    return from_server ? p.to_client.len : p.to_server.len;
}

static void row_11_a_flipped_bit_of_any_message_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum frame_type type;
        size_t stride; /* primes: every position of a byte, in the header each bit */
    } rows[] = { { FRAME_SERVER_HELLO, 7 },
                 { FRAME_CLIENT_HELLO, 11 },
                 { FRAME_SERVER_AUTH, 89 },
                 { FRAME_CLIENT_AUTH, 181 } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t bits = size_of(rows[i].type) * 8;
        for (size_t bit = 0; bit < FRAME_HEADER * 8; bit++)
            run_flipped(rows[i].type, bit);
        for (size_t bit = FRAME_HEADER * 8; bit < bits; bit += flip_all ? 1 : rows[i].stride)
            run_flipped(rows[i].type, bit);
    }
}

static void row_9_a_repeated_message_is_refused(void **state)
{
    (void)state;
    static const enum frame_type types[] = { FRAME_SERVER_HELLO, FRAME_CLIENT_HELLO,
                                             FRAME_SERVER_AUTH };
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        CLEANUP(pair_clear) struct pair p;
        CLEANUP(buf_clear) struct buf twice = { 0 };
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        pair_run_to(&p, types[i]);
        struct buf *wire = types[i] == FRAME_CLIENT_HELLO ? &p.to_server : &p.to_client;
        assert_ok(buf_put(&twice, buf_span(wire)));
        assert_ok(buf_put(wire, buf_span(&twice)));
        assert_err(pair_handshake(&p), MLT_ERR_UNEXPECTED);
    }
}

int main(int argc, char **argv)
{
    flip_all = argc == 2 && strcmp(argv[1], "--all") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_1_bad_values_from_a_client_are_refused_before_any_key),
        cmocka_unit_test(row_1_bad_values_from_a_server_are_refused_before_any_key),
        cmocka_unit_test(row_1_values_of_another_length_are_refused),
        cmocka_unit_test(row_2_groups_outside_rfc_7919_are_refused),
        cmocka_unit_test(row_3_a_group_below_the_minimum_is_refused),
        cmocka_unit_test(row_3_a_rewritten_group_is_noticed),
        cmocka_unit_test(the_servers_signature_and_finished_cover_everything),
        cmocka_unit_test(the_clients_signature_and_finished_cover_everything),
        cmocka_unit_test(row_4_a_man_in_the_middle_cannot_pass_the_signature_on),
        cmocka_unit_test(a_client_says_nothing_to_a_server_with_a_bad_certificate),
        cmocka_unit_test(row_22_a_twin_ca_is_refused_by_its_key),
        cmocka_unit_test(a_certificate_without_its_key_is_nobody),
        cmocka_unit_test(nobody_is_known_before_the_proof_is_checked),
        cmocka_unit_test(a_certificate_of_another_ca_is_nobody),
        cmocka_unit_test(a_servers_certificate_does_not_log_in),
        cmocka_unit_test(an_expired_login_is_a_verdict_after_proof_only),
        cmocka_unit_test(row_5_a_request_for_somebody_elses_key_is_refused),
        cmocka_unit_test(row_7_own_messages_are_not_taken_back),
        cmocka_unit_test(row_7_a_sealed_alert_is_not_taken_back),
        cmocka_unit_test(row_8_a_recorded_client_cannot_be_played_again),
        cmocka_unit_test(row_8_a_recorded_server_cannot_be_played_again),
        cmocka_unit_test(a_plain_alert_is_not_believed_once_keys_are_on),
        cmocka_unit_test(a_plain_alert_before_keys_is_told_and_not_answered),
        cmocka_unit_test(alerts_of_odd_length_or_meaning_are_refused),
        cmocka_unit_test(another_version_is_told_apart),
        cmocka_unit_test(what_is_not_legal_now_is_refused_on_its_header),
        cmocka_unit_test(unknown_entries_of_the_server_are_skipped_but_hashed),
        cmocka_unit_test(an_entry_of_the_client_is_refused),
        cmocka_unit_test(row_11_a_flipped_bit_of_any_message_is_refused),
        cmocka_unit_test(row_9_a_repeated_message_is_refused),
    };
    return cmocka_run_group_tests_name("handshake_attacks", tests, NULL, NULL);
}
