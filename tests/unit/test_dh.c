/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"
#include "crypto/dh.h"

static int start(void **state)
{
    (void)state;
    bool locked = false;
    return secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK ? 0 : -1;
}

static void free_bn(BIGNUM **bn)
{
    BN_free(*bn);
}

static void both_sides_agree(void **state)
{
    (void)state;
    for (enum dh_group group = DH_FFDHE2048; group <= DH_FFDHE4096; group++) {
        CLEANUP(dh_key_free) EVP_PKEY *a = NULL;
        CLEANUP(dh_key_free) EVP_PKEY *b = NULL;
        CLEANUP(buf_clear) struct buf ya = { 0 };
        CLEANUP(buf_clear) struct buf yb = { 0 };
        CLEANUP(secret_clear) struct secret za = { 0 };
        CLEANUP(secret_clear) struct secret zb = { 0 };
        assert_ok(dh_key_new(group, &a));
        assert_ok(dh_key_new(group, &b));
        assert_ok(dh_key_public(a, group, &ya));
        assert_ok(dh_key_public(b, group, &yb));
        assert_int_equal(ya.len, dh_group_size(group));
        assert_ok(dh_derive(a, group, buf_span(&yb), &za));
        assert_ok(dh_derive(b, group, buf_span(&ya), &zb));
        assert_int_equal(za.n, dh_group_size(group));
        assert_true(secret_eq(secret_span(&za), secret_span(&zb)));
    }
}

/* floor(2^shift * e), from the series; 64 guard bits absorb the truncated terms. */
static BIGNUM *scaled_e(int shift)
{
    BIGNUM *sum = BN_new();
    BIGNUM *term = BN_new();
    assert_int_equal(BN_set_bit(term, shift + 64), 1);
    for (BN_ULONG k = 1; !BN_is_zero(term); k++) {
        assert_int_equal(BN_add(sum, sum, term), 1);
        BN_div_word(term, k);
    }
    assert_int_equal(BN_rshift(sum, sum, 64), 1);
    BN_free(term);
    return sum;
}

/* RFC 7919 A: p = 2^b - 2^(b-64) + {[2^(b-130) e] + X} 2^64 - 1, computed here from nothing. */
static void the_groups_are_those_of_rfc7919(void **state)
{
    (void)state;
    static const BN_ULONG x[] = { 560316, 2625351, 5736041 };
    for (enum dh_group group = DH_FFDHE2048; group <= DH_FFDHE4096; group++) {
        int bits = 8 * (int)dh_group_size(group);
        CLEANUP(free_bn) BIGNUM *wanted = scaled_e(bits - 130);
        CLEANUP(free_bn) BIGNUM *term = BN_new();
        BN_add_word(wanted, x[group - DH_FFDHE2048]);
        BN_lshift(wanted, wanted, 64);
        BN_set_bit(term, bits);
        BN_add(wanted, wanted, term);
        BN_zero(term);
        BN_set_bit(term, bits - 64);
        BN_sub(wanted, wanted, term);
        BN_sub_word(wanted, 1);
        struct span p, g;
        dh_group_params(group, &p, &g);
        uint8_t bytes[DH_PUBLIC_MAX];
        assert_int_equal(BN_bn2bin(wanted, bytes), bits / 8);
        assert_span_equal(p, span_of(bytes, p.n));
        assert_int_equal(g.n, 1);
        assert_int_equal(g.p[0], 2);
    }
}

static void only_known_groups_are_found(void **state)
{
    (void)state;
    struct span p, g;
    enum dh_group group = DH_NONE;
    dh_group_params(DH_FFDHE3072, &p, &g);
    assert_ok(dh_group_from_params(p, g, &group));
    assert_int_equal(group, DH_FFDHE3072);
    uint8_t changed[DH_PUBLIC_MAX];
    memcpy(changed, p.p, p.n);
    for (size_t bit = 0; bit < 8 * p.n; bit += 13) {
        changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_err(dh_group_from_params(span_of(changed, p.n), g, &group), MLT_ERR_GROUP);
        changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    static const uint8_t generators[] = { 0, 1, 3, 5 };
    for (size_t i = 0; i < COUNT_OF(generators); i++)
        assert_err(dh_group_from_params(p, span_of(&generators[i], 1), &group), MLT_ERR_GROUP);
    assert_err(dh_group_from_params(span_of(p.p, p.n - 1), g, &group), MLT_ERR_GROUP);
    assert_err(dh_group_from_params(span_of(NULL, 0), g, &group), MLT_ERR_GROUP);
}

/* Row 1 of the attack list: every value outside the subgroup of order q, in every group. */
static void unacceptable_public_values_are_refused(void **state)
{
    (void)state;
    for (enum dh_group group = DH_FFDHE2048; group <= DH_FFDHE4096; group++) {
        struct span p, g;
        dh_group_params(group, &p, &g);
        CLEANUP(dh_key_free) EVP_PKEY *key = NULL;
        CLEANUP(secret_clear) struct secret z = { 0 };
        assert_ok(dh_key_new(group, &key));
        uint8_t y[DH_PUBLIC_MAX + 1] = { 0 };
        struct span value = { y, p.n };
        assert_err(dh_derive(key, group, value, &z), MLT_ERR_DH_VALUE); /* 0 */
        y[p.n - 1] = 1;
        assert_err(dh_derive(key, group, value, &z), MLT_ERR_DH_VALUE); /* 1 */
        memcpy(y, p.p, p.n);
        assert_err(dh_derive(key, group, value, &z), MLT_ERR_DH_VALUE); /* p */
        y[p.n - 1] -= 1;
        assert_err(dh_derive(key, group, value, &z), MLT_ERR_DH_VALUE); /* p - 1 */
        y[p.n - 1] -= 1;
        assert_err(dh_derive(key, group, value, &z), MLT_ERR_DH_VALUE); /* p - 2: order 2q */
        memset(y, 0xff, p.n);
        assert_err(dh_derive(key, group, value, &z), MLT_ERR_DH_VALUE); /* > p */
        memset(y, 0, sizeof(y));
        y[p.n] = 2;
        assert_err(dh_derive(key, group, span_of(y, p.n + 1), &z), MLT_ERR_DH_VALUE);
        y[p.n - 1] = 4;
        assert_err(dh_derive(key, group, span_of(y + 1, p.n - 1), &z), MLT_ERR_DH_VALUE);
        assert_err(dh_derive(key, group, span_of(y, 0), &z), MLT_ERR_DH_VALUE);
        assert_null(z.p);
        assert_ok(dh_check_public(group, value)); /* 4 = 2^2 is a residue */
    }
}

/* The shared secret keeps its leading zeros: one in 256 has one. */
static void z_is_left_padded(void **state)
{
    (void)state;
    CLEANUP(dh_key_free) EVP_PKEY *key = NULL;
    assert_ok(dh_key_new(DH_FFDHE2048, &key));
    CLEANUP(free_bn) BIGNUM *x = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &x), 1);
    struct span p, g;
    dh_group_params(DH_FFDHE2048, &p, &g);
    CLEANUP(free_bn) BIGNUM *modulus = BN_bin2bn(p.p, (int)p.n, NULL);
    CLEANUP(free_bn) BIGNUM *expected = BN_new();
    CLEANUP(free_bn) BIGNUM *base = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    bool met = false;
    for (unsigned i = 2; i < 5000 && !met; i++) {
        BN_set_word(base, (BN_ULONG)i * i);
        uint8_t y[256];
        BN_bn2binpad(base, y, sizeof(y));
        BN_mod_exp(expected, base, x, modulus, ctx);
        met = BN_num_bytes(expected) < 256;
        if (!met)
            continue;
        uint8_t wanted[256];
        BN_bn2binpad(expected, wanted, sizeof(wanted));
        CLEANUP(secret_clear) struct secret z = { 0 };
        assert_ok(dh_derive(key, DH_FFDHE2048, SPAN_OF(y), &z));
        assert_span_equal(secret_span(&z), SPAN_OF(wanted));
        assert_int_equal(z.p[0], 0);
    }
    assert_true(met);
    BN_CTX_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(the_groups_are_those_of_rfc7919),
        cmocka_unit_test(only_known_groups_are_found),
        cmocka_unit_test(unacceptable_public_values_are_refused),
        cmocka_unit_test(z_is_left_padded),
    };
    return cmocka_run_group_tests_name("dh", tests, start, NULL);
}
