/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "crypto/rsa.h"
#include "pair.h"
#include "wire/server_hello.h"

/* What a login leaves for ca to judge: its nonce in ServerHello, and the bytes that were signed. */

static const uint8_t nonce[MAILBOX_NONCE] = { 0xca, 1, 2, 3 };

static void start_with_nonce(struct pair *p, enum client_auth_kind kind)
{
    pair_init(p, kind);
    assert_ok(hs_server_new(&p->server_config, &p->server));
    assert_ok(hs_client_new(&p->client_config, &p->client));
    assert_ok(hs_give_nonce(p->server, nonce));
    assert_ok(hs_begin(p->server, &p->to_client));
}

static bool take_entry(struct span frame, struct typed_entry *entry)
{
    struct server_hello hello = { 0 };
    assert_ok(server_hello_decode(span_from(frame, FRAME_HEADER), &hello));
    return typed_list_next(&hello.list, entry);
}

static void server_hello_carries_the_nonce(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    struct typed_entry entry = { 0 };
    start_with_nonce(&p, CLIENT_AUTH_RECEIVE);
    assert_true(take_entry(buf_span(&p.to_client), &entry));
    assert_int_equal(entry.type, SERVER_HELLO_MAILBOX_NONCE);
    assert_span_equal(entry.value, SPAN_OF(nonce));
}

static void without_a_nonce_the_list_is_empty_and_nothing_is_kept(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    struct typed_entry entry = { 0 };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    assert_false(take_entry(buf_span(&p.to_client), &entry));
    assert_ok(pair_handshake(&p));
    assert_ok(hs_take_result(p.server, &p.server_result));
    assert_int_equal(p.server_result.transcript.len, 0);
    assert_int_equal(p.server_result.signature.len, 0);
}

static void the_bytes_kept_are_those_the_client_signed(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    uint8_t digest[HASH_LEN];
    start_with_nonce(&p, CLIENT_AUTH_RECEIVE);
    CLEANUP(buf_clear) struct buf hello = { 0 };
    assert_ok(buf_put(&hello, buf_span(&p.to_client)));
    assert_ok(pair_handshake(&p));
    assert_ok(hs_take_result(p.server, &p.server_result));
    struct span kept = buf_span(&p.server_result.transcript);
    struct span signature = buf_span(&p.server_result.signature);
    EVP_PKEY *key = pair_house()->client_key;
    assert_span_equal(span_of(kept.p, hello.len), buf_span(&hello));
    assert_ok(hash_sha256(kept, digest));
    assert_ok(rsa_verify(key, RSA_CLIENT_HANDSHAKE, digest, signature));
    /* One byte more or less would be something else. */
    assert_ok(hash_sha256(span_of(kept.p, kept.n - 1), digest));
    assert_err(rsa_verify(key, RSA_CLIENT_HANDSHAKE, digest, signature), MLT_ERR_AUTH);
}

static void other_kinds_leave_nothing(void **state)
{
    (void)state;
    for (int kind = CLIENT_AUTH_SEND; kind <= CLIENT_AUTH_ENROL; kind++) {
        CLEANUP(pair_clear) struct pair p;
        start_with_nonce(&p, (enum client_auth_kind)kind);
        assert_ok(pair_handshake(&p));
        assert_ok(hs_take_result(p.server, &p.server_result));
        assert_int_equal(p.server_result.transcript.len, 0);
        assert_int_equal(p.server_result.signature.len, 0);
    }
}

static void a_nonce_comes_before_server_hello_or_not_at_all(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    assert_err(hs_give_nonce(p.server, nonce), MLT_ERR_STATE);
    assert_err(hs_give_nonce(p.client, nonce), MLT_ERR_STATE);
    assert_ok(pair_handshake(&p));
}

static void the_longest_groups_proof_fits(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.server_config.group = p.client_config.min_group = DH_FFDHE4096;
    assert_ok(hs_server_new(&p.server_config, &p.server));
    assert_ok(hs_client_new(&p.client_config, &p.client));
    assert_ok(hs_give_nonce(p.server, nonce));
    assert_ok(hs_begin(p.server, &p.to_client));
    assert_ok(pair_handshake(&p));
    assert_ok(hs_take_result(p.server, &p.server_result));
    assert_in_range(p.server_result.transcript.len, 4096, LIMIT_TRANSCRIPT / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_hello_carries_the_nonce),
        cmocka_unit_test(without_a_nonce_the_list_is_empty_and_nothing_is_kept),
        cmocka_unit_test(the_bytes_kept_are_those_the_client_signed),
        cmocka_unit_test(other_kinds_leave_nothing),
        cmocka_unit_test(a_nonce_comes_before_server_hello_or_not_at_all),
        cmocka_unit_test(the_longest_groups_proof_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
