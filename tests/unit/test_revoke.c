/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/admin.h"
#include "ca/admin_door.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/members.h"
#include "ca/reissue.h"
#include "ca/revoke.h"
#include "ca/setting.h"
#include "pki/request.h"
#include "pki/statement.h"

/*
 * Revocation and the life of the CRL.  Lists are read with libcrypto's own CRL calls and held
 * against what an SQLite connection of the test's own finds in ledger.db.
 */

static struct authority a;
static unsigned lists, told; /* on_crl, on_revoked */
static uint64_t told_before;

static void on_crl(void *ctx, uint64_t before)
{
    (void)ctx;
    lists++;
    told_before = before;
}

static void on_revoked(void *ctx, const struct certificate *c)
{
    (void)ctx;
    (void)c;
    told++;
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static void watch(void)
{
    lists = told = 0;
    a.ca.events = (struct ca_events) { .on_revoked = on_revoked, .on_crl = on_crl };
}

static int start(void **state)
{
    (void)state;
    authority_start(&a, ENROL_OPEN);
    watch();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

static void pass(int64_t seconds)
{
    a.now_ms += seconds * 1000;
}

static void enrol(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_int_equal(authority_enrol(&a, name, authority_key(key), NULL, &der).result,
                     WELCOME_ISSUED);
}

static enum refusal refusal_of(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    return authority_enrol(&a, name, authority_key(key), NULL, &der).reason;
}

/* How many certificates were taken back. */
static size_t take_back(const char *name, enum crl_reason reason)
{
    const struct revoke_order order = { authority_name(name), reason };
    size_t count = 99;
    bool done = false;
    assert_ok(revoke_name(&a.ca, &order, &count, &done));
    assert_true(done);
    return count;
}

static uint64_t tend(void)
{
    struct crl_facts facts;
    assert_ok(crl_keep_tend(&a.ca, NULL));
    assert_ok(crl_keep_facts(&a.ca.db, &facts));
    return facts.number;
}

/* ---- second opinions ---- */

static sqlite3 *open_database(void)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open("ledger.db", &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

static void run(const char *sql)
{
    sqlite3 *db = open_database();
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t ask(const char *sql)
{
    sqlite3 *db = open_database();
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return value;
}

static X509_CRL *newest_list(void)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint64_t number = 0;
    assert_ok(crl_keep_der(&a.ca.db, &number, &der));
    const uint8_t *at = der.p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_non_null(crl);
    assert_ptr_equal(at, der.p + der.len);
    assert_int_equal(X509_CRL_verify(crl, a.ca.key), 1);
    ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    assert_int_equal(ASN1_INTEGER_get(n), number);
    ASN1_INTEGER_free(n);
    return crl;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;
    assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
    return timegm(&tm);
}

/* -1: the list has no entry of the serial. */
static int reason_in(X509_CRL *crl, const void *serial, size_t n)
{
    BIGNUM *number = BN_bin2bn(serial, (int)n, NULL);
    ASN1_INTEGER *wanted = BN_to_ASN1_INTEGER(number, NULL);
    X509_REVOKED *entry = NULL;
    int reason = -1;
    if (X509_CRL_get0_by_serial(crl, &entry, wanted) == 1) {
        ASN1_ENUMERATED *given = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        reason = given != NULL ? (int)ASN1_ENUMERATED_get(given) : 0;
        ASN1_ENUMERATED_free(given);
    }
    ASN1_INTEGER_free(wanted);
    BN_free(number);
    return reason;
}

/* The list has exactly the rows that are not past their time, signed now for LIMIT_CRL_S. */
static void check_list(uint64_t number, int entries, bool is_of_now)
{
    X509_CRL *crl = newest_list();
    ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    assert_int_equal(ASN1_INTEGER_get(n), number);
    ASN1_INTEGER_free(n);
    int64_t this_update_s = seconds_of(X509_CRL_get0_lastUpdate(crl));
    if (is_of_now)
        assert_int_equal(this_update_s, a.now_ms / 1000);
    assert_int_equal(seconds_of(X509_CRL_get0_nextUpdate(crl)), this_update_s + LIMIT_CRL_S);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), entries > 0 ? entries : -1);
    sqlite3 *db = open_database();
    sqlite3_stmt *row = NULL;
    int rows = 0;
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT serial, reason, until_s FROM revocation", -1, &row, NULL),
        SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) {
        bool listed = sqlite3_column_int64(row, 2) > this_update_s;
        int reason =
            reason_in(crl, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0));
        assert_int_equal(reason, listed ? sqlite3_column_int(row, 1) : -1);
        rows += listed;
    }
    assert_int_equal(rows, entries);
    sqlite3_finalize(row);
    sqlite3_close(db);
    X509_CRL_free(crl);
}

static int reason_of(const char *name)
{
    struct certificate c;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name who = authority_name(name);
    enum cert_role role = strcmp(name, "relay") == 0 ? CERT_SERVER : CERT_CLIENT;
    assert_ok(certificates_newest(&a.ca.db, role, &who, &c, &der));
    X509_CRL *crl = newest_list();
    int reason = reason_in(crl, c.serial, CERT_SERIAL);
    X509_CRL_free(crl);
    return reason;
}

/* ---- notices ---- */

struct chain {
    uint64_t first, last;
    size_t count, serials, most;
    struct buf all; /* serials, in the order they were told */
};

static enum mlt_err take_notice(void *ctx, uint64_t number, struct span record)
{
    struct chain *chain = ctx;
    struct revocation notice;
    assert_ok(revocation_decode(record, &notice));
    assert_ok(statement_check_revocation(&a.ca.cert, &notice));
    assert_int_equal(notice.number, number);
    if (chain->count > 0)
        assert_int_equal(number, chain->last + 1);
    else
        chain->first = number;
    chain->last = number;
    chain->count++;
    chain->serials += notice.serials.n / CERT_SERIAL;
    if (notice.serials.n / CERT_SERIAL > chain->most)
        chain->most = notice.serials.n / CERT_SERIAL;
    return buf_put(&chain->all, notice.serials);
}

static struct chain notices_after(uint64_t after)
{
    struct chain chain = { 0 };
    const struct notice_visit visit = { take_notice, &chain };
    assert_ok(crl_keep_notices(&a.ca.db, after, &visit));
    return chain;
}

static void check_notices(uint64_t after, size_t count, size_t serials)
{
    struct chain chain = notices_after(after);
    assert_int_equal(chain.count, count);
    assert_int_equal(chain.serials, serials);
    buf_clear(&chain.all);
}

/* ---- revoking ---- */

static void a_revoked_name_is_in_the_next_list_with_its_reason_and_nobody_else_is(void **state)
{
    (void)state;
    enrol("maria", 0);
    enrol("joao", 1);
    assert_int_equal(tend(), 1);
    check_list(1, 0, true);
    assert_int_equal(take_back("maria", CRL_KEY_COMPROMISE), 1);
    assert_int_equal(told, 1);
    assert_int_equal(lists, 2);
    assert_int_equal(told_before, 1);
    check_list(2, 1, true);
    assert_int_equal(reason_of("maria"), CRL_KEY_COMPROMISE);
    assert_int_equal(reason_of("joao"), -1);
    check_notices(1, 1, 1);
    check_notices(2, 0, 0);
}

static void every_reason_is_in_the_list_as_it_was_given(void **state)
{
    (void)state;
    static const enum crl_reason reasons[] = { CRL_UNSPECIFIED, CRL_KEY_COMPROMISE,
                                               CRL_AFFILIATION_CHANGED, CRL_SUPERSEDED,
                                               CRL_CESSATION };
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    for (unsigned i = 0; i < COUNT_OF(reasons); i++) {
        enrol(names[i], i);
        take_back(names[i], reasons[i]);
    }
    for (unsigned i = 0; i < COUNT_OF(reasons); i++)
        assert_int_equal(reason_of(names[i]), reasons[i]);
    check_list(5, 5, true);
}

static void a_revoked_key_and_its_name_are_closed_for_good(void **state)
{
    (void)state;
    enrol("maria", 0);
    take_back("maria", CRL_UNSPECIFIED);
    assert_int_equal(refusal_of("maria", 0), REFUSAL_REVOKED);
    assert_int_equal(refusal_of("other", 0), REFUSAL_REVOKED);
    assert_int_equal(refusal_of("maria", 1), REFUSAL_NAME_TAKEN);
    /* An invite that names it opens nothing either: reissue alone does. */
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct invite invite = authority_invite(&a, "maria");
    assert_int_equal(authority_enrol(&a, "maria", authority_key(1), &invite, &der).reason,
                     REFUSAL_NAME_TAKEN);
    const struct name maria = authority_name("maria");
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(1), hash);
    assert_err(members_put(&a.ca.db, &maria, hash, a.now_ms / 1000), MLT_ERR_REFUSED);
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 60, &invite));
    assert_int_equal(authority_enrol(&a, "maria", authority_key(1), &invite, &der).result,
                     WELCOME_ISSUED);
    assert_int_equal(refusal_of("maria", 0), REFUSAL_REVOKED);
    assert_int_equal(ask("SELECT count(*) FROM revocation"), 1);
}

/* By a clock that is ten years ahead everything is over, and nothing can be signed. */
static void a_revocation_is_told_whatever_the_clock_says(void **state)
{
    (void)state;
    static const char *const names[] = { "maria", "joao" };
    size_t count = 0;
    bool done = false;
    enrol("maria", 0);
    enrol("joao", 1);
    tend();
    a.jumped_ms = (int64_t)3653 * 86400 * 1000;
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        const struct revoke_order order = { authority_name(names[i]), CRL_KEY_COMPROMISE };
        done = false;
        assert_err(revoke_name(&a.ca, &order, &count, &done), MLT_ERR_CLOCK);
        assert_true(done);
        assert_int_equal(count, 1);
        /* The one before is in no list yet, and is told once more. */
        assert_int_equal(told, i == 0 ? 1 : 3);
    }
    a.jumped_ms = 0;
    authority_restart(&a);
    watch();
    check_list(tend(), 2, true);
}

/* Never listed, so its row stays open: with its own name it is told, with others no more. */
static void what_was_over_when_it_was_revoked_is_told_once(void **state)
{
    (void)state;
    enrol("maria", 0);
    pass((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S + 3600);
    enrol("joao", 1);
    assert_int_equal(take_back("maria", CRL_UNSPECIFIED), 1);
    assert_int_equal(told, 1);
    take_back("joao", CRL_UNSPECIFIED);
    assert_int_equal(told, 2);
}

static void revoking_forgets_the_invites_that_name_it(void **state)
{
    (void)state;
    enrol("maria", 0);
    const struct name maria = authority_name("maria");
    struct invite invite;
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 60, &invite));
    assert_int_equal(take_back("maria", CRL_CESSATION), 0);
    assert_int_equal(authority_enrol(&a, "maria", authority_key(1), &invite, &der).reason,
                     REFUSAL_INVITE);
}

static void once_more_changes_nothing(void **state)
{
    (void)state;
    enrol("maria", 0);
    assert_int_equal(take_back("maria", CRL_KEY_COMPROMISE), 1);
    unsigned before = lists;
    pass(100);
    assert_int_equal(take_back("maria", CRL_CESSATION), 0);
    assert_int_equal(lists, before);
    assert_int_equal(told, 1);
    check_list(1, 1, false);
    assert_int_equal(reason_of("maria"), CRL_KEY_COMPROMISE);
}

static void a_name_that_was_never_given_cannot_be_revoked(void **state)
{
    (void)state;
    const struct revoke_order order = { authority_name("ninguem"), CRL_UNSPECIFIED };
    size_t count = 0;
    bool done = true;
    assert_err(revoke_name(&a.ca, &order, &count, &done), MLT_ERR_MISSING);
    assert_false(done);
    assert_int_equal(lists, 0);
}

static enum mlt_err ask_as_server(unsigned key)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name relay = authority_name("relay");
    assert_ok(request_make(authority_key(key), &relay, &request));
    return enrol_server(&a.ca, buf_span(&request), &der);
}

static void
the_servers_own_certificates_can_be_revoked_and_it_gets_one_for_another_key(void **state)
{
    (void)state;
    assert_ok(ask_as_server(2));
    pass(3600);
    assert_ok(ask_as_server(2));
    assert_int_equal(take_back("relay", CRL_KEY_COMPROMISE), 2);
    assert_int_equal(told, 2);
    assert_int_equal(reason_of("relay"), CRL_KEY_COMPROMISE);
    check_list(1, 2, true);
    assert_err(ask_as_server(2), MLT_ERR_CERT_REVOKED);
    assert_ok(ask_as_server(3));
    assert_int_equal(reason_of("relay"), -1);
}

static void a_reissue_is_a_revocation_as_superseded(void **state)
{
    (void)state;
    enrol("maria", 0);
    const struct name maria = authority_name("maria");
    struct invite invite;
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 60, &invite));
    assert_int_equal(reason_of("maria"), CRL_SUPERSEDED);
    check_list(1, 1, true);
    assert_int_equal(told, 1);
}

/* ---- the list's life ---- */

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
    watch();
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
    watch();
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
    run(sql);
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
    assert_int_equal(ask("SELECT count(*) FROM leaf"), 2); /* the root, and one list */
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
    assert_int_equal(ask("SELECT count(*) FROM crl"), 1);
    check_list(LIMIT_REVOCATIONS_KEPT + 6, 1, true);
}

static void a_flood_of_revocations_is_one_list_and_the_notices_that_are_kept(void **state)
{
    (void)state;
    make_rows(70 * LIMIT_REVOKED_AT_ONCE);
    assert_int_equal(tend(), 70);
    check_notices(0, LIMIT_REVOCATIONS_KEPT,
                  (size_t)LIMIT_REVOCATIONS_KEPT * LIMIT_REVOKED_AT_ONCE);
    assert_int_equal(ask("SELECT count(*) FROM revocation WHERE number IS NULL"), 0);
    assert_int_equal(ask("SELECT count(DISTINCT number) FROM revocation"), 70);
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
    assert_ok(ledger_read(&a.ca.db, (uint64_t)ask("SELECT position FROM crl"), &leaf));
    assert_int_equal(leaf.kind, LEDGER_CRL);
    assert_memory_equal(leaf.tbs_hash, hash, HASH_LEN);
    assert_ok(ledger_leaf_get_number(leaf.serial, &listed));
    assert_int_equal(listed, number);
    assert_int_equal(ask("SELECT count(*) FROM leaf"), 4); /* root, maria, two lists */
}

/* ---- what restore needs ---- */

static void what_another_list_revoked_is_carried_over(void **state)
{
    (void)state;
    enrol("maria", 0);
    enrol("joao", 1);
    tend();
    struct certificate c;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name maria = authority_name("maria");
    assert_ok(certificates_newest(&a.ca.db, CERT_CLIENT, &maria, &c, &der));
    struct crl_entry known = { .reason = CRL_KEY_COMPROMISE, .revoked_s = AUTHORITY_NOW_S + 5 };
    struct crl_entry unknown = { .serial = { 0x41, 1 }, .revoked_s = AUTHORITY_NOW_S + 6 };
    memcpy(known.serial, c.serial, CERT_SERIAL);
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(database_begin(&a.ca.db));
        assert_ok(revoke_carry(&a.ca.db, &known, a.now_ms / 1000));
        assert_ok(revoke_carry(&a.ca.db, &unknown, a.now_ms / 1000));
        assert_ok(crl_keep_skip_to(&a.ca.db, 1000));
        assert_ok(database_end(&a.ca.db, MLT_OK));
    }
    check_notices(0, 0, 0);
    assert_int_equal(tend(), 1000);
    check_list(1000, 2, true);
    assert_int_equal(reason_of("maria"), CRL_KEY_COMPROMISE);
    assert_int_equal(reason_of("joao"), -1);
    check_notices(0, 1, 2);
    assert_int_equal(refusal_of("maria", 0), REFUSAL_REVOKED);
    assert_int_equal(refusal_of("maria", 2), REFUSAL_NAME_TAKEN);
    pass(LIMIT_CRL_RENEW_S);
    assert_int_equal(tend(), 1001);
    /* What nobody knows the end of stays for the longest life there is. */
    pass((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S - LIMIT_CRL_RENEW_S - 1);
    tend();
    check_list(1002, 2, true);
}

static void a_stopped_ca_revokes_and_signs_no_list(void **state)
{
    (void)state;
    enrol("maria", 0);
    tend();
    assert_ok(buf_put_u8(&a.ca.stopped.head, 1));
    const struct revoke_order order = { authority_name("maria"), CRL_UNSPECIFIED };
    size_t count = 0;
    bool done = false;
    assert_err(revoke_name(&a.ca, &order, &count, &done), MLT_ERR_STOPPED);
    assert_true(done);
    assert_int_equal(count, 1);
    assert_int_equal(told, 1);
    assert_int_equal(reason_of("maria"), -1);
    buf_clear(&a.ca.stopped.head);
    assert_int_equal(tend(), 2);
    assert_int_equal(reason_of("maria"), CRL_UNSPECIFIED);
}

static void an_older_file_tells_of_all_that_it_revoked(void **state)
{
    (void)state;
    /* As step 2 -> 3 leaves it: rows that no list has told of, and no list. */
    enrol("maria", 0);
    run("INSERT INTO revocation(serial, revoked_s, reason, until_s) "
        "SELECT serial, issued_s, 0, not_after_s + 604800 FROM certificate WHERE role = 3");
    assert_int_equal(tend(), 1);
    check_list(1, 1, true);
    check_notices(0, 1, 1);
}

/* ---- who waits for net ---- */

static struct channel knock(struct admin_door *door)
{
    struct channel guest;
    int fds[2];
    assert_ok(channel_pair(fds));
    channel_init(&guest, fds[1], IPC_ADMIN, IPC_CA);
    /* As admin_door would have let it in. */
    for (size_t i = 0; i < COUNT_OF(door->guests); i++) {
        if (door->guests[i].channel.fd >= 0)
            continue;
        channel_init(&door->guests[i].channel, fds[0], IPC_CA, IPC_ADMIN);
        door->guests[i].until_ms = env_mono_ms(a.ca.env) + LIMIT_ADMIN_MS;
        return guest;
    }
    fail();
    return guest;
}

static void say(struct channel *guest, enum admin_verb verb, const char *name)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct admin_request request = { .verb = verb, .has_name = name != NULL, .expires_s = 60 };
    if (name != NULL)
        request.name = authority_name(name);
    assert_ok(admin_request_encode(&request, &body));
    assert_ok(channel_send(guest, IPC_ADMIN_REQUEST, 0, buf_span(&body)));
}

static void serve(struct admin_door *door)
{
    struct pollfd polls[ADMIN_DOOR_POLLS];
    int timeout_ms = 0;
    size_t count = admin_door_poll(door, polls, &timeout_ms);
    for (size_t i = 0; i < count; i++)
        polls[i].revents = POLLIN;
    admin_door_serve(door, polls, count);
}

/* What has come so far; MLT_ERR_UNEXPECTED while there is no end. */
static enum mlt_err read_end(struct channel *guest, unsigned *certs, unsigned *alarms)
{
    CLEANUP(buf_clear) struct buf packet = { 0 };
    struct ipc_message message;
    struct admin_row row;
    struct admin_end end;
    for (;;) {
        bool got = false;
        assert_ok(channel_receive(guest, 0, &packet, &message, &got));
        if (!got)
            return MLT_ERR_UNEXPECTED;
        if (message.type == IPC_ADMIN_END)
            break;
        assert_ok(admin_row_decode(message.body, &row));
        *certs += row.kind == ADMIN_ROW_CERT;
        *alarms += row.kind == ADMIN_ROW_ALARM;
    }
    assert_ok(admin_end_decode(message.body, &end));
    return end.err;
}

static void who_revokes_waits_for_net_and_nobody_else_does(void **state)
{
    (void)state;
    struct admin_door door;
    unsigned certs = 0, alarms = 0;
    enrol("maria", 0);
    enrol("joao", 1);
    admin_door_init(&door, &a.ca, -1, 0);
    a.ca.net = (struct ca_net) { .is_here = true };
    struct channel first = knock(&door), second = knock(&door), other = knock(&door);
    say(&first, ADMIN_REVOKE, "maria");
    say(&second, ADMIN_REVOKE, "joao");
    say(&other, ADMIN_PENDING, NULL);
    serve(&door);
    assert_err(read_end(&first, &certs, &alarms), MLT_ERR_UNEXPECTED);
    assert_err(read_end(&second, &certs, &alarms), MLT_ERR_UNEXPECTED);
    assert_int_equal(certs, 2);
    assert_ok(read_end(&other, &certs, &alarms));
    a.ca.net.crl_taken = 1;
    serve(&door);
    assert_ok(read_end(&first, &certs, &alarms));
    assert_err(read_end(&second, &certs, &alarms), MLT_ERR_UNEXPECTED);
    a.now_ms += LIMIT_CONFIRM_MS;
    serve(&door);
    assert_err(read_end(&second, &certs, &alarms), MLT_ERR_TIMEOUT);
    assert_int_equal(alarms, 0);
    for (size_t i = 0; i < COUNT_OF(door.guests); i++)
        assert_int_equal(door.guests[i].channel.fd, -1);
    /* Once more: nothing new, and it is confirmed when net has what there is. */
    struct channel again = knock(&door);
    say(&again, ADMIN_REVOKE, "joao");
    serve(&door);
    assert_err(read_end(&again, &certs, &alarms), MLT_ERR_UNEXPECTED);
    a.ca.net.crl_taken = 2;
    serve(&door);
    assert_ok(read_end(&again, &certs, &alarms));
    channel_close(&first);
    channel_close(&second);
    channel_close(&other);
    channel_close(&again);
    admin_door_clear(&door);
}

static void a_reissue_that_net_does_not_confirm_gives_its_invite_and_an_alarm(void **state)
{
    (void)state;
    struct admin_door door;
    unsigned certs = 0, alarms = 0;
    enrol("maria", 0);
    admin_door_init(&door, &a.ca, -1, 0);
    a.ca.net = (struct ca_net) { .is_here = true };
    struct channel guest = knock(&door);
    say(&guest, ADMIN_REISSUE, "maria");
    serve(&door);
    assert_err(read_end(&guest, &certs, &alarms), MLT_ERR_UNEXPECTED);
    a.now_ms += LIMIT_CONFIRM_MS;
    serve(&door);
    assert_ok(read_end(&guest, &certs, &alarms));
    assert_int_equal(alarms, 1);
    channel_close(&guest);
    admin_door_clear(&door);
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CA(a_revoked_name_is_in_the_next_list_with_its_reason_and_nobody_else_is),
        WITH_CA(every_reason_is_in_the_list_as_it_was_given),
        WITH_CA(a_revoked_key_and_its_name_are_closed_for_good),
        WITH_CA(a_revocation_is_told_whatever_the_clock_says),
        WITH_CA(what_was_over_when_it_was_revoked_is_told_once),
        WITH_CA(revoking_forgets_the_invites_that_name_it),
        WITH_CA(once_more_changes_nothing),
        WITH_CA(a_name_that_was_never_given_cannot_be_revoked),
        WITH_CA(the_servers_own_certificates_can_be_revoked_and_it_gets_one_for_another_key),
        WITH_CA(a_reissue_is_a_revocation_as_superseded),
        WITH_CA(a_list_is_signed_anew_every_day_and_not_sooner),
        WITH_CA(an_entry_leaves_the_list_when_its_certificate_can_no_longer_be_renewed),
        WITH_CA(what_was_revoked_and_never_listed_is_listed_after_the_next_start),
        WITH_CA(the_number_goes_on_after_a_start),
        WITH_CA(more_than_one_notice_holds_take_several_numbers),
        WITH_CA(the_notices_of_the_last_numbers_are_kept_and_no_others),
        WITH_CA(a_flood_of_revocations_is_one_list_and_the_notices_that_are_kept),
        WITH_CA(every_list_has_its_leaf_and_it_is_of_these_bytes),
        WITH_CA(what_another_list_revoked_is_carried_over),
        WITH_CA(a_stopped_ca_revokes_and_signs_no_list),
        WITH_CA(an_older_file_tells_of_all_that_it_revoked),
        WITH_CA(who_revokes_waits_for_net_and_nobody_else_does),
        WITH_CA(a_reissue_that_net_does_not_confirm_gives_its_invite_and_an_alarm),
    };
    return cmocka_run_group_tests_name("revoke", tests, libraries, NULL);
}
