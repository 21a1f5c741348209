/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/x509.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/admin.h"
#include "ca/audit.h"
#include "ca/clock.h"
#include "ca/crl_keep.h"
#include "ca/revoke.h"
#include "pki/statement.h"

/* The self-check of a CA: each thing it looks at, as it should be and as it should not. */

static struct authority a;
static struct buf counts, findings; /* a line each */
static unsigned found;

static enum mlt_err on_count(void *ctx, uint64_t count, struct span what)
{
    (void)ctx;
    return buf_put_format(&counts, "%llu %.*s\n", (unsigned long long)count, (int)what.n,
                          (const char *)what.p);
}

static enum mlt_err on_finding(void *ctx, struct span text)
{
    (void)ctx;
    found++;
    assert_true(text.n > 0 && text.n <= ADMIN_TEXT_MAX);
    assert_null(memchr(text.p, '\n', text.n));
    return buf_put_format(&findings, "%.*s\n", (int)text.n, (const char *)text.p);
}

static void look(void)
{
    const struct audit_sink sink = { on_count, on_finding, NULL };
    buf_reset(&counts);
    buf_reset(&findings);
    found = 0;
    assert_ok(audit_run(&a.ca, &sink));
}

static void assert_in(struct buf *lines, const char *words)
{
    const char *text = NULL;
    assert_ok(buf_text(lines, &text));
    if (strstr(text, words) == NULL)
        fail_msg("no '%s' in:\n%s", words, text);
}

static void assert_found(const char *words)
{
    look();
    assert_in(&findings, words);
    if (found != 1) {
        const char *text = NULL;
        assert_ok(buf_text(&findings, &text));
        fail_msg("%u findings:\n%s", found, text);
    }
}

static void assert_good(void)
{
    const char *text = NULL;
    look();
    assert_ok(buf_text(&findings, &text));
    if (found > 0)
        fail_msg("%s", text);
}

static void run(const char *sql)
{
    CLEANUP(query_end) struct query q = query_start(&a.ca.db, sql);
    assert_ok(query_run(&q));
}

static void enrol(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_int_equal(authority_enrol(&a, name, authority_key(key), NULL, &der).result,
                     WELCOME_ISSUED);
}

/* Maria and Joao are members, Ana was revoked; the CA's own certificate, theirs, two CRLs. */
static int start(void **state)
{
    (void)state;
    const struct revoke_order order = { authority_name("ana"), CRL_KEY_COMPROMISE };
    size_t count = 0;
    bool done = false;
    authority_start(&a, ENROL_OPEN);
    assert_ok(crl_keep_tend(&a.ca));
    enrol("maria", 0);
    enrol("joao", 1);
    enrol("ana", 2);
    assert_ok(revoke_name(&a.ca, &order, &count, &done));
    assert_int_equal(count, 1);
    assert_ok(head_sign(&a.ca));
    run("PRAGMA foreign_keys=OFF");
    run("DROP TRIGGER leaf_is_final");
    run("DROP TRIGGER leaf_stays");
    run("DROP TRIGGER node_is_final");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    buf_clear(&counts);
    buf_clear(&findings);
    authority_stop(&a);
    return 0;
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static void a_ca_as_it_should_be_has_no_findings_and_says_what_was_looked_at(void **state)
{
    (void)state;
    assert_good();
    assert_in(&counts, "6 leaves of the ledger");
    assert_in(&counts, "4 nodes");
    assert_in(&counts, "6 leaves under the newest signed head");
    assert_in(&counts, "4 certificates");
    assert_in(&counts, "2 leaves of revocation lists");
    assert_in(&counts, "0 leaves of certificates that were set out");
    assert_in(&counts, "3 members");
    assert_in(&counts, "1 revocations");
    assert_in(&counts, "1 entries of the newest revocation list");
    assert_in(&counts, "2 entries of the keystore");
}

static void it_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(query_end) struct query before = query_start(&a.ca.db, "SELECT total_changes()");
    CLEANUP(query_end) struct query after = query_start(&a.ca.db, "SELECT total_changes()");
    bool row = false;
    assert_ok(query_next(&before, &row));
    assert_good();
    assert_ok(query_next(&after, &row));
    assert_int_equal(query_int(&before, 0), query_int(&after, 0));
}

/* ---- past the ledger ---- */

/* By the CA's key, as whoever has it would: no leaf. */
static void sign_past_the_ledger(const char *name, struct issued *issued)
{
    struct cert_fields fields = { .role = CERT_CLIENT,
                                  .name = authority_name(name),
                                  .not_before_s = AUTHORITY_NOW_S - LIMIT_BACKDATE_S,
                                  .not_after_s = AUTHORITY_NOW_S + 86400 };
    X509 *x509 = X509_new();
    memcpy(fields.realm, a.ca.realm, sizeof(fields.realm));
    memset(fields.serial, 0x41, CERT_SERIAL);
    assert_ok(profile_build(&fields, authority_key(3), a.ca.cert.x509, x509));
    assert_ok(profile_sign(x509, a.ca.key));
    *issued = (struct issued) { .role = CERT_CLIENT,
                                .name = fields.name,
                                .issued_s = AUTHORITY_NOW_S,
                                .not_after_s = fields.not_after_s,
                                .position = 6 };
    memcpy(issued->serial, fields.serial, CERT_SERIAL);
    authority_fingerprint(authority_key(3), issued->spki_hash);
    assert_ok(cert_der(x509, &issued->der));
    X509_free(x509);
}

static void put_member(const struct issued *issued)
{
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "INSERT INTO member(name, spki, since_s) "
                                           "VALUES(?, ?, 1)");
    query_put_text(&q, issued->name.text);
    query_put_span(&q, SPAN_OF(issued->spki_hash));
    assert_ok(query_run(&q));
}

static void a_certificate_that_was_signed_without_a_leaf_is_found(void **state)
{
    (void)state;
    CLEANUP(issued_clear) struct issued issued = { 0 };
    sign_past_the_ledger("eva", &issued);
    assert_ok(certificates_record(&a.ca.db, &issued));
    put_member(&issued);
    assert_found("certificate 41414141414141414141414141414141 of 'eva' is not what the ledger has "
                 "at position 6");
}

/* A leaf of the same name, role, key and serial: the bytes that were signed are not its. */
static void a_certificate_that_hides_behind_another_leaf_is_found(void **state)
{
    (void)state;
    CLEANUP(issued_clear) struct issued issued = { 0 };
    struct ledger_leaf leaf = { .kind = LEDGER_CLIENT, .time_s = AUTHORITY_NOW_S };
    uint64_t position = 0;
    sign_past_the_ledger("eva", &issued);
    leaf.name = issued.name;
    memcpy(leaf.serial, issued.serial, CERT_SERIAL);
    memcpy(leaf.spki_hash, issued.spki_hash, HASH_LEN);
    assert_ok(ledger_append(&a.ca.db, &leaf, &position));
    assert_ok(certificates_record(&a.ca.db, &issued));
    put_member(&issued);
    assert_found("of 'eva' is not what the ledger has at position 6");
}

static void a_row_that_is_not_its_certificates_is_found(void **state)
{
    (void)state;
    run("UPDATE certificate SET der = (SELECT der FROM certificate WHERE name = 'joao') "
        "WHERE name = 'maria'");
    assert_found("of 'maria' is not what the ledger has");
    run("UPDATE certificate SET der = x'3000' WHERE name = 'maria'");
    assert_found("of 'maria' is not what the ledger has");
    run("UPDATE certificate SET der = x'' WHERE name = 'maria'");
    assert_found("of 'maria' is not what the ledger has");
}

static void a_leaf_that_was_set_out_and_never_issued_is_counted_and_no_finding(void **state)
{
    (void)state;
    CLEANUP(issued_clear) struct issued issued = { 0 };
    struct issuer issuer;
    const struct name eva = authority_name("eva");
    assert_ok(ca_issuer(&a.ca, &issuer));
    assert_ok(issue_leaf(&issuer, CERT_CLIENT, &eva, authority_key(3), &issued));
    assert_good();
    assert_in(&counts, "1 leaves of certificates that were set out");
}

static void a_list_that_was_signed_without_a_leaf_is_found(void **state)
{
    (void)state;
    CLEANUP(crl_clear) struct crl crl = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(buf_clear) struct buf past = { 0 };
    uint64_t number = 0;
    assert_ok(crl_keep_der(&a.ca.db, &number, &der));
    assert_ok(crl_read(buf_span(&der), &a.ca.cert, &crl));
    crl.next_update_s -= 1;
    assert_ok(crl_tbs(&crl, &a.ca.cert, &tbs));
    assert_ok(crl_sign(buf_span(&tbs), a.ca.key, &a.ca.cert, &past));
    CLEANUP(query_end) struct query q = query_start(&a.ca.db, "UPDATE crl SET der = ?");
    query_put_span(&q, buf_span(&past));
    assert_ok(query_run(&q));
    assert_found("revocation list 2 is not what the ledger has at its position");
    run("UPDATE crl SET der = x'3000'");
    assert_found("revocation list 2 is not one of this CA's");
}

/* ---- the ledger itself, changed while it was open ---- */

static void a_changed_leaf_node_or_head_is_found(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf head = { 0 };
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    run("UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND idx = 1");
    assert_found("wrong leaves: 0, wrong nodes: 1, the first at position 2");
    a.ca.head.bytes.p[a.ca.head.bytes.len - 1] ^= 1;
    look();
    assert_in(&findings, "is not signed by this CA");
    a.ca.head.bytes.p[a.ca.head.bytes.len - 1] ^= 1;
    run("DELETE FROM leaf WHERE position = 5");
    look();
    assert_in(&findings, "speaks of 6 leaves, and it has 5");
}

static void a_leaf_changed_with_all_that_is_above_it_is_found_by_the_head(void **state)
{
    (void)state;
    struct ledger_leaf leaf;
    uint64_t position = 0;
    assert_ok(ledger_read(&a.ca.db, 4, &leaf));
    leaf.time_s++;
    run("DROP TRIGGER node_stays");
    run("DELETE FROM leaf WHERE position >= 4");
    run("DELETE FROM node WHERE level = 1 AND idx = 2");
    assert_ok(ledger_append(&a.ca.db, &leaf, &position));
    assert_int_equal(position, 4);
    struct ledger_leaf last = { .kind = LEDGER_CRL, .time_s = 1 };
    ledger_leaf_put_number(2, last.serial);
    assert_ok(ledger_append(&a.ca.db, &last, &position));
    look();
    assert_in(&findings, "the root of its first 6 leaves is not the one");
}

/* ---- members, keys, revocations ---- */

static void whoever_has_a_name_without_a_certificate_is_found(void **state)
{
    (void)state;
    run("INSERT INTO member(name, spki, since_s) VALUES('eva', zeroblob(32), 1)");
    assert_found("eva: the name has a key that was never certified");
}

static void a_member_that_is_gone_is_found(void **state)
{
    (void)state;
    run("DELETE FROM member WHERE name = 'maria'");
    assert_found("maria: a certificate was issued, but nobody has the name");
}

static void a_name_that_was_moved_to_another_key_is_found(void **state)
{
    (void)state;
    run("UPDATE member SET spki = NULL WHERE name = 'maria'");
    assert_found("maria: a certificate is good, but its key is not the name's");
}

static void a_revocation_that_was_undone_is_found(void **state)
{
    (void)state;
    run("DELETE FROM revoked_key");
    assert_found("ana: a certificate was revoked, but not its key");
    run("DELETE FROM revocation");
    look();
    assert_in(&findings, "the newest revocation list has it, and it was never revoked");
    assert_in(&findings, "ana: a certificate is good, but its key is not the name's");
}

static void a_revocation_that_no_list_has_is_found(void **state)
{
    (void)state;
    run("INSERT INTO revocation(serial, revoked_s, reason, until_s) "
        "VALUES(zeroblob(16), 1795361897, 0, 4000000000)");
    assert_found("certificate 00000000000000000000000000000000: it was revoked, and the newest");
}

static void a_revocation_that_the_list_has_otherwise_is_found(void **state)
{
    (void)state;
    run("UPDATE revocation SET reason = 0");
    assert_found("it was revoked, and the newest revocation list does not say so");
}

static void a_member_with_a_closed_key_is_found(void **state)
{
    (void)state;
    run("INSERT INTO revoked_key SELECT spki, 1 FROM member WHERE name = 'maria'");
    assert_found("maria: the name has a key that was revoked");
}

/* ---- columns that nobody signed ---- */

static void a_revocation_that_ends_before_its_certificate_is_found(void **state)
{
    (void)state;
    run("UPDATE revocation SET until_s = 1");
    assert_found("ledger.db says that its revocation can be forgotten before");
    run("UPDATE revocation SET until_s = (SELECT not_after_s + 604800 FROM certificate AS c "
        "WHERE c.serial = revocation.serial)");
    assert_good();
    run("INSERT INTO revocation(serial, revoked_s, reason, until_s) VALUES(zeroblob(16), 2, 0, 1)");
    assert_found(
        "certificate 00000000000000000000000000000000: ledger.db says that its revocation");
}

static void a_list_whose_row_is_gone_is_found_also_behind_a_forged_end(void **state)
{
    (void)state;
    run("UPDATE revocation SET until_s = 1, reason = 0");
    look();
    assert_int_equal(found, 2);
    assert_in(&findings, "it was revoked, and the newest revocation list does not say so");
    run("DELETE FROM revocation");
    look();
    assert_in(&findings, "the newest revocation list has it, and it was never revoked");
}

static void lists_that_were_taken_away_are_found(void **state)
{
    (void)state;
    struct ledger_leaf third = { .kind = LEDGER_CRL, .time_s = 1 };
    uint64_t position = 0;
    ledger_leaf_put_number(3, third.serial);
    assert_ok(ledger_append(&a.ca.db, &third, &position)); /* and then it was cut short */
    assert_good();
    run("DELETE FROM crl");
    assert_found("the ledger has revocation list 3, and the newest that is kept is 0");
}

static void a_time_that_is_not_the_certificates_is_found(void **state)
{
    (void)state;
    run("UPDATE certificate SET not_after_s = not_after_s + 1 WHERE name = 'maria'");
    assert_found("of 'maria' was issued, or ends, at another time than ledger.db says");
    run("UPDATE certificate SET not_after_s = not_after_s - 1, issued_s = issued_s - 1 "
        "WHERE name = 'maria'");
    assert_found("of 'maria' was issued, or ends, at another time than ledger.db says");
    run("UPDATE certificate SET issued_s = issued_s + 1 WHERE name = 'maria'");
    run("UPDATE certificate SET not_after_s = not_after_s + 1 WHERE role = 1");
    assert_found("was issued, or ends, at another time than ledger.db says");
}

static void a_column_that_is_not_its_leafs_is_found(void **state)
{
    (void)state;
    static const char *const columns[] = { "role = 2", "name = 'mario'", "spki = zeroblob(32)",
                                           "serial = zeroblob(16)" };
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        CLEANUP(buf_clear) struct buf sql = { 0 };
        const char *text = NULL;
        assert_ok(
            buf_put_format(&sql, "UPDATE certificate SET %s WHERE name = 'maria'", columns[i]));
        assert_ok(buf_text(&sql, &text));
        run("SAVEPOINT whole");
        run(text);
        look();
        assert_in(&findings, "is not what the ledger has at position 2");
        run("ROLLBACK TO whole");
        run("RELEASE whole");
    }
    assert_good();
}

static void a_closed_name_with_a_key_is_found(void **state)
{
    (void)state;
    run("UPDATE member SET closed_s = 1 WHERE name = 'maria'");
    assert_found("maria: the name is closed, and has a key");
}

static void a_window_of_renewal_that_nobody_could_open_is_found(void **state)
{
    (void)state;
    run("UPDATE member SET renew_until_s = 1795361897 + 604800 WHERE name = 'maria'");
    assert_good();
    run("UPDATE member SET renew_until_s = 1795361897 + 604800 + 3601 WHERE name = 'maria'");
    assert_found("maria may be renewed for longer than 'malote-ca renew' allows");
}

static void an_epoch_that_cannot_be_is_found(void **state)
{
    (void)state;
    run("UPDATE epoch SET crl = 99");
    assert_found("epoch 1795361897: what ledger.db says of it cannot be");
    run("UPDATE epoch SET crl = NULL, size = 99");
    assert_found("epoch 1795361897: what ledger.db says of it cannot be");
    run("UPDATE epoch SET size = 0, base = 1");
    look();
    assert_in(&findings, "epoch 1795361897: what ledger.db says of it cannot be");
    assert_in(&findings, "the epoch of the newest signed head is not in it");
    run("DELETE FROM epoch");
    assert_found("the epoch of the newest signed head is not in it");
}

/* ---- keystore, stop, clock ---- */

static void a_keystore_that_ledger_db_does_not_know_is_found(void **state)
{
    (void)state;
    a.ca.keystore.mark.head[0] ^= 1;
    assert_found("chaves.txt is not what ledger.db says of it");
    a.ca.keystore.mark.head[0] ^= 1;
    assert_good();
}

static void a_stop_is_a_finding(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head;
    assert_ok(ledger_head_decode(head_newest(&a.ca), &head));
    head.size += 5;
    assert_ok(statement_sign_head(a.ca.key, &a.ca.cert, &head, &signature));
    head.signature = buf_span(&signature);
    assert_ok(ledger_head_encode(&head, &bytes));
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    assert_found("the CA has stopped issuing");
}

static void a_clock_that_jumped_is_a_finding(void **state)
{
    (void)state;
    a.jumped_ms = 2 * 3600 * 1000;
    assert_found("the clock cannot be believed");
}

/* ---- how it is told ---- */

static void of_many_alike_a_hundred_are_shown_and_the_rest_counted(void **state)
{
    (void)state;
    for (int i = 0; i < AUDIT_SHOWN + 7; i++) {
        CLEANUP(query_end)
        struct query q = query_start(&a.ca.db, "INSERT INTO member(name, spki, since_s) "
                                               "VALUES('x' || ?1, randomblob(32), 1)");
        query_put_int(&q, i);
        assert_ok(query_run(&q));
    }
    look();
    assert_int_equal(found, AUDIT_SHOWN + 1);
    assert_in(&findings, "and 7 more like these");
}

struct seen_rows {
    unsigned counts, findings;
};

static enum mlt_err on_row(void *ctx, const struct admin_row *row)
{
    struct seen_rows *seen = ctx;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct admin_row again;
    assert_ok(admin_row_encode(row, &bytes));
    assert_ok(admin_row_decode(buf_span(&bytes), &again));
    seen->counts += again.kind == ADMIN_ROW_COUNT;
    seen->findings += again.kind == ADMIN_ROW_FINDING;
    return MLT_OK;
}

static void the_administrator_gets_it_in_rows(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct seen_rows seen = { 0 };
    const struct admin_request request = { .verb = ADMIN_AUDIT };
    const struct admin_sink sink = { on_row, &seen };
    assert_ok(admin_answer(&a.ca, &request, &sink, &why));
    assert_true(seen.counts >= 10);
    assert_int_equal(seen.findings, 0);
    run("DELETE FROM member WHERE name = 'maria'");
    assert_ok(admin_answer(&a.ca, &request, &sink, &why));
    assert_int_equal(seen.findings, 1);
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CA(a_ca_as_it_should_be_has_no_findings_and_says_what_was_looked_at),
        WITH_CA(it_changes_nothing),
        WITH_CA(a_certificate_that_was_signed_without_a_leaf_is_found),
        WITH_CA(a_certificate_that_hides_behind_another_leaf_is_found),
        WITH_CA(a_row_that_is_not_its_certificates_is_found),
        WITH_CA(a_leaf_that_was_set_out_and_never_issued_is_counted_and_no_finding),
        WITH_CA(a_list_that_was_signed_without_a_leaf_is_found),
        WITH_CA(a_changed_leaf_node_or_head_is_found),
        WITH_CA(a_leaf_changed_with_all_that_is_above_it_is_found_by_the_head),
        WITH_CA(whoever_has_a_name_without_a_certificate_is_found),
        WITH_CA(a_member_that_is_gone_is_found),
        WITH_CA(a_name_that_was_moved_to_another_key_is_found),
        WITH_CA(a_revocation_that_was_undone_is_found),
        WITH_CA(a_revocation_that_no_list_has_is_found),
        WITH_CA(a_revocation_that_the_list_has_otherwise_is_found),
        WITH_CA(a_member_with_a_closed_key_is_found),
        WITH_CA(a_revocation_that_ends_before_its_certificate_is_found),
        WITH_CA(a_list_whose_row_is_gone_is_found_also_behind_a_forged_end),
        WITH_CA(lists_that_were_taken_away_are_found),
        WITH_CA(a_time_that_is_not_the_certificates_is_found),
        WITH_CA(a_column_that_is_not_its_leafs_is_found),
        WITH_CA(a_closed_name_with_a_key_is_found),
        WITH_CA(a_window_of_renewal_that_nobody_could_open_is_found),
        WITH_CA(an_epoch_that_cannot_be_is_found),
        WITH_CA(a_keystore_that_ledger_db_does_not_know_is_found),
        WITH_CA(a_stop_is_a_finding),
        WITH_CA(a_clock_that_jumped_is_a_finding),
        WITH_CA(of_many_alike_a_hundred_are_shown_and_the_rest_counted),
        WITH_CA(the_administrator_gets_it_in_rows),
    };
    return cmocka_run_group_tests_name("audit", tests, libraries, NULL);
}
