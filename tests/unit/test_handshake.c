/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "crypto/kdf.h"
#include "crypto/rsa.h"
#include "pair.h"
#include "protocol/actions.h"

/* The handshake as it should go, and what each side knows at its end. */

static void expect_agreement(struct pair *p)
{
    struct hs_result *s = &p->server_result;
    struct hs_result *c = &p->client_result;
    const uint8_t header[] = { FRAME_RECORD, 0, 0, 33 };
    assert_ok(buf_put(&p->to_client, SPAN_OF(header)));
    assert_ok(pair_move_client(p));
    assert_int_equal(hs_want(p->client), HS_WANT_SESSION);
    assert_int_equal(p->to_client.len, sizeof(header)); /* the record is the session's */
    assert_ok(hs_take_result(p->server, s));
    assert_ok(hs_take_result(p->client, c));
    assert_true(secret_eq(secret_span(&s->send), secret_span(&c->receive)));
    assert_true(secret_eq(secret_span(&s->receive), secret_span(&c->send)));
    assert_false(secret_eq(secret_span(&s->send), secret_span(&s->receive)));
    assert_int_equal(s->send.n, KDF_LEN);
    assert_int_equal(s->features, 5);
    assert_int_equal(c->features, 5);
    assert_string_equal(hs_id(p->server), hs_id(p->client));
    assert_string_equal(c->peer.fields.name.text, "relay");
    assert_string_equal(c->ca.fields.realm, PAIR_REALM);
    assert_span_equal(buf_span(&c->ca_der), buf_span(&pair_house()->ca_der));
}

static void both_kinds_of_login_succeed(void **state)
{
    (void)state;
    for (int kind = CLIENT_AUTH_RECEIVE; kind <= CLIENT_AUTH_SEND; kind++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, (enum client_auth_kind)kind);
        pair_start(&p);
        assert_ok(pair_handshake(&p));
        expect_agreement(&p);
        assert_string_equal(p.server_result.peer.fields.name.text, PAIR_USER);
        assert_int_equal(p.server_result.peer_verdict, MLT_OK);
        assert_int_equal(hs_client_auth(p.server)->kind, kind);
    }
}

static void enrol_without_an_invite_succeeds(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_ENROL);
    pair_start(&p);
    assert_ok(pair_handshake(&p));
    expect_agreement(&p);
    assert_null(p.server_result.peer.x509);
    const struct client_auth *auth = hs_client_auth(p.server);
    assert_int_equal(auth->kind, CLIENT_AUTH_ENROL);
    assert_string_equal(auth->name.text, PAIR_USER);
    assert_false(auth->has_invite);
    assert_true(auth->request.n > 0);
}

/* The proof is what the CA will compute from the token, and the token is nowhere in it. */
static void enrol_with_an_invite_carries_its_proof(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf input = { 0 };
    const struct pair_house *house = pair_house();
    const struct invite invite = { .id = { 1, 2 }, .token = { 0xaa, 0xbb } };
    uint8_t key_hash[HASH_LEN];
    uint8_t proof[HASH_LEN];
    pair_init(&p, CLIENT_AUTH_ENROL);
    p.client_config.invite = &invite;
    pair_start(&p);
    assert_ok(pair_handshake(&p));
    expect_agreement(&p);

    const struct client_auth *auth = hs_client_auth(p.server);
    assert_ok(rsa_public_hash(house->client_key, key_hash));
    assert_ok(invite_proof_input(house->ca.spki_hash, &auth->name, span_str(PAIR_REALM), key_hash,
                                 &input));
    struct span covered = buf_span(&input);
    assert_ok(hash_hmac(SPAN_OF(invite.token), &covered, 1, proof));
    assert_true(auth->has_invite);
    assert_memory_equal(auth->invite_id, invite.id, INVITE_ID);
    assert_memory_equal(auth->proof, proof, INVITE_PROOF);
}

static void every_group_works(void **state)
{
    (void)state;
    for (int group = DH_FFDHE2048; group <= DH_FFDHE4096; group++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_SEND);
        p.server_config.group = (enum dh_group)group;
        p.client_config.min_group = (enum dh_group)group;
        pair_start(&p);
        assert_ok(pair_handshake(&p));
        expect_agreement(&p);
    }
}

static void login_and_enrol_look_alike_on_the_wire(void **state)
{
    (void)state;
    size_t sizes[CLIENT_AUTH_ENROL + 1] = { 0 };
    for (int kind = CLIENT_AUTH_RECEIVE; kind <= CLIENT_AUTH_ENROL; kind++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, (enum client_auth_kind)kind);
        pair_start(&p);
        pair_run_to(&p, FRAME_CLIENT_AUTH);
        sizes[kind] = p.to_server.len;
    }
    assert_int_equal(sizes[CLIENT_AUTH_RECEIVE], FRAME_HEADER + LIMIT_CLIENT_AUTH + ETM_TAG);
    assert_int_equal(sizes[CLIENT_AUTH_SEND], sizes[CLIENT_AUTH_RECEIVE]);
    assert_int_equal(sizes[CLIENT_AUTH_ENROL], sizes[CLIENT_AUTH_RECEIVE]);
}

/* The client stays dark: his name and his certificate cross under the seal only. */
static void no_name_crosses_in_the_clear(void **state)
{
    (void)state;
    const struct span name = span_str(PAIR_USER);
    for (int kind = CLIENT_AUTH_RECEIVE; kind <= CLIENT_AUTH_ENROL; kind++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, (enum client_auth_kind)kind);
        pair_start(&p);
        pair_run_to(&p, FRAME_CLIENT_HELLO);
        assert_null(memmem(p.to_server.p, p.to_server.len, name.p, name.n));
        assert_ok(pair_move_server(&p));
        assert_null(memmem(p.to_client.p, p.to_client.len, "relay", 5));
        assert_ok(pair_move_client(&p));
        assert_null(memmem(p.to_server.p, p.to_server.len, name.p, name.n));
        assert_null(memmem(p.to_server.p, p.to_server.len, "@" PAIR_REALM, 5));
    }
}

static void bytes_may_come_one_at_a_time(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf all = { 0 };
    pair_init(&p, CLIENT_AUTH_ENROL);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_AUTH);
    assert_ok(buf_put(&all, buf_span(&p.to_server)));
    for (size_t n = 0; n < all.len; n++) {
        size_t used = 1;
        assert_ok(hs_input(p.server, span_of(all.p, n), &used, &p.to_client));
        assert_int_equal(used, 0);
        assert_int_equal(hs_want(p.server), HS_WANT_INPUT);
    }
    assert_ok(pair_handshake(&p));
}

static void only_the_first_frame_is_taken(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    size_t used = 0;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    size_t frame = p.to_client.len;
    assert_ok(buf_put_u8(&p.to_client, FRAME_RECORD));
    assert_ok(hs_input(p.client, buf_span(&p.to_client), &used, &p.to_server));
    assert_int_equal(used, frame);
}

static void keys_are_fresh_in_every_handshake(void **state)
{
    (void)state;
    struct secret before = { 0 };
    uint8_t public_before[256] = { 0 };
    for (int i = 0; i < 3; i++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        pair_run_to(&p, FRAME_CLIENT_HELLO);
        const uint8_t *public = p.to_server.p + FRAME_HEADER + 32 + 2;
        assert_memory_not_equal(public, public_before, sizeof(public_before));
        memcpy(public_before, public, sizeof(public_before));
        assert_ok(pair_handshake(&p));
        assert_ok(hs_take_result(p.server, &p.server_result));
        assert_false(secret_eq(secret_span(&before), secret_span(&p.server_result.send)));
        assert_ok(secret_copy(&before, secret_span(&p.server_result.send)));
    }
    secret_clear(&before);
}

static void an_ephemeral_pair_may_be_made_ahead(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    size_t used = 0;
    EVP_PKEY *key = NULL;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    assert_ok(hs_input(p.server, buf_span(&p.to_server), &used, &p.to_client));
    buf_drop(&p.to_server, used);
    assert_ok(dh_key_new(DH_FFDHE2048, &key));
    assert_int_equal(hs_want(p.server), HS_WANT_EPHEMERAL);
    assert_ok(hs_give_ephemeral(p.server, &key));
    assert_null(key);
    assert_int_equal(hs_want(p.server), HS_WANT_DERIVE);
    assert_ok(pair_handshake(&p));
    expect_agreement(&p);
}

/* A worker may go on while there is work: one answer for all of it. */
static void heavy_steps_may_run_in_a_row(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    size_t used = 0;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    assert_ok(hs_input(p.server, buf_span(&p.to_server), &used, &p.to_client));
    buf_drop(&p.to_server, used);
    while (hs_want(p.server) != HS_WANT_INPUT)
        hs_work(p.server);
    assert_int_equal(p.to_client.len, 0);
    assert_err(hs_input(p.server, span_str("x"), &used, &p.to_client), MLT_ERR_STATE);
    assert_ok(hs_worked(p.server, &p.to_client));
    assert_err(hs_worked(p.server, &p.to_client), MLT_ERR_STATE);
    assert_ok(pair_handshake(&p));
    expect_agreement(&p);
}

static void work_that_is_not_wanted_is_not_done(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    hs_work(p.server);
    assert_int_equal(hs_want(p.server), HS_WANT_INPUT);
    assert_err(hs_worked(p.server, &p.to_client), MLT_ERR_STATE);
    assert_ok(pair_handshake(&p));
}

static void the_result_is_taken_once(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    assert_err(hs_take_result(p.server, &p.server_result), MLT_ERR_STATE);
    assert_ok(pair_handshake(&p));
    assert_ok(hs_take_result(p.server, &p.server_result));
    struct hs_result again = { 0 };
    assert_err(hs_take_result(p.server, &again), MLT_ERR_STATE);
    assert_null(again.send.p);
    /* Until his first record the client cannot know that he was believed. */
    assert_err(hs_take_result(p.client, &p.client_result), MLT_ERR_STATE);
}

static void sessions_carry_records_after_the_handshake(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    size_t used = 0;
    enum record_kind kind = 0;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_sessions(&p, &session_default_limits);
    assert_ok(session_seal(&p.client_session, RECORD_PING, (struct span) { 0 }, &p.to_server));
    assert_ok(session_open(&p.server_session, buf_span(&p.to_server), &used, &kind, &plain,
                           &p.to_client));
    assert_int_equal(kind, RECORD_PING);
}

static void ids_are_eight_digits_and_known_to_both(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    assert_ok(hs_client_new(&p.client_config, &p.client));
    assert_string_equal(hs_id(p.client), "--------");
    hs_free(&p.client);
    pair_start(&p);
    assert_ok(pair_move_client(&p));
    assert_int_equal(strspn(hs_id(p.client), "0123456789abcdef"), 8);
    assert_string_equal(hs_id(p.client), hs_id(p.server));
}

/* ---- the key schedule, computed again from what crossed ---- */

static void expand(const struct secret *from, const char *label, struct span context,
                   struct secret *out)
{
    assert_ok(kdf_expand_label(from, label, context, 32, out));
}

/* What both sides hashed: plaintext with framing; *all is everything through client Finished. */
static void put_transcript(struct pair *p, struct span hellos, struct buf *all)
{
    const struct handshake *c = p->client;
    const struct handshake *s = p->server;
    const uint8_t client_auth_header[] = { FRAME_CLIENT_AUTH, 0, 0x20, 0x20 };
    struct span server_plain = buf_span(&c->received);
    struct span client_plain = buf_span(&s->received);
    const struct client_auth_parts *parts = &s->client_parts;
    size_t unpadded = parts->body.n + parts->signature_field.n + parts->finished.n;
    assert_ok(buf_put(all, hellos));
    assert_ok(buf_put(all, buf_span(&s->in_clear))); /* frame header and Ys */
    assert_ok(buf_put(all, server_plain));
    assert_ok(buf_put(all, SPAN_OF(client_auth_header)));
    assert_ok(buf_put(all, span_of(client_plain.p, unpadded)));
}

static void session_secret(const struct handshake *hs, struct span transcript, const char *label,
                           struct secret *out)
{
    uint8_t th2[HASH_LEN];
    assert_ok(hash_sha256(transcript, th2));
    expand(&hs->schedule.master, label, SPAN_OF(th2), out);
}

static void session_keys_come_from_the_transcript_through_the_clients_finished(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf all = { 0 };
    CLEANUP(buf_clear) struct buf hellos = { 0 };
    CLEANUP(secret_clear) struct secret wanted = { 0 };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    assert_ok(buf_put(&hellos, buf_span(&p.to_client)));
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    assert_ok(buf_put(&hellos, buf_span(&p.to_server)));
    assert_ok(pair_handshake(&p));
    put_transcript(&p, buf_span(&hellos), &all);
    const struct hs_result *r = &p.server->result;

    session_secret(p.server, buf_span(&all), "s ap", &wanted);
    assert_true(secret_eq(secret_span(&wanted), secret_span(&r->send)));
    session_secret(p.server, buf_span(&all), "c ap", &wanted);
    assert_true(secret_eq(secret_span(&wanted), secret_span(&r->receive)));

    /* Short of the Finished, and short of the signature, they would be others. */
    struct span short_of_finished = span_of(all.p, all.len - CLIENT_AUTH_FINISHED);
    session_secret(p.server, short_of_finished, "s ap", &wanted);
    assert_false(secret_eq(secret_span(&wanted), secret_span(&r->send)));
    /* And each byte of what was said is in them. */
    for (size_t at = 0; at < all.len; at += 97) {
        all.p[at] ^= 1;
        session_secret(p.server, buf_span(&all), "s ap", &wanted);
        assert_false(secret_eq(secret_span(&wanted), secret_span(&r->send)));
        all.p[at] ^= 1;
    }
}

/* PROTOCOL.md 5.2 written out a second time, from Z. */
static void the_key_schedule_is_the_documented_one(void **state)
{
    (void)state;
    (void)pair_house(); /* starts the secret heap */
    static const uint8_t zeros[32];
    uint8_t th1[HASH_LEN] = { 1 };
    CLEANUP(secret_clear) struct secret z = { 0 };
    CLEANUP(secret_clear) struct secret hs = { 0 };
    CLEANUP(secret_clear) struct secret want = { 0 };
    CLEANUP(schedule_clear) struct schedule s = { 0 };
    assert_ok(secret_new(&z, 256));
    z.p[255] = 9; /* leading zeros count */
    assert_ok(schedule_start(&s, &z, th1));

    struct span ikm = secret_span(&z);
    assert_ok(secret_new(&hs, 32));
    assert_ok(hash_hmac(SPAN_OF(zeros), &ikm, 1, hs.p));
    expand(&hs, "s hs", SPAN_OF(th1), &want);
    assert_true(secret_eq(secret_span(&want), secret_span(&s.server)));
    expand(&hs, "c hs", SPAN_OF(th1), &want);
    assert_true(secret_eq(secret_span(&want), secret_span(&s.client)));
    expand(&hs, "derived", (struct span) { 0 }, &want);
    struct span no_more = SPAN_OF(zeros);
    uint8_t master[HASH_LEN];
    assert_ok(hash_hmac(secret_span(&want), &no_more, 1, master));
    assert_true(secret_eq(SPAN_OF(master), secret_span(&s.master)));

    uint8_t finished[HASH_LEN], expected[HASH_LEN];
    struct span covered = SPAN_OF(th1);
    assert_ok(schedule_finished(&s.client, th1, finished));
    expand(&s.client, "finished", (struct span) { 0 }, &want);
    assert_ok(hash_hmac(secret_span(&want), &covered, 1, expected));
    assert_memory_equal(finished, expected, HASH_LEN);

    expand(&s.client, "rekey", (struct span) { 0 }, &want);
    assert_ok(schedule_next(&s.client));
    assert_true(secret_eq(secret_span(&want), secret_span(&s.client)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_of_login_succeed),
        cmocka_unit_test(enrol_without_an_invite_succeeds),
        cmocka_unit_test(enrol_with_an_invite_carries_its_proof),
        cmocka_unit_test(every_group_works),
        cmocka_unit_test(login_and_enrol_look_alike_on_the_wire),
        cmocka_unit_test(no_name_crosses_in_the_clear),
        cmocka_unit_test(bytes_may_come_one_at_a_time),
        cmocka_unit_test(only_the_first_frame_is_taken),
        cmocka_unit_test(keys_are_fresh_in_every_handshake),
        cmocka_unit_test(an_ephemeral_pair_may_be_made_ahead),
        cmocka_unit_test(heavy_steps_may_run_in_a_row),
        cmocka_unit_test(work_that_is_not_wanted_is_not_done),
        cmocka_unit_test(the_result_is_taken_once),
        cmocka_unit_test(sessions_carry_records_after_the_handshake),
        cmocka_unit_test(ids_are_eight_digits_and_known_to_both),
        cmocka_unit_test(session_keys_come_from_the_transcript_through_the_clients_finished),
        cmocka_unit_test(the_key_schedule_is_the_documented_one),
    };
    return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
