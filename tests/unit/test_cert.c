/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdio.h>

#include <openssl/x509v3.h>

#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "fake.h"

static struct fake fake;

static const int64_t now_s = 1795000000; /* 2026-11-18 */

static int start(void **state)
{
    (void)state;
    bool locked = false;
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        return -1;
    fake_start(&fake, now_s);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

static enum mlt_err read_leaf(struct span der, enum cert_role role, int64_t at_s)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    return cert_read_leaf(der, &fake.ca, role, at_s, &c);
}

static enum mlt_err read_made(X509 *x, enum cert_role role)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    fake_der(x, &der);
    X509_free(x);
    return read_leaf(buf_span(&der), role, now_s);
}

static enum mlt_err read_root(X509 *x, const uint8_t *pin)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    fake_der(x, &der);
    X509_free(x);
    return cert_read_ca(buf_span(&der), pin, &c);
}

/* Appended to `out`. */
static void put_good(enum cert_role role, struct buf *out)
{
    X509 *x = fake_good(&fake, role);
    fake_der(x, out);
    X509_free(x);
}

static void a_good_client_certificate_is_read(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    put_good(CERT_CLIENT, &der);
    assert_ok(cert_read_leaf(buf_span(&der), &fake.ca, CERT_CLIENT, now_s, &c));
    assert_string_equal(c.fields.name.text, "maria.silva");
    assert_string_equal(c.fields.realm, FAKE_REALM);
    assert_int_equal(c.fields.role, CERT_CLIENT);
    assert_int_equal(c.fields.not_before_s, now_s - LIMIT_BACKDATE_S);
    assert_int_equal(c.fields.not_after_s, now_s + 3600);
    assert_int_equal(c.fields.serial[0], 0x5a);
    uint8_t hash[HASH_LEN];
    assert_ok(rsa_public_hash(fake.leaf_key, hash));
    assert_memory_equal(c.spki_hash, hash, HASH_LEN);
    CLEANUP(buf_clear) struct buf again = { 0 };
    assert_ok(cert_der(c.x509, &again));
    assert_span_equal(buf_span(&again), buf_span(&der));
}

static void a_certificate_of_one_role_is_refused_in_the_other(void **state)
{
    (void)state;
    assert_ok(read_made(fake_good(&fake, CERT_SERVER), CERT_SERVER));
    assert_err(read_made(fake_good(&fake, CERT_SERVER), CERT_CLIENT), MLT_ERR_CERT_ROLE);
    assert_err(read_made(fake_good(&fake, CERT_CLIENT), CERT_SERVER), MLT_ERR_CERT_ROLE);
    assert_err(read_made(fake_good(&fake, CERT_CLIENT), CERT_CA), MLT_ERR_CERT_ROLE);
}

/* Rows 21 and 22 of the attack list. */
static void every_defect_is_refused_for_its_own_reason(void **state)
{
    (void)state;
    size_t count = 0;
    const struct fake_defect *defects = fake_defects(&count);
    assert_true(count > 100);
    for (size_t i = 0; i < count; i++) {
        enum mlt_err got = read_made(defects[i].make(&fake), CERT_CLIENT);
        if (got != defects[i].wanted)
            print_message("%s: %s\n", defects[i].name, err_name(got));
        assert_err(got, defects[i].wanted);
    }
}

static void no_defect_passes_as_a_server_certificate(void **state)
{
    (void)state;
    size_t count = 0;
    const struct fake_defect *defects = fake_defects(&count);
    for (size_t i = 0; i < count; i++)
        assert_true(read_made(defects[i].make(&fake), CERT_SERVER) != MLT_OK);
}

static void a_certificate_lives_from_its_first_second_to_before_its_last(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    put_good(CERT_CLIENT, &der);
    int64_t first = now_s - LIMIT_BACKDATE_S;
    int64_t last = now_s + 3600;
    assert_err(read_leaf(buf_span(&der), CERT_CLIENT, first - 1), MLT_ERR_CERT_NOT_YET);
    assert_ok(read_leaf(buf_span(&der), CERT_CLIENT, first));
    assert_ok(read_leaf(buf_span(&der), CERT_CLIENT, last - 1));
    assert_err(read_leaf(buf_span(&der), CERT_CLIENT, last), MLT_ERR_CERT_EXPIRED);
    assert_err(read_leaf(buf_span(&der), CERT_CLIENT, 0), MLT_ERR_CERT_NOT_YET);
    assert_err(read_leaf(buf_span(&der), CERT_CLIENT, INT64_MAX), MLT_ERR_CERT_EXPIRED);
    assert_err(read_leaf(buf_span(&der), CERT_CLIENT, INT64_MIN), MLT_ERR_CERT_NOT_YET);
}

/* The CA's own is as young as a leaf of its first day. */
static void a_late_clock_is_good_enough_within_an_hour_of_the_issue(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    put_good(CERT_SERVER, &der);
    int64_t first = now_s - LIMIT_CLOCK_SLACK_S;
    assert_err(cert_read_leaf(buf_span(&der), &fake.ca, CERT_SERVER, first, &c),
               MLT_ERR_CERT_NOT_YET);
    assert_ok(cert_check_late_clock(&c, &fake.ca, first));
    assert_err(cert_check_late_clock(&c, &fake.ca, first - 1), MLT_ERR_CERT_NOT_YET);
    assert_err(cert_check_late_clock(&c, &fake.ca, now_s + 3600), MLT_ERR_CERT_EXPIRED);
    struct cert ca = { .fields = fake.ca.fields };
    ca.fields.not_before_s = now_s;
    assert_err(cert_check_late_clock(&c, &ca, first), MLT_ERR_CERT_NOT_YET);
    ca.fields = fake.ca.fields;
    ca.fields.not_after_s = first;
    assert_err(cert_check_late_clock(&c, &ca, first), MLT_ERR_CERT_EXPIRED);
}

static void an_expired_certificate_is_handed_out_with_its_verdict(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    put_good(CERT_CLIENT, &der);
    assert_err(cert_read_leaf(buf_span(&der), &fake.ca, CERT_CLIENT, now_s + 7200, &c),
               MLT_ERR_CERT_EXPIRED);
    assert_string_equal(c.fields.name.text, "maria.silva");
    assert_non_null(c.key);
}

static void a_leaf_of_an_expired_ca_is_refused(void **state)
{
    (void)state;
    int64_t born = now_s - LIMIT_CA_YEARS * INT64_C(31536000) - 1;
    CLEANUP(cert_clear) struct cert old = { 0 };
    CLEANUP(buf_clear) struct buf root = { 0 };
    X509 *x = fake_root(fake.ca_key, FAKE_REALM, born);
    fake_der(x, &root);
    X509_free(x);
    assert_ok(cert_read_ca(buf_span(&root), NULL, &old));
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    put_good(CERT_CLIENT, &der);
    assert_err(cert_read_leaf(buf_span(&der), &old, CERT_CLIENT, now_s, &c), MLT_ERR_CERT_EXPIRED);
}

static void every_bit_of_a_certificate_counts(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    put_good(CERT_CLIENT, &der);
    for (size_t i = 0; i < 8 * der.len; i++) {
        der.p[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_true(read_leaf(buf_span(&der), CERT_CLIENT, now_s) != MLT_OK);
        der.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_ok(read_leaf(buf_span(&der), CERT_CLIENT, now_s));
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    put_good(CERT_CLIENT, &der);
    for (size_t n = 0; n < der.len; n++)
        assert_err(read_leaf(span_of(der.p, n), CERT_CLIENT, now_s), MLT_ERR_ENCODING);
}

static void trailing_bytes_and_excess_length_are_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    put_good(CERT_CLIENT, &der);
    assert_ok(buf_put_u8(&der, 0));
    assert_err(read_leaf(buf_span(&der), CERT_CLIENT, now_s), MLT_ERR_ENCODING);
    uint8_t *zeros = NULL;
    assert_ok(buf_extend(&der, LIMIT_CERTIFICATE, &zeros));
    assert_err(read_leaf(buf_span(&der), CERT_CLIENT, now_s), MLT_ERR_ENCODING);
}

/* 30 82 LL LL in BER's longer form 30 83 00 LL LL, at `at`, growing what surrounds it. */
static void stretch_length(struct buf *der, size_t at)
{
    CLEANUP(buf_clear) struct buf longer = { 0 };
    assert_int_equal(der->p[at], 0x30);
    assert_int_equal(der->p[at + 1], 0x82);
    assert_ok(buf_put(&longer, span_of(der->p, at + 1)));
    assert_ok(buf_put(&longer, span_of("\x83\x00", 2)));
    assert_ok(buf_put(&longer, span_from(buf_span(der), at + 2)));
    if (at > 0)
        longer.p[3]++;
    buf_reset(der);
    assert_ok(buf_put(der, buf_span(&longer)));
}

static void ber_that_is_not_der_is_refused(void **state)
{
    (void)state;
    static const size_t places[] = { 0, 4 }; /* the certificate, the to-be-signed part */
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        put_good(CERT_CLIENT, &der);
        stretch_length(&der, places[i]);
        const uint8_t *at = der.p;
        X509 *lenient = d2i_X509(NULL, &at, (long)der.len);
        assert_non_null(lenient); /* libcrypto reads it: the refusal is ours */
        X509_free(lenient);
        assert_err(read_leaf(buf_span(&der), CERT_CLIENT, now_s), MLT_ERR_ENCODING);
    }
}

static void deep_nesting_is_refused_at_once(void **state)
{
    (void)state;
    uint8_t bomb[LIMIT_CERTIFICATE];
    memset(bomb, 0x30, sizeof bomb);
    for (size_t i = 1; i < sizeof bomb; i += 2)
        bomb[i] = 0x80; /* indefinite length, over and over */
    assert_err(read_leaf(SPAN_OF(bomb), CERT_CLIENT, now_s), MLT_ERR_ENCODING);
}

static void a_root_is_read_with_and_without_its_pin(void **state)
{
    (void)state;
    assert_ok(read_root(X509_dup(fake.ca.x509), NULL));
    assert_ok(read_root(X509_dup(fake.ca.x509), fake.ca.spki_hash));
    assert_string_equal(fake.ca.fields.realm, FAKE_REALM);
    assert_string_equal(fake.ca.fields.name.text, "");
}

static void a_twin_root_fails_at_the_pin(void **state)
{
    (void)state;
    X509 *twin = fake_root(fake.other_key, FAKE_REALM, now_s);
    X509_set_serialNumber(twin, X509_get_serialNumber(fake.ca.x509));
    fake_sign(twin, fake.other_key, FAKE_PSS);
    assert_err(read_root(X509_dup(twin), fake.ca.spki_hash), MLT_ERR_PIN);
    assert_ok(read_root(twin, NULL)); /* only the pin tells them apart */
}

static void a_pin_differing_in_one_bit_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8 * HASH_LEN; i++) {
        uint8_t pin[HASH_LEN];
        memcpy(pin, fake.ca.spki_hash, HASH_LEN);
        pin[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_err(read_root(X509_dup(fake.ca.x509), pin), MLT_ERR_PIN);
    }
}

static enum mlt_err read_root_with(int nid, const char *value)
{
    X509 *x = fake_root(fake.ca_key, FAKE_REALM, now_s);
    if (value != NULL)
        fake_replace(x, nid, value);
    else
        fake_drop(x, nid);
    fake_sign(x, fake.ca_key, FAKE_PSS);
    return read_root(x, fake.ca.spki_hash);
}

static void a_root_outside_the_profile_is_refused(void **state)
{
    (void)state;
    static const struct {
        int nid;
        const char *value;
    } wrong[] = {
        { NID_basic_constraints, NULL },
        { NID_key_usage, NULL },
        { NID_subject_key_identifier, NULL },
        { NID_name_constraints, NULL },
        { NID_basic_constraints, "critical,CA:TRUE" },
        { NID_basic_constraints, "critical,CA:TRUE,pathlen:1" },
        { NID_basic_constraints, "critical,CA:FALSE" },
        { NID_basic_constraints, "CA:TRUE,pathlen:0" },
        { NID_key_usage, "critical,keyCertSign" },
        { NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature" },
        { NID_subject_key_identifier, "hash" },
        { NID_name_constraints, "permitted;email:" FAKE_REALM },
        { NID_name_constraints, "critical,permitted;email:elsewhere.internal" },
        { NID_name_constraints, "critical,permitted;email:." FAKE_REALM },
        { NID_name_constraints, "critical,excluded;email:" FAKE_REALM },
        { NID_name_constraints, "critical,permitted;email:" FAKE_REALM ",permitted;DNS:x" },
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_err(read_root_with(wrong[i].nid, wrong[i].value), MLT_ERR_CERT_PROFILE);
    X509 *x = fake_root(fake.ca_key, FAKE_REALM, now_s);
    fake_add(x, "extendedKeyUsage", "serverAuth", -1);
    fake_sign(x, fake.ca_key, FAKE_PSS);
    assert_err(read_root(x, NULL), MLT_ERR_CERT_PROFILE);
}

static void a_root_signed_by_another_key_or_algorithm_is_refused(void **state)
{
    (void)state;
    X509 *x = fake_root(fake.ca_key, FAKE_REALM, now_s);
    fake_sign(x, fake.other_key, FAKE_PSS);
    assert_err(read_root(x, fake.ca.spki_hash), MLT_ERR_CERT_SIGNATURE);
    static const enum fake_signature others[] = { FAKE_PSS_SALT_20, FAKE_PSS_SHA1,
                                                  FAKE_PKCS1_SHA256, FAKE_PKCS1_SHA1 };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        x = fake_root(fake.ca_key, FAKE_REALM, now_s);
        fake_sign(x, fake.ca_key, others[i]);
        assert_err(read_root(x, fake.ca.spki_hash), MLT_ERR_CERT_PROFILE);
    }
}

static void a_leaf_is_no_root(void **state)
{
    (void)state;
    assert_err(read_root(fake_good(&fake, CERT_CLIENT), NULL), MLT_ERR_CERT_PROFILE);
    X509 *x = fake_good(&fake, CERT_SERVER);
    uint8_t pin[HASH_LEN];
    assert_ok(rsa_public_hash(fake.leaf_key, pin));
    assert_err(read_root(x, pin), MLT_ERR_CERT_PROFILE);
}

static void pem_comes_back_as_the_same_der(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf pem = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf same = { 0 };
    assert_ok(cert_pem(fake.ca.x509, &pem));
    assert_ok(cert_der(fake.ca.x509, &der));
    assert_ok(cert_der_from_pem(buf_span(&pem), &same));
    assert_span_equal(buf_span(&same), buf_span(&der));
}

static void pem_with_something_else_in_it_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf pem = { 0 };
    CLEANUP(buf_clear) struct buf two = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(cert_pem(fake.ca.x509, &pem));
    assert_ok(buf_put(&two, buf_span(&pem)));
    assert_ok(buf_put(&two, buf_span(&pem)));
    assert_err(cert_der_from_pem(buf_span(&two), &der), MLT_ERR_TRAILING);
    assert_err(cert_der_from_pem(span_of(pem.p, pem.len / 2), &der), MLT_ERR_ENCODING);
    assert_err(cert_der_from_pem(span_of(pem.p, 0), &der), MLT_ERR_ENCODING);
    static const char other[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_err(cert_der_from_pem(span_str(other), &der), MLT_ERR_ENCODING);
    assert_int_equal(der.len, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_client_certificate_is_read),
        cmocka_unit_test(a_certificate_of_one_role_is_refused_in_the_other),
        cmocka_unit_test(every_defect_is_refused_for_its_own_reason),
        cmocka_unit_test(no_defect_passes_as_a_server_certificate),
        cmocka_unit_test(a_certificate_lives_from_its_first_second_to_before_its_last),
        cmocka_unit_test(a_late_clock_is_good_enough_within_an_hour_of_the_issue),
        cmocka_unit_test(an_expired_certificate_is_handed_out_with_its_verdict),
        cmocka_unit_test(a_leaf_of_an_expired_ca_is_refused),
        cmocka_unit_test(every_bit_of_a_certificate_counts),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(trailing_bytes_and_excess_length_are_refused),
        cmocka_unit_test(ber_that_is_not_der_is_refused),
        cmocka_unit_test(deep_nesting_is_refused_at_once),
        cmocka_unit_test(a_root_is_read_with_and_without_its_pin),
        cmocka_unit_test(a_twin_root_fails_at_the_pin),
        cmocka_unit_test(a_pin_differing_in_one_bit_is_refused),
        cmocka_unit_test(a_root_outside_the_profile_is_refused),
        cmocka_unit_test(a_root_signed_by_another_key_or_algorithm_is_refused),
        cmocka_unit_test(a_leaf_is_no_root),
        cmocka_unit_test(pem_comes_back_as_the_same_der),
        cmocka_unit_test(pem_with_something_else_in_it_is_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
