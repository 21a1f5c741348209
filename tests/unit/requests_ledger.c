/* SPDX-License-Identifier: Apache-2.0 */
#include "requests_ledger.h"

#include <sqlite3.h>

#include "signed_oracle.h"

/* PROTOCOL.md 10, taken apart here: the hash of what was signed, and that of the key. */
static void check_leaf(sqlite3_stmt *row, X509 *x, int64_t role)
{
    const uint8_t *leaf = sqlite3_column_blob(row, 1);
    size_t n = (size_t)sqlite3_column_bytes(row, 1);
    uint8_t hash[HASH_LEN], prefixed[256] = { 0 };
    assert_true(n > 1 + HASH_LEN + 1 && n < sizeof(prefixed) - 1);
    tbs_hash(x, hash);
    assert_int_equal(leaf[0], 0);
    assert_memory_equal(leaf + 1, hash, HASH_LEN);
    size_t name = leaf[1 + HASH_LEN];
    const uint8_t *after = leaf + 1 + HASH_LEN + 1 + name;
    assert_int_equal(n, 1 + HASH_LEN + 1 + name + HASH_LEN + 1 + CERT_SERIAL + 8);
    assert_int_equal(after[HASH_LEN], role);
    assert_memory_equal(after + HASH_LEN + 1, ASN1_STRING_get0_data(X509_get0_serialNumber(x)),
                        CERT_SERIAL);
    memcpy(prefixed + 1, leaf, n);
    assert_ok(hash_sha256(span_of(prefixed, n + 1), hash));
    assert_memory_equal(sqlite3_column_blob(row, 2), hash, HASH_LEN);
}

/* A list's has no name. */
enum { LEAF_KIND_OF_A_LIST = 1 + HASH_LEN + 1 + HASH_LEN };

static bool is_list_leaf(const uint8_t *leaf)
{
    return leaf[1 + HASH_LEN] == 0 && leaf[LEAF_KIND_OF_A_LIST] == LEDGER_CRL;
}

/* Numbers rise by one, and the last is the one that is kept, byte for byte. */
static void check_list_leaf(struct world *w, sqlite3_stmt *row, uint64_t number)
{
    uint8_t hash[HASH_LEN];
    uint64_t newest = 0, listed = 0;
    const uint8_t *leaf = sqlite3_column_blob(row, 1);
    assert_int_equal(sqlite3_column_type(row, 5), SQLITE_NULL);
    for (size_t i = 0; i < CERT_SERIAL; i++)
        listed = listed << 8 | leaf[LEAF_KIND_OF_A_LIST + 1 + i];
    assert_int_equal(listed, number);
    X509_CRL *crl = newest_list(w, &newest);
    if (number == newest) {
        uint8_t *tbs = NULL;
        int n = i2d_re_X509_CRL_tbs(crl, &tbs);
        assert_ok(hash_sha256(span_of(tbs, (size_t)n), hash));
        assert_memory_equal(leaf + 1, hash, HASH_LEN);
        OPENSSL_free(tbs);
    }
    X509_CRL_free(crl);
}

void check_ledger(struct world *w)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    size_t count = 0, known = 0, lists = 0;
    assert_int_equal(sqlite3_open_v2("ledger.db", &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT leaf.position, bytes, hash, role, name, der FROM "
                                        "leaf LEFT JOIN certificate USING(position) ORDER BY 1",
                                        -1, &row, NULL),
                     SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) {
        assert_int_equal(sqlite3_column_int64(row, 0), count++);
        if (is_list_leaf(sqlite3_column_blob(row, 1))) {
            check_list_leaf(w, row, ++lists);
            continue;
        }
        assert_int_equal(sqlite3_column_type(row, 5), SQLITE_BLOB);
        int64_t role = sqlite3_column_int64(row, 3);
        X509 *x =
            read_der(span_of(sqlite3_column_blob(row, 5), (size_t)sqlite3_column_bytes(row, 5)));
        check_leaf(row, x, role);
        const struct signed_wanted wanted = { .ca = w->ca,
                                              .realm = realm,
                                              .name = (const char *)sqlite3_column_text(row, 4) };
        const char *complaint = role == CERT_CA ? NULL : signed_complaint(x, &wanted);
        if (complaint != NULL)
            fail_msg("in the ledger for %s: %s", wanted.name, complaint);
        uint8_t hash[HASH_LEN];
        tbs_hash(x, hash);
        known += has_seen(w, hash);
        X509_free(x);
    }
    sqlite3_finalize(row);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    /* What came back is in it, all of it. */
    assert_int_equal(known, w->seen.len / HASH_LEN);
    assert_true(count >= 1 + w->issued);
}
