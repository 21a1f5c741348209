/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "crypto/rsa.h"
#include "pair.h"
#include "pki/request.h"
#include "refusals.h"

/* Who lies in what he signs, or shows a certificate that is not his or not for this.  The numbers
 * are rows of the attack list. */

/* ---- signature and Finished cover everything before them ---- */

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
static void row_04_a_man_in_the_middle_cannot_pass_the_signature_on(void **state)
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
        /* An hour after its issue (PROTOCOL.md 11.6) is an hour and not a second. */
        { "not yet valid", CERT_SERVER, LIMIT_CLOCK_SLACK_S - LIMIT_BACKDATE_S + 1, 86400,
          MLT_ERR_CERT_NOT_YET },
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
    } rows[] = { { -86400, -1, MLT_ERR_CERT_EXPIRED },
                 /* A clock that is behind by less than an hour judges nobody: PROTOCOL.md 11.6. */
                 { 60, 3600, MLT_OK },
                 { LIMIT_CLOCK_SLACK_S - LIMIT_BACKDATE_S, 86400, MLT_OK },
                 { LIMIT_CLOCK_SLACK_S - LIMIT_BACKDATE_S + 1, 86400, MLT_ERR_CERT_NOT_YET } };
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
static void row_05_a_request_for_somebody_elses_key_is_refused(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    enrol_with(house->client_key, PAIR_USER, MLT_OK);
    enrol_with(house->other_key, PAIR_USER, MLT_ERR_AUTH);
    enrol_with(house->client_key, "joao", MLT_ERR_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_servers_signature_and_finished_cover_everything),
        cmocka_unit_test(the_clients_signature_and_finished_cover_everything),
        cmocka_unit_test(row_04_a_man_in_the_middle_cannot_pass_the_signature_on),
        cmocka_unit_test(a_client_says_nothing_to_a_server_with_a_bad_certificate),
        cmocka_unit_test(row_22_a_twin_ca_is_refused_by_its_key),
        cmocka_unit_test(a_certificate_without_its_key_is_nobody),
        cmocka_unit_test(nobody_is_known_before_the_proof_is_checked),
        cmocka_unit_test(a_certificate_of_another_ca_is_nobody),
        cmocka_unit_test(a_servers_certificate_does_not_log_in),
        cmocka_unit_test(an_expired_login_is_a_verdict_after_proof_only),
        cmocka_unit_test(row_05_a_request_for_somebody_elses_key_is_refused),
    };
    return cmocka_run_group_tests_name("handshake_signatures", tests, NULL, NULL);
}
