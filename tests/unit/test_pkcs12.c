/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/pkcs12.h>

#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/pkcs12.h"
#include "crypto/rsa.h"
#include "fake.h"

static struct fake fake;
static struct buf certificate; /* the CA's */
static struct buf file;        /* key and certificate of the CA */

static const char phrase[] = "eight words of an administrator, ção";

static enum mlt_err make(EVP_PKEY *key, const char *passphrase, struct buf *out)
{
    const struct pkcs12 p = { .key = key, .certificate = certificate };
    return pkcs12_make(&p, "malote CA", span_str(passphrase), out);
}

static int start(void **state)
{
    (void)state;
    bool locked = false;
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        return -1;
    fake_start(&fake, 1795000000);
    fake_der(fake.ca.x509, &certificate);
    return make(fake.ca_key, phrase, &file) == MLT_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    buf_clear(&file);
    buf_clear(&certificate);
    fake_stop(&fake);
    return 0;
}

static enum mlt_err read_with(struct span bytes, const char *passphrase)
{
    CLEANUP(pkcs12_clear) struct pkcs12 got = { 0 };
    enum mlt_err err = pkcs12_read(bytes, span_str(passphrase), &got);
    assert_true((err == MLT_OK) == (got.key != NULL));
    return err;
}

static void key_and_certificate_come_back(void **state)
{
    (void)state;
    CLEANUP(pkcs12_clear) struct pkcs12 got = { 0 };
    uint8_t hash[HASH_LEN];
    assert_ok(pkcs12_read(buf_span(&file), span_str(phrase), &got));
    assert_span_equal(buf_span(&got.certificate), buf_span(&certificate));
    assert_ok(rsa_key_check(got.key, true));
    assert_ok(rsa_public_hash(got.key, hash));
    assert_memory_equal(hash, fake.ca.spki_hash, HASH_LEN);
}

static void a_wrong_passphrase_opens_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = { "eight words of an administrator, çao", "x" };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_err(read_with(buf_span(&file), wrong[i]), MLT_ERR_PASSPHRASE);
}

static void a_passphrase_that_is_none_is_refused(void **state)
{
    (void)state;
    static const uint8_t with_zero[] = { 'a', 0, 'b' };
    uint8_t long_one[LIMIT_PASSPHRASE + 1];
    memset(long_one, 'a', sizeof(long_one));
    const struct span none[] = { span_of("", 0), SPAN_OF(with_zero), SPAN_OF(long_one) };
    const struct pkcs12 p = { .key = fake.ca_key, .certificate = certificate };
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        CLEANUP(buf_clear) struct buf out = { 0 };
        CLEANUP(pkcs12_clear) struct pkcs12 got = { 0 };
        assert_err(pkcs12_make(&p, "malote CA", none[i], &out), MLT_ERR_USAGE);
        assert_err(pkcs12_read(buf_span(&file), none[i], &got), MLT_ERR_USAGE);
    }
}

static void a_key_that_is_not_the_certificates_is_not_written(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf out = { 0 };
    assert_err(make(fake.other_key, phrase, &out), MLT_ERR_DAMAGED);
    assert_int_equal(out.len, 0);
}

/* Flips of what the MAC covers cost 0.3 s each: a hundred places stand for all. */
static void damage_is_found_before_use(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bad = { 0 };
    assert_ok(buf_put(&bad, buf_span(&file)));
    for (size_t i = 0; i < bad.len; i += bad.len / 16 + 1) {
        bad.p[i] ^= 1;
        assert_true(read_with(buf_span(&bad), phrase) != MLT_OK);
        bad.p[i] ^= 1;
    }
    assert_ok(read_with(buf_span(&bad), phrase));
}

static void a_file_cut_short_or_lengthened_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf longer = { 0 };
    uint8_t *more = NULL;
    for (size_t n = 0; n < file.len; n++)
        assert_err(read_with(span_of(file.p, n), phrase), MLT_ERR_DAMAGED);
    assert_ok(buf_put(&longer, buf_span(&file)));
    assert_ok(buf_put_u8(&longer, 0));
    assert_err(read_with(buf_span(&longer), phrase), MLT_ERR_DAMAGED);
    assert_ok(buf_extend(&longer, LIMIT_PKCS12, &more));
    assert_err(read_with(buf_span(&longer), phrase), MLT_ERR_DAMAGED);
}

/* ---- files as other programs would make them ---- */

struct form {
    int key_pbe, certificate_pbe; /* -1: not encrypted */
    int iterations, mac_iterations;
    const EVP_MD *mac; /* NULL: none */
    bool with_a_second_certificate, without_key, another_key;
};

static struct form good_form(void)
{
    return (struct form) { NID_aes_256_cbc, NID_aes_256_cbc, 2048,  2048,
                           EVP_sha256(),    false,           false, false };
}

static void put_der(PKCS12 *p, struct buf *out)
{
    uint8_t *der = NULL;
    int n = i2d_PKCS12(p, &der);
    assert_true(n > 0);
    assert_ok(buf_put(out, span_of(der, (size_t)n)));
    OPENSSL_free(der);
    PKCS12_free(p);
}

static enum mlt_err read_form(const struct form *form)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    STACK_OF(X509) *more = form->with_a_second_certificate ? sk_X509_new_null() : NULL;
    if (more != NULL)
        assert_true(sk_X509_push(more, fake.ca.x509) > 0);
    EVP_PKEY *key = form->without_key ? NULL : fake.ca_key;
    X509 *other = fake_root(fake.other_key, FAKE_REALM, fake.now_s);
    X509 *x = form->another_key ? NULL : fake.ca.x509;
    if (form->another_key) {
        more = sk_X509_new_null();
        assert_true(sk_X509_push(more, other) > 0);
    }
    PKCS12 *p = PKCS12_create(phrase, "malote CA", key, x, more, form->key_pbe,
                              form->certificate_pbe, form->iterations, -1, 0);
    assert_non_null(p);
    if (form->mac != NULL)
        assert_int_equal(PKCS12_set_mac(p, phrase, -1, NULL, 0, form->mac_iterations, form->mac),
                         1);
    put_der(p, &der);
    sk_X509_free(more);
    X509_free(other);
    return read_with(buf_span(&der), phrase);
}

static void what_other_programs_write_is_read(void **state)
{
    (void)state;
    struct form form = good_form();
    assert_ok(read_form(&form));
    form.certificate_pbe = -1; /* public anyway, and under the MAC */
    assert_ok(read_form(&form));
    form.iterations = form.mac_iterations = 1;
    assert_ok(read_form(&form));
}

static void weaker_algorithms_are_refused(void **state)
{
    (void)state;
    struct form form = good_form();
    form.mac = EVP_sha1();
    assert_err(read_form(&form), MLT_ERR_REFUSED);
    form = good_form();
    form.mac = NULL;
    assert_err(read_form(&form), MLT_ERR_REFUSED);
    static const int weak[] = { NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_aes_128_cbc,
                                NID_des_ede3_cbc };
    for (size_t i = 0; i < COUNT_OF(weak); i++) {
        form = good_form();
        form.key_pbe = weak[i];
        assert_err(read_form(&form), MLT_ERR_REFUSED);
        form = good_form();
        form.certificate_pbe = weak[i];
        assert_err(read_form(&form), MLT_ERR_REFUSED);
    }
    form = good_form();
    form.key_pbe = -1; /* a key in the open */
    assert_err(read_form(&form), MLT_ERR_DAMAGED);
}

static void anything_but_one_pair_is_refused(void **state)
{
    (void)state;
    struct form form = good_form();
    form.with_a_second_certificate = true;
    assert_err(read_form(&form), MLT_ERR_DAMAGED);
    form = good_form();
    form.without_key = true;
    assert_err(read_form(&form), MLT_ERR_DAMAGED);
    form = good_form();
    form.another_key = true;
    assert_err(read_form(&form), MLT_ERR_DAMAGED);
}

/* 02 02 08 00, the 2048 iterations of a file, made 02 04 7f ff ff ff would change every length
 * around it: the same four bytes in a file of 2^31-1 made by libcrypto would take it minutes. */
static void iterations_without_end_are_not_begun(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    static const uint8_t few[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };
    static const uint8_t many[] = { 0x02, 0x03, 0x7f, 0xff, 0xff };
    PKCS12 *p = PKCS12_create(phrase, "malote CA", fake.ca_key, fake.ca.x509, NULL, NID_aes_256_cbc,
                              NID_aes_256_cbc, 65537, -1, 0);
    assert_non_null(p);
    assert_int_equal(PKCS12_set_mac(p, phrase, -1, NULL, 0, 65537, EVP_sha256()), 1);
    put_der(p, &der);
    size_t changed = 0;
    for (size_t i = der.len - sizeof(few); i < der.len; i++)
        if (span_eq(span_of(der.p + i, sizeof(few)), SPAN_OF(few))) {
            memcpy(der.p + i, many, sizeof(many));
            changed++;
        }
    assert_int_equal(changed, 1);
    assert_err(read_with(buf_span(&der), phrase), MLT_ERR_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_and_certificate_come_back),
        cmocka_unit_test(a_wrong_passphrase_opens_nothing),
        cmocka_unit_test(a_passphrase_that_is_none_is_refused),
        cmocka_unit_test(a_key_that_is_not_the_certificates_is_not_written),
        cmocka_unit_test(damage_is_found_before_use),
        cmocka_unit_test(a_file_cut_short_or_lengthened_is_refused),
        cmocka_unit_test(what_other_programs_write_is_read),
        cmocka_unit_test(weaker_algorithms_are_refused),
        cmocka_unit_test(anything_but_one_pair_is_refused),
        cmocka_unit_test(iterations_without_end_are_not_begun),
    };
    return cmocka_run_group_tests_name("pkcs12", tests, start, stop);
}
