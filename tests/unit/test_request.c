/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "fake.h"
#include "pki/request.h"

static EVP_PKEY *own_key;
static EVP_PKEY *other_key;

static int start(void **state)
{
    (void)state;
    bool locked = false;
    bool ready = secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK &&
                 rsa_key_new(2048, &own_key) == MLT_OK && rsa_key_new(2048, &other_key) == MLT_OK;
    return ready ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    rsa_key_free(&own_key);
    rsa_key_free(&other_key);
    return 0;
}

static enum mlt_err read_der(struct span der)
{
    CLEANUP(request_clear) struct request r = { 0 };
    return request_read(der, &r);
}

/* Appended to `out`. */
static void put_good(struct buf *out)
{
    struct name name;
    assert_ok(name_parse(span_str("maria.silva"), &name));
    assert_ok(request_make(own_key, &name, out));
}

/* A request as libcrypto would make it, for the caller to spoil; not signed. */
static X509_REQ *draft(EVP_PKEY *key, const char *cn)
{
    X509_REQ *r = X509_REQ_new();
    X509_NAME *subject = fake_common_name(V_ASN1_UTF8STRING, cn);
    assert_int_equal(X509_REQ_set_subject_name(r, subject), 1);
    X509_NAME_free(subject);
    assert_int_equal(X509_REQ_set_pubkey(r, key), 1);
    return r;
}

static enum mlt_err read_signed(X509_REQ *r, EVP_PKEY *key, enum fake_signature how)
{
    fake_sign_request(r, key, how);
    uint8_t *der = NULL;
    int n = i2d_X509_REQ(r, &der);
    assert_true(n > 0);
    enum mlt_err err = read_der(span_of(der, (size_t)n));
    OPENSSL_free(der);
    X509_REQ_free(r);
    return err;
}

/* The good request with another modulus; the signature, looked at last, cannot fit. */
static enum mlt_err read_with_modulus(const BIGNUM *n)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    put_good(&der);
    BIGNUM *own = NULL;
    uint8_t bytes[256];
    assert_int_equal(EVP_PKEY_get_bn_param(own_key, OSSL_PKEY_PARAM_RSA_N, &own), 1);
    assert_int_equal(BN_bn2bin(own, bytes), sizeof bytes);
    uint8_t *at = memmem(der.p, der.len, bytes, sizeof bytes);
    assert_non_null(at);
    assert_int_equal(BN_bn2bin(n, at), sizeof bytes);
    BN_free(own);
    return read_der(buf_span(&der));
}

static void a_request_for_a_weak_key_is_refused_before_its_signature_is_looked_at(void **state)
{
    (void)state;
    BIGNUM *n = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(other_key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_err(read_with_modulus(n), MLT_ERR_AUTH); /* another key, a good one */
    BN_ULONG left = BN_mod_word(n, 2 * 751);
    assert_int_equal(BN_sub_word(n, left), 1); /* even, and a multiple of 751 */
    assert_err(read_with_modulus(n), MLT_ERR_REQUEST);
    assert_int_equal(BN_add_word(n, 751), 1); /* odd */
    assert_err(read_with_modulus(n), MLT_ERR_REQUEST);
    BN_free(n);
}

static void what_is_made_is_read(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(request_clear) struct request r = { 0 };
    put_good(&der);
    assert_ok(request_read(buf_span(&der), &r));
    assert_string_equal(r.name.text, "maria.silva");
    uint8_t hash[HASH_LEN];
    assert_ok(rsa_public_hash(own_key, hash));
    assert_memory_equal(r.spki_hash, hash, HASH_LEN);
    assert_int_equal(EVP_PKEY_eq(r.key, own_key), 1);
}

static void the_largest_key_and_name_fit_the_limit(void **state)
{
    (void)state;
    EVP_PKEY *key = fake_key(4096, 65537);
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct name name;
    assert_ok(name_parse(span_str("a2345678901234567890123456789012"), &name));
    assert_ok(request_make(key, &name, &der));
    assert_true(der.len <= LIMIT_REQUEST);
    assert_ok(read_der(buf_span(&der)));
    EVP_PKEY_free(key);
}

static void another_tools_request_within_the_profile_is_read(void **state)
{
    (void)state;
    assert_ok(read_signed(draft(own_key, "joao"), own_key, FAKE_PSS));
}

static void a_request_signed_by_another_key_is_refused(void **state)
{
    (void)state;
    assert_err(read_signed(draft(own_key, "joao"), other_key, FAKE_PSS), MLT_ERR_AUTH);
}

static void a_signature_of_another_kind_is_refused(void **state)
{
    (void)state;
    static const enum fake_signature kinds[] = { FAKE_PSS_SALT_20,  FAKE_PSS_MGF_SHA1,
                                                 FAKE_PSS_SHA384,   FAKE_PSS_SHA1,
                                                 FAKE_PKCS1_SHA256, FAKE_PKCS1_SHA1 };
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        assert_err(read_signed(draft(own_key, "joao"), own_key, kinds[i]), MLT_ERR_REQUEST);
}

static void a_key_outside_the_profile_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = { fake_key(1024, 65537), fake_key(2056, 65537), fake_key(2048, 3) };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_err(read_signed(draft(keys[i], "joao"), keys[i], FAKE_PSS), MLT_ERR_REQUEST);
        EVP_PKEY_free(keys[i]);
    }
    EVP_PKEY *one = fake_key(2048, 1); /* cannot sign: no private part */
    assert_err(read_signed(draft(one, "joao"), own_key, FAKE_PSS), MLT_ERR_REQUEST);
    EVP_PKEY_free(one);
}

static void attributes_are_refused(void **state)
{
    (void)state;
    X509_REQ *r = draft(own_key, "joao");
    X509_EXTENSION *wish = X509V3_EXT_nconf(NULL, NULL, "basicConstraints", "critical,CA:TRUE");
    STACK_OF(X509_EXTENSION) *wishes = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(wishes, wish);
    assert_int_equal(X509_REQ_add_extensions(r, wishes), 1);
    sk_X509_EXTENSION_pop_free(wishes, X509_EXTENSION_free);
    assert_err(read_signed(r, own_key, FAKE_PSS), MLT_ERR_REQUEST);

    r = draft(own_key, "joao");
    assert_int_equal(X509_REQ_add1_attr_by_NID(r, NID_pkcs9_challengePassword, MBSTRING_ASC,
                                               (const uint8_t *)"secret", -1),
                     1);
    assert_err(read_signed(r, own_key, FAKE_PSS), MLT_ERR_REQUEST);
}

static void a_subject_that_is_no_name_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "Joao", "jo ao", "joao.", "-joao", "jo\xc3\xa3o", "a23456789012345678901234567890123"
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_err(read_signed(draft(own_key, wrong[i]), own_key, FAKE_PSS), MLT_ERR_REQUEST);
}

static enum mlt_err read_subject(X509_NAME *subject)
{
    X509_REQ *r = draft(own_key, "joao");
    X509_REQ_set_subject_name(r, subject);
    X509_NAME_free(subject);
    return read_signed(r, own_key, FAKE_PSS);
}

static void a_subject_of_another_form_is_refused(void **state)
{
    (void)state;
    assert_err(read_subject(X509_NAME_new()), MLT_ERR_REQUEST);
    assert_err(read_subject(fake_common_name(V_ASN1_PRINTABLESTRING, "joao")), MLT_ERR_REQUEST);
    X509_NAME *more = fake_common_name(V_ASN1_UTF8STRING, "joao");
    X509_NAME_add_entry_by_txt(more, "O", V_ASN1_UTF8STRING, (const uint8_t *)"x", -1, -1, 0);
    assert_err(read_subject(more), MLT_ERR_REQUEST);
    X509_NAME *two = fake_common_name(V_ASN1_UTF8STRING, "joao");
    X509_NAME_add_entry_by_txt(two, "CN", V_ASN1_UTF8STRING, (const uint8_t *)"root", -1, -1, 0);
    assert_err(read_subject(two), MLT_ERR_REQUEST);
    X509_NAME *joined = fake_common_name(V_ASN1_UTF8STRING, "joao");
    X509_NAME_add_entry_by_txt(joined, "O", V_ASN1_UTF8STRING, (const uint8_t *)"x", -1, -1, -1);
    assert_err(read_subject(joined), MLT_ERR_REQUEST);
}

static void a_version_other_than_zero_is_refused(void **state)
{
    (void)state;
    X509_REQ *r = draft(own_key, "joao");
    assert_int_equal(X509_REQ_set_version(r, 1), 1);
    assert_err(read_signed(r, own_key, FAKE_PSS), MLT_ERR_REQUEST);
}

static void every_bit_of_a_request_counts(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    put_good(&der);
    for (size_t i = 0; i < 8 * der.len; i++) {
        der.p[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_true(read_der(buf_span(&der)) != MLT_OK);
        der.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_ok(read_der(buf_span(&der)));
}

static void truncated_trailing_and_oversized_requests_are_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    put_good(&der);
    for (size_t n = 0; n < der.len; n++)
        assert_err(read_der(span_of(der.p, n)), MLT_ERR_ENCODING);
    assert_ok(buf_put_u8(&der, 0));
    assert_err(read_der(buf_span(&der)), MLT_ERR_ENCODING);
    uint8_t *zeros = NULL;
    assert_ok(buf_extend(&der, LIMIT_REQUEST, &zeros));
    assert_err(read_der(buf_span(&der)), MLT_ERR_ENCODING);
}

static void ber_that_is_not_der_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf longer = { 0 };
    put_good(&der);
    assert_int_equal(der.p[1], 0x82);
    assert_ok(buf_put(&longer, span_of("\x30\x83\x00", 3)));
    assert_ok(buf_put(&longer, span_from(buf_span(&der), 2)));
    assert_err(read_der(buf_span(&longer)), MLT_ERR_ENCODING);
}

static void a_certificate_is_no_request(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    X509 *root = fake_root(own_key, FAKE_REALM, 1795000000);
    fake_der(root, &der);
    X509_free(root);
    assert_true(read_der(buf_span(&der)) != MLT_OK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_read),
        cmocka_unit_test(a_request_for_a_weak_key_is_refused_before_its_signature_is_looked_at),
        cmocka_unit_test(the_largest_key_and_name_fit_the_limit),
        cmocka_unit_test(another_tools_request_within_the_profile_is_read),
        cmocka_unit_test(a_request_signed_by_another_key_is_refused),
        cmocka_unit_test(a_signature_of_another_kind_is_refused),
        cmocka_unit_test(a_key_outside_the_profile_is_refused),
        cmocka_unit_test(attributes_are_refused),
        cmocka_unit_test(a_subject_that_is_no_name_is_refused),
        cmocka_unit_test(a_subject_of_another_form_is_refused),
        cmocka_unit_test(a_version_other_than_zero_is_refused),
        cmocka_unit_test(every_bit_of_a_request_counts),
        cmocka_unit_test(truncated_trailing_and_oversized_requests_are_refused),
        cmocka_unit_test(ber_that_is_not_der_is_refused),
        cmocka_unit_test(a_certificate_is_no_request),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
