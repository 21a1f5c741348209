/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdlib.h>

#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "fake_crl.h"
#include "pki/crl.h"
#include "signed_oracle.h"

static struct fake fake;

static const int64_t now_s = 1795000000; /* 2026-11-18 */
static const int64_t day_s = 86400;

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

static enum mlt_err read_list(struct span der)
{
    CLEANUP(crl_clear) struct crl crl = { 0 };
    enum mlt_err err = crl_read(der, &fake.ca, &crl);
    assert_true(err == MLT_OK || (crl.number == 0 && crl.entries == NULL));
    return err;
}

/* As fake_crl_draft has it. */
static void make_fields(struct crl *crl)
{
    *crl = (struct crl) { .number = FAKE_CRL_NUMBER,
                          .this_update_s = now_s,
                          .next_update_s = now_s + 7 * day_s };
    assert_ok(crl_reserve(crl, 2));
    for (unsigned i = 0; i < 2; i++) {
        fake_crl_serial(i + 1, crl->entries[i].serial);
        crl->entries[i].revoked_s = now_s - 60;
    }
    crl->entries[0].reason = CRL_KEY_COMPROMISE;
}

static enum mlt_err sign_fields(struct crl *crl, struct buf *der)
{
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    TRY(crl_tbs(crl, &fake.ca, &tbs));
    return crl_sign(buf_span(&tbs), fake.ca_key, &fake.ca, der);
}

static void a_list_made_by_libcrypto_is_read(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    uint8_t serial[CERT_SERIAL];
    fake_crl_good(&fake, &der);
    assert_ok(crl_read(buf_span(&der), &fake.ca, &crl));
    assert_int_equal(crl.number, FAKE_CRL_NUMBER);
    assert_int_equal(crl.this_update_s, now_s);
    assert_int_equal(crl.next_update_s, now_s + 7 * day_s);
    assert_int_equal(crl.count, 2);
    for (unsigned i = 0; i < 2; i++) {
        fake_crl_serial(i + 1, serial);
        assert_memory_equal(crl.entries[i].serial, serial, CERT_SERIAL);
        assert_int_equal(crl.entries[i].revoked_s, now_s - 60);
    }
    assert_int_equal(crl.entries[0].reason, CRL_KEY_COMPROMISE);
    assert_int_equal(crl.entries[1].reason, CRL_UNSPECIFIED);
}

static void libcrypto_and_we_make_the_same_bytes_of_the_same_fields(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf theirs = { 0 };
    CLEANUP(buf_clear) struct buf their_tbs = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    fake_crl_good(&fake, &theirs);
    assert_ok(crl_tbs_of(buf_span(&theirs), &their_tbs));
    make_fields(&crl);
    assert_ok(crl_tbs(&crl, &fake.ca, &tbs));
    assert_span_equal(buf_span(&tbs), buf_span(&their_tbs));
}

static void what_we_sign_libcrypto_verifies(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    make_fields(&crl);
    assert_ok(sign_fields(&crl, &der));
    const uint8_t *at = der.p;
    X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_non_null(x);
    assert_ptr_equal(at, der.p + der.len);
    assert_int_equal(X509_CRL_verify(x, fake.ca_key), 1);
    assert_int_equal(X509_CRL_verify(x, fake.other_key), 0);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(x)), 2);
    X509_CRL_free(x);
}

/*
 * A second opinion, which shares nothing with src/pki: the good list passes it, and what it takes
 * besides is wrong in its bytes, or within what ca itself would not do.
 */
static void an_independent_oracle_agrees(void **state)
{
    (void)state;
    size_t count = 0, passed = 0;
    const struct signed_list wanted = { fake.ca.x509, FAKE_CRL_NUMBER };
    const struct fake_crl_defect *defects = fake_crl_defects(&count);
    X509_CRL *good = fake_crl_draft(&fake);
    fake_sign_crl(good, fake.ca_key, FAKE_PSS);
    assert_null(signed_list_complaint(good, &wanted));
    X509_CRL_free(good);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        fake_crl_make(&fake, &defects[i], &der);
        const uint8_t *at = der.p;
        X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)der.len);
        if (x != NULL && at == der.p + der.len && signed_list_complaint(x, &wanted) == NULL)
            passed++;
        X509_CRL_free(x);
    }
    assert_true(passed <= 12); /* of more than 90 */
}

/* Rows 21, 22, 24 and 52 of the attack list. */
static void every_defect_is_refused_for_its_own_reason(void **state)
{
    (void)state;
    size_t count = 0;
    const struct fake_crl_defect *defects = fake_crl_defects(&count);
    assert_true(count > 90);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        fake_crl_make(&fake, &defects[i], &der);
        enum mlt_err got = read_list(buf_span(&der));
        if (got != defects[i].wanted)
            print_message("%s: %s\n", defects[i].name, err_name(got));
        assert_err(got, defects[i].wanted);
    }
}

static void every_bit_counts(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    fake_crl_good(&fake, &der);
    for (size_t i = 0; i < 8 * der.len; i++) {
        der.p[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_true(read_list(buf_span(&der)) != MLT_OK);
        der.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_ok(read_list(buf_span(&der)));
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    fake_crl_good(&fake, &der);
    for (size_t n = 0; n < der.len; n++)
        assert_err(read_list(span_of(der.p, n)), MLT_ERR_ENCODING);
}

static void no_revocation_makes_a_list_without_entries(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(crl_clear) struct crl got = { 0 };
    struct crl crl = { .number = 1, .this_update_s = now_s, .next_update_s = now_s + 1 };
    assert_ok(sign_fields(&crl, &der));
    assert_ok(crl_read(buf_span(&der), &fake.ca, &got));
    assert_int_equal(got.count, 0);
    uint8_t serial[CERT_SERIAL];
    fake_crl_serial(1, serial);
    assert_null(crl_find(&got, serial));
}

static void every_reason_and_every_number_comes_back(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {
        1, 127, 128, 255, 256, 32767, 32768, 1795000000, INT64_MAX
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        for (unsigned reason = 0; reason < 12; reason++) {
            CLEANUP(buf_clear) struct buf der = { 0 };
            CLEANUP(crl_clear) struct crl crl = { 0 };
            CLEANUP(crl_clear) struct crl got = { 0 };
            make_fields(&crl);
            crl.number = numbers[i];
            crl.entries[1].reason = (enum crl_reason)reason;
            const bool ours = reason == 0 || reason == 1 || (reason >= 3 && reason <= 5);
            assert_true(crl_is_reason(reason) == ours);
            assert_err(sign_fields(&crl, &der), ours ? MLT_OK : MLT_ERR_CRL);
            if (!ours)
                continue;
            assert_ok(crl_read(buf_span(&der), &fake.ca, &got));
            assert_true(got.number == numbers[i]);
            assert_int_equal(got.entries[1].reason, reason);
        }
}

static void times_are_written_as_rfc_5280_wants_them(void **state)
{
    (void)state;
    static const int64_t times[] = { 0,          951782400,  951868799,  1709164800,
                                     2524607999, 2524608000, 4107542400, 253402300799 - 7 * 86400 };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        CLEANUP(crl_clear) struct crl crl = { 0 };
        CLEANUP(crl_clear) struct crl got = { 0 };
        make_fields(&crl);
        crl.this_update_s = times[i];
        crl.next_update_s = times[i] + 7 * day_s;
        crl.entries[0].revoked_s = times[i];
        assert_ok(sign_fields(&crl, &der));
        assert_ok(crl_read(buf_span(&der), &fake.ca, &got));
        assert_int_equal(got.this_update_s, times[i]);
        assert_int_equal(got.entries[0].revoked_s, times[i]);
        const uint8_t *at = der.p;
        X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)der.len);
        ASN1_TIME *same = ASN1_TIME_set(NULL, (time_t)times[i]);
        assert_int_equal(ASN1_TIME_compare(X509_CRL_get0_lastUpdate(x), same), 0);
        assert_int_equal(ASN1_STRING_cmp(X509_CRL_get0_lastUpdate(x), same), 0);
        ASN1_TIME_free(same);
        X509_CRL_free(x);
    }
}

static void fields_outside_the_table_are_not_signed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 11; i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        CLEANUP(crl_clear) struct crl crl = { 0 };
        make_fields(&crl);
        switch (i) {
        case 0:
            crl.number = 0;
            break;
        case 1:
            crl.number = (uint64_t)INT64_MAX + 1;
            break;
        case 2:
            crl.next_update_s = crl.this_update_s;
            break;
        case 3:
            crl.next_update_s = crl.this_update_s + LIMIT_CRL_LIFE_S + 1;
            break;
        case 4:
            crl.this_update_s = -1;
            break;
        case 5:
            memset(crl.entries[0].serial, 0, CERT_SERIAL);
            break;
        case 6:
            crl.entries[0].serial[0] = 0x80;
            break;
        case 7:
            memcpy(crl.entries[0].serial, crl.entries[1].serial, CERT_SERIAL);
            break;
        case 8:
            crl.entries[0].revoked_s = -1;
            break;
        case 9:
            crl.entries[0].revoked_s = 253402300800;
            break;
        default:
            crl.next_update_s = INT64_MAX;
            break;
        }
        assert_err(sign_fields(&crl, &der), MLT_ERR_CRL);
        assert_int_equal(der.len, 0);
    }
}

static void a_life_of_30_days_is_the_longest(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    make_fields(&crl);
    crl.next_update_s = crl.this_update_s + 30 * day_s;
    assert_ok(sign_fields(&crl, &der));
    assert_ok(read_list(buf_span(&der)));
}

static void only_a_list_of_this_ca_is_signed(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf out = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    make_fields(&crl);
    assert_ok(crl_tbs(&crl, &fake.ca, &tbs));
    assert_err(crl_sign(buf_span(&tbs), fake.other_key, &fake.ca, &out), MLT_ERR_CRYPTO);
    size_t count = 0;
    const struct fake_crl_defect *defects = fake_crl_defects(&count);
    for (size_t i = 0; i < count; i++) {
        X509_CRL *x = fake_crl_draft(&fake);
        uint8_t *der = NULL;
        if (defects[i].change != NULL) {
            defects[i].change(&fake, x);
            fake_sign_crl(x, fake.ca_key, FAKE_PSS);
            int n = i2d_re_X509_CRL_tbs(x, &der);
            assert_true(n > 0);
            assert_err(crl_sign(span_of(der, (size_t)n), fake.ca_key, &fake.ca, &out),
                       defects[i].wanted);
            OPENSSL_free(der);
        }
        X509_CRL_free(x);
    }
    assert_int_equal(out.len, 0);
    assert_err(crl_sign(span_of(tbs.p, tbs.len - 1), fake.ca_key, &fake.ca, &out),
               MLT_ERR_ENCODING);
    assert_ok(crl_sign(buf_span(&tbs), fake.ca_key, &fake.ca, &out));
}

/* A hundred thousand, in any order: row 24. */
static void a_hundred_thousand_entries_are_sorted_signed_read_and_found(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    CLEANUP(crl_clear) struct crl got = { 0 };
    make_fields(&crl);
    assert_ok(crl_reserve(&crl, MANY));
    for (size_t i = 0; i < MANY; i++) {
        size_t scattered = i * 7919 % MANY;
        crl.entries[i].serial[0] = 0x40;
        for (size_t j = 0; j < 4; j++)
            crl.entries[i].serial[15 - j] = (uint8_t)(scattered >> 8 * j);
        crl.entries[i].revoked_s = now_s;
    }
    assert_ok(sign_fields(&crl, &der));
    assert_true(der.len < 50 * MANY);
    assert_ok(crl_read(buf_span(&der), &fake.ca, &got));
    assert_int_equal(got.count, MANY);
    uint8_t serial[CERT_SERIAL] = { 0x40 };
    for (size_t i = 0; i < MANY; i += 997) {
        serial[15] = (uint8_t)i;
        serial[14] = (uint8_t)(i >> 8);
        serial[13] = (uint8_t)(i >> 16);
        assert_ptr_equal(crl_find(&got, serial), &got.entries[i]);
    }
    serial[12] = 1;
    assert_null(crl_find(&got, serial));
}

static void a_list_beyond_its_bound_is_not_made(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    size_t most = LIMIT_CRL / 30;
    make_fields(&crl);
    assert_ok(crl_reserve(&crl, most));
    for (size_t i = 0; i < most; i++) {
        crl.entries[i].serial[0] = 0x40;
        for (size_t j = 0; j < 4; j++)
            crl.entries[i].serial[15 - j] = (uint8_t)(i >> 8 * j);
    }
    assert_err(crl_tbs(&crl, &fake.ca, &tbs), MLT_ERR_NOSPACE);
    assert_int_equal(tbs.len, 0);
}

static void pem_is_read_by_libcrypto(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf pem = { 0 };
    fake_crl_good(&fake, &der);
    assert_ok(crl_pem(buf_span(&der), &pem));
    assert_true(span_eq(span_of(pem.p, 24), span_str("-----BEGIN X509 CRL-----")));
    assert_err(crl_pem(span_of(der.p, 0), &pem), MLT_ERR_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_made_by_libcrypto_is_read),
        cmocka_unit_test(libcrypto_and_we_make_the_same_bytes_of_the_same_fields),
        cmocka_unit_test(what_we_sign_libcrypto_verifies),
        cmocka_unit_test(an_independent_oracle_agrees),
        cmocka_unit_test(every_defect_is_refused_for_its_own_reason),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(no_revocation_makes_a_list_without_entries),
        cmocka_unit_test(every_reason_and_every_number_comes_back),
        cmocka_unit_test(times_are_written_as_rfc_5280_wants_them),
        cmocka_unit_test(fields_outside_the_table_are_not_signed),
        cmocka_unit_test(a_life_of_30_days_is_the_longest),
        cmocka_unit_test(only_a_list_of_this_ca_is_signed),
        cmocka_unit_test(a_hundred_thousand_entries_are_sorted_signed_read_and_found),
        cmocka_unit_test(a_list_beyond_its_bound_is_not_made),
        cmocka_unit_test(pem_is_read_by_libcrypto),
    };
    return cmocka_run_group_tests_name("crl", tests, start, stop);
}
