/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "fake.h"
#include "pki/statement.h"

static struct fake fake;
static struct cert twin; /* the same name, another key */

static const int64_t now_s = 1795000000;
static const uint8_t serials[3 * CERT_SERIAL] = { [0] = 0x41, [16] = 0x42, [32] = 0x43 };

static int start(void **state)
{
    (void)state;
    bool locked = false;
    CLEANUP(buf_clear) struct buf der = { 0 };
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        return -1;
    fake_start(&fake, now_s);
    X509 *x = fake_root(fake.other_key, FAKE_REALM, now_s);
    fake_der(x, &der);
    X509_free(x);
    return cert_read_ca(buf_span(&der), NULL, &twin) == MLT_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    cert_clear(&twin);
    fake_stop(&fake);
    return 0;
}

static struct ledger_head some_head(void)
{
    struct ledger_head head = { .epoch = 1794000000, .base = 3, .size = 70, .time_s = now_s };
    memset(head.root, 0x5a, sizeof(head.root));
    return head;
}

static struct revocation some_revocation(void)
{
    return (struct revocation) { .number = 9,
                                 .this_update_s = now_s,
                                 .next_update_s = now_s + 7 * 86400,
                                 .serials = SPAN_OF(serials) };
}

/* Signed by `key` as the CA `ca` would; `signature` keeps the bytes. */
static void sign_head(EVP_PKEY *key, const struct cert *ca, struct ledger_head *head,
                      struct buf *signature)
{
    buf_reset(signature);
    assert_ok(statement_sign_head(key, ca, head, signature));
    head->signature = buf_span(signature);
}

static void sign_revocation(EVP_PKEY *key, const struct cert *ca, struct revocation *revocation,
                            struct buf *signature)
{
    buf_reset(signature);
    assert_ok(statement_sign_revocation(key, ca, revocation, signature));
    revocation->signature = buf_span(signature);
}

static void what_the_ca_signs_verifies(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf one = { 0 };
    CLEANUP(buf_clear) struct buf two = { 0 };
    struct ledger_head head = some_head();
    struct revocation revocation = some_revocation();
    sign_head(fake.ca_key, &fake.ca, &head, &one);
    assert_ok(statement_check_head(&fake.ca, &head));
    sign_revocation(fake.ca_key, &fake.ca, &revocation, &two);
    assert_ok(statement_check_revocation(&fake.ca, &revocation));
    revocation = some_revocation();
    revocation.serials = span_of(NULL, 0);
    sign_revocation(fake.ca_key, &fake.ca, &revocation, &two);
    assert_ok(statement_check_revocation(&fake.ca, &revocation));
}

static void a_statement_of_a_twin_ca_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head head = some_head();
    struct revocation revocation = some_revocation();
    sign_head(fake.other_key, &twin, &head, &signature);
    assert_ok(statement_check_head(&twin, &head));
    assert_err(statement_check_head(&fake.ca, &head), MLT_ERR_AUTH);
    sign_head(fake.other_key, &fake.ca, &head, &signature);
    assert_err(statement_check_head(&fake.ca, &head), MLT_ERR_AUTH);
    sign_revocation(fake.other_key, &fake.ca, &revocation, &signature);
    assert_err(statement_check_revocation(&fake.ca, &revocation), MLT_ERR_AUTH);
}

/* One key, two CAs (a root that was made anew): what it said as one is nothing as the other. */
static void the_fingerprint_is_part_of_what_is_signed(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct cert other = fake.ca;
    other.spki_hash[0] ^= 1;
    struct ledger_head head = some_head();
    struct revocation revocation = some_revocation();
    sign_head(fake.ca_key, &other, &head, &signature);
    assert_err(statement_check_head(&fake.ca, &head), MLT_ERR_AUTH);
    sign_revocation(fake.ca_key, &other, &revocation, &signature);
    assert_err(statement_check_revocation(&fake.ca, &revocation), MLT_ERR_AUTH);
    buf_reset(&signature);
    assert_ok(statement_sign_renewal(fake.leaf_key, &other, serials, &signature));
    assert_err(statement_check_renewal(fake.leaf_key, &fake.ca, serials, buf_span(&signature)),
               MLT_ERR_AUTH);
}

static void every_bit_of_a_head_counts(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head = some_head();
    sign_head(fake.ca_key, &fake.ca, &head, &signature);
    assert_ok(ledger_head_encode(&head, &bytes));
    size_t refused_by_signature = 0;
    for (size_t i = 0; i < 8 * bytes.len; i++) {
        struct ledger_head got;
        bytes.p[i / 8] ^= (uint8_t)(1 << i % 8);
        if (ledger_head_decode(buf_span(&bytes), &got) == MLT_OK) {
            assert_err(statement_check_head(&fake.ca, &got), MLT_ERR_AUTH);
            refused_by_signature++;
        }
        bytes.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(refused_by_signature > 8 * 256);
}

static void every_bit_of_a_revocation_counts(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct revocation revocation = some_revocation();
    sign_revocation(fake.ca_key, &fake.ca, &revocation, &signature);
    assert_ok(revocation_encode(&revocation, &bytes));
    size_t refused_by_signature = 0;
    for (size_t i = 0; i < 8 * bytes.len; i++) {
        struct revocation got;
        bytes.p[i / 8] ^= (uint8_t)(1 << i % 8);
        if (revocation_decode(buf_span(&bytes), &got) == MLT_OK) {
            assert_err(statement_check_revocation(&fake.ca, &got), MLT_ERR_AUTH);
            refused_by_signature++;
        }
        bytes.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(refused_by_signature > 8 * (256 + sizeof(serials)));
}

static void a_renewal_is_for_one_serial_by_one_key(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    uint8_t serial[CERT_SERIAL];
    memcpy(serial, serials, CERT_SERIAL);
    assert_ok(statement_sign_renewal(fake.leaf_key, &fake.ca, serial, &signature));
    const struct span s = buf_span(&signature);
    assert_ok(statement_check_renewal(fake.leaf_key, &fake.ca, serial, s));
    assert_err(statement_check_renewal(fake.other_key, &fake.ca, serial, s), MLT_ERR_AUTH);
    for (size_t i = 0; i < 8 * CERT_SERIAL; i++) {
        serial[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_err(statement_check_renewal(fake.leaf_key, &fake.ca, serial, s), MLT_ERR_AUTH);
        serial[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < s.n; n++)
        assert_err(statement_check_renewal(fake.leaf_key, &fake.ca, serial, span_of(s.p, n)),
                   MLT_ERR_AUTH);
}

/* Row 16: one signature in the place of another, over the very same digest. */
static void a_signature_for_one_purpose_is_none_for_another(void **state)
{
    (void)state;
    static const enum rsa_purpose all[] = {
        RSA_TRIAL,       RSA_SERVER_HANDSHAKE, RSA_CLIENT_HANDSHAKE,
        RSA_LEDGER_HEAD, RSA_REVOCATION,       RSA_RENEWAL
    };
    static const uint8_t digest[HASH_LEN] = { 1 };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        CLEANUP(buf_clear) struct buf signature = { 0 };
        assert_ok(rsa_sign(fake.ca_key, all[i], digest, &signature));
        for (size_t j = 0; j < COUNT_OF(all); j++)
            assert_err(rsa_verify(fake.ca_key, all[j], digest, buf_span(&signature)),
                       i == j ? MLT_OK : MLT_ERR_AUTH);
    }
}

static void what_cannot_be_written_is_not_signed(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head head = some_head();
    head.base = head.size + 1;
    assert_err(statement_sign_head(fake.ca_key, &fake.ca, &head, &signature), MLT_ERR_RANGE);
    struct revocation revocation = some_revocation();
    revocation.number = 0;
    assert_err(statement_sign_revocation(fake.ca_key, &fake.ca, &revocation, &signature),
               MLT_ERR_RANGE);
    revocation = some_revocation();
    revocation.serials.n--;
    assert_err(statement_sign_revocation(fake.ca_key, &fake.ca, &revocation, &signature),
               MLT_ERR_RANGE);
    assert_int_equal(signature.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_ca_signs_verifies),
        cmocka_unit_test(a_statement_of_a_twin_ca_is_refused),
        cmocka_unit_test(the_fingerprint_is_part_of_what_is_signed),
        cmocka_unit_test(every_bit_of_a_head_counts),
        cmocka_unit_test(every_bit_of_a_revocation_counts),
        cmocka_unit_test(a_renewal_is_for_one_serial_by_one_key),
        cmocka_unit_test(a_signature_for_one_purpose_is_none_for_another),
        cmocka_unit_test(what_cannot_be_written_is_not_signed),
    };
    return cmocka_run_group_tests_name("statement", tests, start, stop);
}
