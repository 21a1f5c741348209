/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/evp.h>
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

static enum mlt_err build(const struct cert_fields *fields, EVP_PKEY *key)
{
    X509 *x = X509_new();
    assert_non_null(x);
    enum mlt_err err = profile_build(fields, key, fields->role == CERT_CA ? NULL : fake.ca.x509, x);
    X509_free(x);
    return err;
}

static void user_fields(struct cert_fields *fields)
{
    fake_fields(CERT_CLIENT, "maria.silva", now_s, fields);
}

static void what_is_built_passes_the_check_before_and_after_the_signature(void **state)
{
    (void)state;
    static const enum cert_role roles[] = { CERT_CLIENT, CERT_SERVER };
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        struct cert_fields in;
        struct cert_fields out;
        fake_fields(roles[i], roles[i] == CERT_SERVER ? "relay" : "joao", now_s, &in);
        X509 *x = fake_draft(&fake, &in, fake.leaf_key);
        assert_ok(profile_check(x, roles[i], &out));
        assert_ok(profile_sign(x, fake.ca_key));
        memset(&out, 0, sizeof out);
        assert_ok(profile_check(x, roles[i], &out));
        assert_int_equal(X509_verify(x, fake.ca_key), 1);
        assert_string_equal(out.name.text, in.name.text);
        assert_string_equal(out.realm, in.realm);
        assert_memory_equal(out.serial, in.serial, CERT_SERIAL);
        assert_int_equal(out.not_before_s, in.not_before_s);
        assert_int_equal(out.not_after_s, in.not_after_s);
        X509_free(x);
    }
}

static void signing_does_not_change_the_signed_bytes(void **state)
{
    (void)state;
    struct cert_fields fields;
    user_fields(&fields);
    CLEANUP(buf_clear) struct buf before = { 0 };
    CLEANUP(buf_clear) struct buf after = { 0 };
    X509 *x = fake_draft(&fake, &fields, fake.leaf_key);
    assert_ok(profile_tbs(x, &before));
    assert_ok(profile_sign(x, fake.ca_key));
    assert_ok(profile_tbs(x, &after));
    assert_span_equal(buf_span(&before), buf_span(&after));
    X509_free(x);
}

static void a_check_for_another_role_fails(void **state)
{
    (void)state;
    static const enum cert_role roles[] = { CERT_CA, CERT_SERVER, CERT_CLIENT, 0, 4 };
    struct cert_fields out;
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        X509 *x = fake_good(&fake, CERT_CLIENT);
        assert_err(profile_check(x, roles[i], &out),
                   roles[i] == CERT_CLIENT ? MLT_OK : MLT_ERR_CERT_PROFILE);
        X509_free(x);
        assert_err(profile_check(fake.ca.x509, roles[i], &out),
                   roles[i] == CERT_CA ? MLT_OK : MLT_ERR_CERT_PROFILE);
    }
}

static void names_must_fit_the_role(void **state)
{
    (void)state;
    static const struct {
        enum cert_role role;
        const char *name;
        enum mlt_err wanted;
    } cases[] = {
        { CERT_CLIENT, "maria", MLT_OK },
        { CERT_CLIENT, "a2345678901234567890123456789012", MLT_OK },
        { CERT_CLIENT, "copy", MLT_OK }, /* a keyword of x509v3_config(5) after "email:" */
        { CERT_CLIENT, "relay", MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, "root", MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, "Maria", MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, "", MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, "maria,email:joao", MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, "maria\njoao", MLT_ERR_CERT_PROFILE },
        { CERT_SERVER, "relay", MLT_OK },
        { CERT_SERVER, "maria", MLT_ERR_CERT_PROFILE },
        { CERT_SERVER, "", MLT_ERR_CERT_PROFILE },
        { CERT_CA, "", MLT_OK },
        { CERT_CA, "maria", MLT_ERR_CERT_PROFILE },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cert_fields fields;
        fake_fields(cases[i].role, "relay", now_s, &fields);
        fields.name = (struct name) { 0 };
        memcpy(fields.name.text, cases[i].name, strlen(cases[i].name));
        assert_err(build(&fields, fake.leaf_key), cases[i].wanted);
    }
}

static void realms_are_host_names(void **state)
{
    (void)state;
    static const struct {
        const char *realm;
        enum mlt_err wanted;
    } cases[] = {
        { "localhost", MLT_OK },
        { "copy", MLT_OK },
        { "a2345678901234567890123456789012345678901234567890123.example.org",
          MLT_ERR_CERT_PROFILE }, /* one byte more than an organizationName holds */
        { "", MLT_ERR_CERT_PROFILE },
        { "Malote.internal", MLT_ERR_CERT_PROFILE },
        { ".malote", MLT_ERR_CERT_PROFILE },
        { "malote.", MLT_ERR_CERT_PROFILE },
        { "a,permitted;email:b", MLT_ERR_CERT_PROFILE },
        { "a@b", MLT_ERR_CERT_PROFILE },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cert_fields fields;
        fake_fields(CERT_CA, NULL, now_s, &fields);
        memset(fields.realm, 0, sizeof fields.realm);
        memcpy(fields.realm, cases[i].realm, strlen(cases[i].realm));
        assert_err(build(&fields, fake.ca_key), cases[i].wanted);
    }
}

static void a_realm_as_long_as_allowed_carries_a_whole_tree(void **state)
{
    (void)state;
    static const char realm[] = "a23456789012345678901234567890123456789012345678901.example.org";
    assert_int_equal(strlen(realm) + 1, LIMIT_REALM);
    X509 *root = fake_root(fake.other_key, realm, now_s);
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert ca = { 0 };
    CLEANUP(cert_clear) struct cert leaf = { 0 };
    fake_der(root, &der);
    X509_free(root);
    assert_ok(cert_read_ca(buf_span(&der), NULL, &ca));
    struct cert_fields fields;
    user_fields(&fields);
    memcpy(fields.name.text, "a2345678901234567890123456789012", LIMIT_NAME);
    memcpy(fields.realm, realm, sizeof realm);
    X509 *x = X509_new();
    assert_ok(profile_build(&fields, fake.leaf_key, ca.x509, x));
    assert_ok(profile_sign(x, fake.other_key));
    buf_reset(&der);
    fake_der(x, &der);
    X509_free(x);
    assert_ok(cert_read_leaf(buf_span(&der), &ca, CERT_CLIENT, now_s, &leaf));
    assert_string_equal(leaf.fields.realm, realm);
}

static void serials_are_positive_and_short(void **state)
{
    (void)state;
    struct cert_fields fields;
    user_fields(&fields);
    memset(fields.serial, 0, CERT_SERIAL);
    assert_err(build(&fields, fake.leaf_key), MLT_ERR_CERT_PROFILE);
    fields.serial[0] = 0x80;
    assert_err(build(&fields, fake.leaf_key), MLT_ERR_CERT_PROFILE);
    memset(fields.serial, 0xff, CERT_SERIAL);
    assert_err(build(&fields, fake.leaf_key), MLT_ERR_CERT_PROFILE);
    fields.serial[0] = 0x7f;
    assert_ok(build(&fields, fake.leaf_key));
}

/* A random serial begins with zero bytes now and then; DER then wants it shorter. */
static void a_serial_with_zeros_in_front_comes_back_whole(void **state)
{
    (void)state;
    static const uint8_t next[] = { 0x01, 0x7f, 0x80, 0xff };
    for (size_t zeros = 0; zeros < CERT_SERIAL; zeros++) {
        for (size_t i = 0; i < COUNT_OF(next); i++) {
            struct cert_fields in;
            struct cert_fields out;
            user_fields(&in);
            memset(in.serial, 0, CERT_SERIAL);
            memset(in.serial + zeros, 0x33, CERT_SERIAL - zeros);
            in.serial[zeros] = next[i];
            if (zeros == 0 && next[i] >= 0x80)
                continue;
            X509 *x = fake_draft(&fake, &in, fake.leaf_key);
            assert_ok(profile_check(x, CERT_CLIENT, &out));
            assert_memory_equal(out.serial, in.serial, CERT_SERIAL);
            X509_free(x);
        }
    }
}

static void lives_are_sane_and_bounded_by_role(void **state)
{
    (void)state;
    static const struct {
        enum cert_role role;
        int64_t from, to;
        enum mlt_err wanted;
    } cases[] = {
        { CERT_CLIENT, 0, 1, MLT_OK },
        { CERT_CLIENT, 0, LIMIT_CERT_DAYS * 86400 + LIMIT_BACKDATE_S, MLT_OK },
        { CERT_CLIENT, 0, LIMIT_CERT_DAYS * 86400 + LIMIT_BACKDATE_S + 1, MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, 5, 5, MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, 6, 5, MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, -1, 5, MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, INT64_MIN, 5, MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, 5, INT64_MAX, MLT_ERR_CERT_PROFILE },
        { CERT_CLIENT, 253402300798, 253402300799, MLT_OK },
        { CERT_CLIENT, 253402300799, 253402300800, MLT_ERR_CERT_PROFILE },
        { CERT_SERVER, 0, LIMIT_SERVER_CERT_HOURS * 3600 + LIMIT_BACKDATE_S, MLT_OK },
        { CERT_SERVER, 0, LIMIT_SERVER_CERT_HOURS * 3600 + LIMIT_BACKDATE_S + 1,
          MLT_ERR_CERT_PROFILE },
        { CERT_CA, 0, LIMIT_CA_YEARS * 365 * 86400, MLT_OK },
        { CERT_CA, 0, (LIMIT_CA_YEARS * 366 + 1) * 86400, MLT_ERR_CERT_PROFILE },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cert_fields fields;
        fake_fields(cases[i].role, "relay", now_s, &fields);
        if (cases[i].role == CERT_CLIENT)
            user_fields(&fields);
        fields.not_before_s = cases[i].from;
        fields.not_after_s = cases[i].to;
        assert_err(build(&fields, fake.leaf_key), cases[i].wanted);
    }
}

/* 2049 is the last year of UTCTime (RFC 5280 4.1.2.5). */
static void both_forms_of_time_come_back(void **state)
{
    (void)state;
    static const int64_t starts[] = { 0, 951782400, 2524607999, 2524608000, 253402214400 };
    static const int types[] = { V_ASN1_UTCTIME, V_ASN1_UTCTIME, V_ASN1_UTCTIME,
                                 V_ASN1_GENERALIZEDTIME, V_ASN1_GENERALIZEDTIME };
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        struct cert_fields in;
        struct cert_fields out;
        user_fields(&in);
        in.not_before_s = starts[i];
        in.not_after_s = starts[i] + 1;
        X509 *x = fake_draft(&fake, &in, fake.leaf_key);
        assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(x)), types[i]);
        assert_ok(profile_check(x, CERT_CLIENT, &out));
        assert_int_equal(out.not_before_s, in.not_before_s);
        assert_int_equal(out.not_after_s, in.not_after_s);
        X509_free(x);
    }
}

static void keys_of_every_allowed_size_pass(void **state)
{
    (void)state;
    static const unsigned sizes[] = { 3072, 4096 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        EVP_PKEY *key = fake_key(sizes[i], 65537);
        struct cert_fields fields;
        user_fields(&fields);
        assert_ok(build(&fields, key));
        X509 *root = fake_root(key, FAKE_REALM, now_s);
        CLEANUP(buf_clear) struct buf der = { 0 };
        CLEANUP(cert_clear) struct cert ca = { 0 };
        fake_der(root, &der);
        X509_free(root);
        assert_true(der.len < LIMIT_CERTIFICATE);
        assert_ok(cert_read_ca(buf_span(&der), NULL, &ca));
        EVP_PKEY_free(key);
    }
}

static void keys_outside_the_profile_are_never_certified(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = { fake_key(1024, 65537), fake_key(2056, 65537), fake_key(2048, 3),
                         fake_key(2048, 1), EVP_EC_gen("P-256") };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct cert_fields fields;
        user_fields(&fields);
        assert_err(build(&fields, keys[i]), MLT_ERR_CERT_PROFILE);
        EVP_PKEY_free(keys[i]);
    }
}

static void a_leaf_needs_the_ca_of_its_realm(void **state)
{
    (void)state;
    struct cert_fields fields;
    user_fields(&fields);
    X509 *x = X509_new();
    assert_err(profile_build(&fields, fake.leaf_key, NULL, x), MLT_ERR_CERT_PROFILE);
    memcpy(fields.realm, "elsewhere.internal", sizeof "elsewhere.internal");
    assert_err(profile_build(&fields, fake.leaf_key, fake.ca.x509, x), MLT_ERR_CERT_FOREIGN);
    X509 *leaf = fake_good(&fake, CERT_CLIENT);
    user_fields(&fields);
    assert_err(profile_build(&fields, fake.leaf_key, leaf, x), MLT_ERR_CERT_FOREIGN);
    fake_fields(CERT_CA, NULL, now_s, &fields);
    assert_err(profile_build(&fields, fake.ca_key, fake.ca.x509, x), MLT_ERR_CERT_PROFILE);
    X509_free(leaf);
    X509_free(x);
}

/* P7: no certificate outside the profile is ever signed. */
static void nothing_outside_the_profile_is_signed(void **state)
{
    (void)state;
    static const struct {
        int nid;
        const char *value;
    } wrong[] = {
        { NID_basic_constraints, "critical,CA:TRUE" },
        { NID_basic_constraints, "CA:FALSE" },
        { NID_key_usage, "critical,digitalSignature,keyCertSign" },
        { NID_ext_key_usage, PROFILE_OID_SERVER ",serverAuth" },
        { NID_ext_key_usage, PROFILE_OID_CLIENT ",clientAuth," PROFILE_OID_SERVER },
        { NID_subject_alt_name, "email:joao@" FAKE_REALM },
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct cert_fields fields;
        user_fields(&fields);
        X509 *x = fake_draft(&fake, &fields, fake.leaf_key);
        fake_replace(x, wrong[i].nid, wrong[i].value);
        assert_err(profile_sign(x, fake.ca_key), MLT_ERR_CERT_PROFILE);
        assert_int_equal(X509_verify(x, fake.ca_key) == 1, 0);
        X509_free(x);
    }
    X509 *empty = X509_new();
    assert_err(profile_sign(empty, fake.ca_key), MLT_ERR_CERT_PROFILE);
    X509_free(empty);
}

static void only_the_one_algorithm_is_recognised(void **state)
{
    (void)state;
    static const struct {
        enum fake_signature how;
        bool wanted;
    } cases[] = {
        { FAKE_PSS, true },         { FAKE_PSS_SALT_20, false }, { FAKE_PSS_MGF_SHA1, false },
        { FAKE_PSS_SHA384, false }, { FAKE_PSS_SHA1, false },    { FAKE_PKCS1_SHA256, false },
        { FAKE_PKCS1_SHA1, false },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        X509 *x = fake_good(&fake, CERT_CLIENT);
        fake_sign(x, fake.ca_key, cases[i].how);
        assert_int_equal(profile_is_algorithm(X509_get0_tbs_sigalg(x)), cases[i].wanted);
        X509_free(x);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_passes_the_check_before_and_after_the_signature),
        cmocka_unit_test(signing_does_not_change_the_signed_bytes),
        cmocka_unit_test(a_check_for_another_role_fails),
        cmocka_unit_test(names_must_fit_the_role),
        cmocka_unit_test(realms_are_host_names),
        cmocka_unit_test(a_realm_as_long_as_allowed_carries_a_whole_tree),
        cmocka_unit_test(serials_are_positive_and_short),
        cmocka_unit_test(a_serial_with_zeros_in_front_comes_back_whole),
        cmocka_unit_test(lives_are_sane_and_bounded_by_role),
        cmocka_unit_test(both_forms_of_time_come_back),
        cmocka_unit_test(keys_of_every_allowed_size_pass),
        cmocka_unit_test(keys_outside_the_profile_are_never_certified),
        cmocka_unit_test(a_leaf_needs_the_ca_of_its_realm),
        cmocka_unit_test(nothing_outside_the_profile_is_signed),
        cmocka_unit_test(only_the_one_algorithm_is_recognised),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
