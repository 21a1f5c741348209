/* SPDX-License-Identifier: Apache-2.0 */
#include "revoke_scene.h"

#include <stdio.h>

#include "base/limits.h"
#include "ca/crl_keep.h"

/* The life of the CRL, and the notices of what is new in it. */

static void a_list_is_signed_anew_every_day_and_not_sooner(void **state)
{
    (void)state;
    enrol("maria", 0);
    take_back("maria", CRL_UNSPECIFIED);
    pass(LIMIT_CRL_RENEW_S - 1);
    assert_int_equal(tend(), 1);
    pass(1);
    assert_int_equal(tend(), 2);
    check_list(2, 1, true);
    check_notices(1, 1, 0);
}

static void an_entry_leaves_the_list_when_its_certificate_can_no_longer_be_renewed(void **state)
{
    (void)state;
    enrol("maria", 0);
    take_back("maria", CRL_UNSPECIFIED);
    pass((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S - 1);
    assert_int_equal(tend(), 2);
    check_list(2, 1, true);
    pass(LIMIT_CRL_RENEW_S);
    assert_int_equal(tend(), 3);
    check_list(3, 0, true);
    /* The key stays closed. */
    assert_int_equal(refusal_of("maria", 0), REFUSAL_REVOKED);
}

static void what_was_revoked_and_never_listed_is_listed_after_the_next_start(void **state)
{
    (void)state;
    enrol("maria", 0);
    enrol("joao", 1);
    assert_int_equal(tend(), 1);
    /* Killed right after the transaction. */
    const struct revoke_order order = { authority_name("maria"), CRL_KEY_COMPROMISE };
    size_t count = 0;
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, revoke_rows(&a.ca, &order, true, &count)));
    authority_restart(&a);
    revoke_scene_watch();
    assert_int_equal(tend(), 2);
    assert_int_equal(told_before, 1);
    check_list(2, 1, true);
    check_notices(1, 1, 1);
    assert_int_equal(tend(), 2);
}

static void the_number_goes_on_after_a_start(void **state)
{
    (void)state;
    enrol("maria", 0);
    take_back("maria", CRL_UNSPECIFIED);
    authority_restart(&a);
    revoke_scene_watch();
    assert_int_equal(tend(), 1);
    pass(LIMIT_CRL_RENEW_S);
    assert_int_equal(tend(), 2);
    check_list(2, 1, true);
}

static void make_rows(unsigned count)
{
    char sql[300];
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
             "INSERT INTO revocation(serial, revoked_s, reason, until_s) "
             "SELECT CAST(printf('@%%015d', i) AS BLOB), %d, 0, %d FROM n",
             count, AUTHORITY_NOW_S, AUTHORITY_NOW_S + 100000000);
    change_database(sql);
}

static void more_than_one_notice_holds_take_several_numbers(void **state)
{
    (void)state;
    make_rows(2 * LIMIT_REVOKED_AT_ONCE + 1);
    assert_int_equal(tend(), 3);
    struct chain chain = notices_after(0);
    assert_int_equal(chain.first, 1);
    assert_int_equal(chain.last, 3);
    assert_int_equal(chain.most, LIMIT_REVOKED_AT_ONCE);
    assert_int_equal(chain.serials, 2 * LIMIT_REVOKED_AT_ONCE + 1);
    /* Each once. */
    X509_CRL *crl = newest_list();
    for (size_t at = 0; at < chain.all.len; at += CERT_SERIAL) {
        assert_int_equal(reason_in(crl, chain.all.p + at, CERT_SERIAL), 0);
        for (size_t other = 0; other < at; other += CERT_SERIAL)
            assert_false(span_eq(span_of(chain.all.p + at, CERT_SERIAL),
                                 span_of(chain.all.p + other, CERT_SERIAL)));
    }
    X509_CRL_free(crl);
    buf_clear(&chain.all);
    assert_int_equal(ask_database("SELECT count(*) FROM leaf"), 2); /* the root, and one list */
}

static void the_notices_of_the_last_numbers_are_kept_and_no_others(void **state)
{
    (void)state;
    enrol("maria", 0);
    take_back("maria", CRL_UNSPECIFIED);
    for (unsigned i = 0; i < LIMIT_REVOCATIONS_KEPT + 5; i++) {
        pass(LIMIT_CRL_RENEW_S);
        tend();
    }
    struct chain chain = notices_after(0);
    assert_int_equal(chain.count, LIMIT_REVOCATIONS_KEPT);
    assert_int_equal(chain.last, LIMIT_REVOCATIONS_KEPT + 6);
    buf_clear(&chain.all);
    assert_int_equal(ask_database("SELECT count(*) FROM crl"), 1);
    check_list(LIMIT_REVOCATIONS_KEPT + 6, 1, true);
}

static void a_flood_of_revocations_is_one_list_and_the_notices_that_are_kept(void **state)
{
    (void)state;
    make_rows(70 * LIMIT_REVOKED_AT_ONCE);
    assert_int_equal(tend(), 70);
    check_notices(0, LIMIT_REVOCATIONS_KEPT,
                  (size_t)LIMIT_REVOCATIONS_KEPT * LIMIT_REVOKED_AT_ONCE);
    assert_int_equal(ask_database("SELECT count(*) FROM revocation WHERE number IS NULL"), 0);
    assert_int_equal(ask_database("SELECT count(DISTINCT number) FROM revocation"), 70);
}

static void every_list_has_its_leaf_and_it_is_of_these_bytes(void **state)
{
    (void)state;
    enrol("maria", 0);
    tend();
    take_back("maria", CRL_UNSPECIFIED);
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    uint64_t number = 0, listed = 0;
    uint8_t hash[HASH_LEN];
    struct ledger_leaf leaf;
    assert_ok(crl_keep_der(&a.ca.db, &number, &der));
    assert_ok(crl_tbs_of(buf_span(&der), &tbs));
    assert_ok(hash_sha256(buf_span(&tbs), hash));
    assert_ok(ledger_read(&a.ca.db, (uint64_t)ask_database("SELECT position FROM crl"), &leaf));
    assert_int_equal(leaf.kind, LEDGER_CRL);
    assert_memory_equal(leaf.tbs_hash, hash, HASH_LEN);
    assert_ok(ledger_leaf_get_number(leaf.serial, &listed));
    assert_int_equal(listed, number);
    assert_int_equal(ask_database("SELECT count(*) FROM leaf"), 4); /* root, maria, two lists */
}

/* ---- a ledger.db that others have written to ---- */

static void assert_nothing_more_is_signed(void)
{
    int64_t leaves = ask_database("SELECT count(*) FROM leaf");
    assert_err(crl_keep_tend(&a.ca), MLT_ERR_DAMAGED);
    assert_true(a.ca.crl_care.drops);
    assert_int_equal(ask_database("SELECT count(*) FROM leaf"), leaves);
    assert_int_equal(ask_database("SELECT max(number) FROM crl"), 2);
}

static void start_with_two_revoked(void)
{
    enrol("maria", 0);
    enrol("joao", 1);
    take_back("maria", CRL_UNSPECIFIED);
    take_back("joao", CRL_UNSPECIFIED);
    pass(LIMIT_CRL_RENEW_S);
}

static void a_revocation_outlives_the_end_that_its_row_was_given(void **state)
{
    (void)state;
    start_with_two_revoked();
    change_database("UPDATE revocation SET until_s = 1");
    assert_int_equal(tend(), 3);
    X509_CRL *crl = newest_list();
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 2);
    X509_CRL_free(crl);
    pass((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S);
    assert_int_equal(tend(), 4);
    check_list(4, 0, true);
}

static void no_list_is_signed_that_leaves_out_what_can_still_be_used(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "DELETE FROM revocation WHERE serial = (SELECT serial FROM certificate WHERE name = 'joao')",
        "UPDATE revocation SET until_s = 1, revoked_s = 1",
        "UPDATE revocation SET until_s = 1, number = NULL",
        "UPDATE revocation SET until_s = 1; UPDATE certificate SET not_after_s = 1",
        "UPDATE revocation SET until_s = 1; UPDATE certificate SET not_after_s = 1, der = x'3000'",
        ("UPDATE revocation SET until_s = 1; UPDATE certificate SET not_after_s = 1, der = "
         "(SELECT der FROM certificate WHERE role = 1)"),
        "DELETE FROM revocation; DELETE FROM certificate WHERE role = 3",
    };
    start_with_two_revoked();
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        change_database("CREATE TABLE r AS SELECT * FROM revocation;"
                        "CREATE TABLE c AS SELECT * FROM certificate");
        change_database(changes[i]);
        assert_nothing_more_is_signed();
        change_database("DELETE FROM revocation; INSERT INTO revocation SELECT * FROM r;"
                        "DELETE FROM certificate; INSERT INTO certificate SELECT * FROM c;"
                        "DROP TABLE r; DROP TABLE c");
    }
    assert_int_equal(tend(), 3);
    assert_false(a.ca.crl_care.drops);
    check_list(3, 2, true);
}

static void no_list_is_signed_after_one_that_is_not_the_cas(void **state)
{
    (void)state;
    start_with_two_revoked();
    change_database("UPDATE crl SET der = x'3000'");
    assert_nothing_more_is_signed();
}

static void an_entry_whose_certificate_nobody_knows_leaves_in_its_time(void **state)
{
    (void)state;
    const struct crl_entry entry = { .serial = { 0x41 }, .revoked_s = AUTHORITY_NOW_S - 86400 };
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, revoke_carry(&a.ca.db, &entry, AUTHORITY_NOW_S)));
    assert_int_equal(tend(), 1);
    check_list(1, 1, true);
    pass((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S - 1);
    assert_int_equal(tend(), 2);
    check_list(2, 1, true);
    pass(LIMIT_CRL_RENEW_S);
    assert_int_equal(tend(), 3);
    check_list(3, 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REVOKE_TEST(a_list_is_signed_anew_every_day_and_not_sooner),
        REVOKE_TEST(an_entry_leaves_the_list_when_its_certificate_can_no_longer_be_renewed),
        REVOKE_TEST(what_was_revoked_and_never_listed_is_listed_after_the_next_start),
        REVOKE_TEST(the_number_goes_on_after_a_start),
        REVOKE_TEST(more_than_one_notice_holds_take_several_numbers),
        REVOKE_TEST(the_notices_of_the_last_numbers_are_kept_and_no_others),
        REVOKE_TEST(a_flood_of_revocations_is_one_list_and_the_notices_that_are_kept),
        REVOKE_TEST(every_list_has_its_leaf_and_it_is_of_these_bytes),
        REVOKE_TEST(a_revocation_outlives_the_end_that_its_row_was_given),
        REVOKE_TEST(no_list_is_signed_that_leaves_out_what_can_still_be_used),
        REVOKE_TEST(no_list_is_signed_after_one_that_is_not_the_cas),
        REVOKE_TEST(an_entry_whose_certificate_nobody_knows_leaves_in_its_time),
    };
    return cmocka_run_group_tests_name("crl_keep", tests, revoke_scene_libraries, NULL);
}
