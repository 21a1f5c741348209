/* SPDX-License-Identifier: Apache-2.0 */
#include "revoke_scene.h"

#include <openssl/x509v3.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/limits.h"
#include "ca/crl_keep.h"
#include "pki/statement.h"
#include "signed_oracle.h"

struct authority a;
unsigned lists, told;
uint64_t told_before;

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

int revoke_scene_libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

void revoke_scene_watch(void)
{
    lists = told = 0;
    a.ca.events = (struct ca_events) { .on_revoked = on_revoked, .on_crl = on_crl };
}

int revoke_scene_start(void **state)
{
    (void)state;
    authority_start(&a, ENROL_OPEN);
    revoke_scene_watch();
    return 0;
}

int revoke_scene_stop(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

void pass(int64_t seconds)
{
    a.now_ms += seconds * 1000;
}

void enrol(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_int_equal(authority_enrol(&a, name, authority_key(key), NULL, &der).result,
                     WELCOME_ISSUED);
}

enum refusal refusal_of(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    return authority_enrol(&a, name, authority_key(key), NULL, &der).reason;
}

size_t take_back(const char *name, enum crl_reason reason)
{
    const struct revoke_order order = { authority_name(name), reason };
    size_t count = 99;
    bool done = false;
    assert_ok(revoke_name(&a.ca, &order, &count, &done));
    assert_true(done);
    return count;
}

uint64_t tend(void)
{
    struct crl_facts facts;
    assert_ok(crl_keep_tend(&a.ca));
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

void change_database(const char *sql)
{
    sqlite3 *db = open_database();
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

int64_t ask_database(const char *sql)
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

X509_CRL *newest_list(void)
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

int reason_in(X509_CRL *crl, const void *serial, size_t n)
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

void check_list(uint64_t number, int entries, bool is_of_now)
{
    X509_CRL *crl = newest_list();
    ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    assert_int_equal(ASN1_INTEGER_get(n), number);
    ASN1_INTEGER_free(n);
    int64_t this_update_s = signed_seconds(X509_CRL_get0_lastUpdate(crl));
    if (is_of_now)
        assert_int_equal(this_update_s, a.now_ms / 1000);
    assert_int_equal(signed_seconds(X509_CRL_get0_nextUpdate(crl)), this_update_s + LIMIT_CRL_S);
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

int reason_of(const char *name)
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

struct chain notices_after(uint64_t after)
{
    struct chain chain = { 0 };
    const struct notice_visit visit = { take_notice, &chain };
    assert_ok(crl_keep_notices(&a.ca.db, after, &visit));
    return chain;
}

void check_notices(uint64_t after, size_t count, size_t serials)
{
    struct chain chain = notices_after(after);
    assert_int_equal(chain.count, count);
    assert_int_equal(chain.serials, serials);
    buf_clear(&chain.all);
}
