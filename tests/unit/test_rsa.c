/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/crypto.h"
#include "crypto/rsa.h"

static EVP_PKEY *key;
static EVP_PKEY *other;

static int start(void **state)
{
    (void)state;
    bool locked = false;
    bool ready = secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK &&
                 rsa_key_new(2048, &key) == MLT_OK && rsa_key_new(2048, &other) == MLT_OK;
    return ready ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    rsa_key_free(&key);
    rsa_key_free(&other);
    return 0;
}

static const uint8_t digest[HASH_LEN] = "thirty-two bytes of a transcript";

static void a_signature_verifies_for_its_key_purpose_and_digest_only(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf s = { 0 };
    assert_ok(rsa_sign(key, RSA_CLIENT_HANDSHAKE, digest, &s));
    assert_int_equal(s.len, 256);
    assert_ok(rsa_verify(key, RSA_CLIENT_HANDSHAKE, digest, buf_span(&s)));
    assert_err(rsa_verify(other, RSA_CLIENT_HANDSHAKE, digest, buf_span(&s)), MLT_ERR_AUTH);
    /* Row 16 of the attack list: one use of a key is never another. */
    assert_err(rsa_verify(key, RSA_SERVER_HANDSHAKE, digest, buf_span(&s)), MLT_ERR_AUTH);
    assert_err(rsa_verify(key, RSA_TRIAL, digest, buf_span(&s)), MLT_ERR_AUTH);
    uint8_t changed[HASH_LEN];
    memcpy(changed, digest, HASH_LEN);
    changed[31] ^= 1;
    assert_err(rsa_verify(key, RSA_CLIENT_HANDSHAKE, changed, buf_span(&s)), MLT_ERR_AUTH);
    for (size_t n = 0; n < s.len; n += 17)
        assert_err(rsa_verify(key, RSA_CLIENT_HANDSHAKE, digest, span_of(s.p, n)), MLT_ERR_AUTH);
}

static void another_padding_or_salt_length_is_refused(void **state)
{
    (void)state;
    static const int salts[] = { 0, 20, 222 };
    for (size_t i = 0; i <= COUNT_OF(salts); i++) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        bool pss = i < COUNT_OF(salts);
        EVP_PKEY_CTX_set_rsa_padding(ctx, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING);
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256());
        if (pss)
            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salts[i]);
        CLEANUP(buf_clear) struct buf message = { 0 };
        assert_ok(buf_put(&message, span_of("malote v1 trial", 16)));
        assert_ok(buf_put(&message, SPAN_OF(digest)));
        uint8_t hash[HASH_LEN], signature[256];
        size_t n = sizeof(signature);
        assert_ok(hash_sha256(buf_span(&message), hash));
        assert_int_equal(EVP_PKEY_sign(ctx, signature, &n, hash, sizeof(hash)), 1);
        assert_err(rsa_verify(key, RSA_TRIAL, digest, SPAN_OF(signature)), MLT_ERR_AUTH);
        EVP_PKEY_CTX_free(ctx);
    }
}

static void keys_go_round_and_damage_is_found(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret der = { 0 };
    CLEANUP(rsa_key_free) EVP_PKEY *again = NULL;
    assert_ok(rsa_private_encode(key, &der));
    assert_ok(rsa_private_decode(secret_span(&der), &again));
    assert_ok(rsa_key_check(again, true));
    assert_int_equal(EVP_PKEY_eq(key, again), 1);
    unsigned found = 0;
    unsigned tried = 0;
    for (size_t at = 40; at + 1 < der.n; at += 97, tried++) {
        der.p[at] ^= 4;
        CLEANUP(rsa_key_free) EVP_PKEY *bad = NULL;
        enum mlt_err err = rsa_private_decode(secret_span(&der), &bad);
        found += err != MLT_OK || rsa_key_check(bad, true) != MLT_OK;
        der.p[at] ^= 4;
    }
    assert_int_equal(found, tried);
}

static void small_keys_and_odd_exponents_are_refused(void **state)
{
    (void)state;
    CLEANUP(rsa_key_free) EVP_PKEY *small = EVP_RSA_gen(1024);
    assert_err(rsa_key_check(small, false), MLT_ERR_DAMAGED);
    CLEANUP(rsa_key_free) EVP_PKEY *made = NULL;
    assert_err(rsa_key_new(1024, &made), MLT_ERR_USAGE);
    assert_err(rsa_key_new(2049, &made), MLT_ERR_USAGE);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *three = BN_new();
    BN_set_word(three, 3);
    CLEANUP(rsa_key_free) EVP_PKEY *odd = NULL;
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three);
    assert_int_equal(EVP_PKEY_generate(ctx, &odd), 1);
    assert_err(rsa_key_check(odd, false), MLT_ERR_DAMAGED);
    BN_free(three);
    EVP_PKEY_CTX_free(ctx);
}

static void what_was_wrapped_unwraps_under_its_label_only(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    CLEANUP(secret_clear) struct secret got = { 0 };
    assert_ok(rsa_wrap(key, span_str("maria 1"), span_str("segment key"), &wrapped));
    assert_ok(rsa_unwrap(key, span_str("maria 1"), buf_span(&wrapped), &got));
    assert_span_equal(secret_span(&got), span_str("segment key"));
    assert_err(rsa_unwrap(key, span_str("maria 2"), buf_span(&wrapped), &got), MLT_ERR_AUTH);
    assert_err(rsa_unwrap(other, span_str("maria 1"), buf_span(&wrapped), &got), MLT_ERR_AUTH);
    wrapped.p[100] ^= 1;
    assert_err(rsa_unwrap(key, span_str("maria 1"), buf_span(&wrapped), &got), MLT_ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_verifies_for_its_key_purpose_and_digest_only),
        cmocka_unit_test(another_padding_or_salt_length_is_refused),
        cmocka_unit_test(keys_go_round_and_damage_is_found),
        cmocka_unit_test(small_keys_and_odd_exponents_are_refused),
        cmocka_unit_test(what_was_wrapped_unwraps_under_its_label_only),
    };
    return cmocka_run_group_tests_name("rsa", tests, start, stop);
}
