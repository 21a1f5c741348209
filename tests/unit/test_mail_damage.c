/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include <stdio.h>

/* What is damaged, and what is not to be opened: the database was changed behind the store's back.
 */

static void a_damaged_message_is_unreadable_and_the_others_are_not(void **state)
{
    (void)state;
    MAILROOM(m);
    for (int i = 1; i <= 3; i++)
        mailroom_keep(&m, "ana", "joao", i, "x");
    static const char *const damage[] = {
        "UPDATE messages SET sealed = zeroblob(length(sealed)) WHERE idx = 1",
        "UPDATE messages SET sealed = x'' WHERE idx = 1",
        "UPDATE messages SET idx = -1 WHERE idx = 1",
        "UPDATE messages SET idx = 4294967297 WHERE idx = -1",
        "UPDATE messages SET sender = 'ANA!' WHERE idx = 4294967297",
    };
    for (size_t i = 0; i < COUNT_OF(damage); i++) {
        mailroom_sql(damage[i]);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ? ana:3:x ");
    }
}

static void rows_swapped_with_others_do_not_open(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mailroom_keep(&m, "ana", "maria", 3, "z");
    static const struct {
        const char *change, *back;
    } rows[] = {
        { "UPDATE messages SET sender = 'bia' WHERE row = 1",
          "UPDATE messages SET sender = 'ana' WHERE row = 1" },
        { "UPDATE messages SET id = zeroblob(16) WHERE row = 1",
          "UPDATE messages SET id = x'01000000000000000000000000000000' WHERE row = 1" },
        { "UPDATE messages SET idx = 2 WHERE row = 1",
          "UPDATE messages SET idx = 0 WHERE row = 1" },
        { "UPDATE messages SET segment = 2 WHERE row = 1",
          "UPDATE messages SET segment = 1 WHERE row = 1" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        mailroom_sql(rows[i].change);
        assert_non_null(strstr(mailroom_read(&m, "joao"), "? "));
        assert_null(strstr(mailroom_read(&m, "joao"), ":x "));
        mailroom_sql(rows[i].back);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ");
    }
    mailroom_sql("UPDATE segments SET id = zeroblob(16) WHERE number = 1");
    assert_string_equal(mailroom_read(&m, "joao"), "? ? ");
}

static void mail_moved_into_another_mailbox_does_not_open(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "for joao");
    mailroom_keep(&m, "ana", "maria", 2, "for maria");
    mailroom_sql("UPDATE messages SET box = 2 WHERE row = 1");
    mailroom_sql("UPDATE segments SET box = 2");
    assert_string_equal(mailroom_read(&m, "maria"), "? ana:2:for maria ");
}

static void a_wrong_key_is_told_and_condemns_no_message(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    struct mail_read read = { .recipient = mailroom_name("joao"), .most = 9, .most_bytes = 9999 };
    assert_ok(mail_store_read(m.store, &read));
    struct mail_done done = mailroom_await(&m, MAIL_READ);
    assert_ok(done.err);
    assert_int_equal(done.count, 0);
    assert_false(done.end);
    assert_int_equal(done.wrapped.len, 256);
    memcpy(read.segment, done.segment, sizeof(read.segment));
    mail_done_clear(&done);
    CLEANUP(secret_clear) struct secret wrong = { 0 };
    assert_ok(secret_new(&wrong, 32));
    read.key = &wrong;
    assert_ok(mail_store_read(m.store, &read));
    done = mailroom_await(&m, MAIL_READ);
    assert_err(done.err, MLT_ERR_AUTH);
    assert_int_equal(done.count, 0);
    /* A key of another segment is no key. */
    read.segment[0] ^= 1;
    assert_ok(mail_store_read(m.store, &read));
    done = mailroom_await(&m, MAIL_READ);
    assert_ok(done.err);
    assert_int_equal(done.count, 0);
    assert_int_equal(done.wrapped.len, 256);
    mail_done_clear(&done);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
}

static void a_segment_that_can_never_be_opened_gives_its_rows_to_be_removed(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mailroom_again(&m);
    int64_t last = mailroom_keep(&m, "ana", "joao", 3, "z");
    /* ca says so when it unwraps: the reader is told `lost`. */
    mailroom_sql("UPDATE segments SET wrapped = zeroblob(256) WHERE number = 1");
    assert_string_equal(mailroom_read(&m, "joao"), "? ? ana:3:z ");
    mailroom_sql("UPDATE segments SET proof = x'00' WHERE number = 1");
    assert_string_equal(mailroom_read(&m, "joao"), "? ? ana:3:z ");
    mailroom_sql("DELETE FROM segments WHERE number = 1");
    assert_string_equal(mailroom_read(&m, "joao"), "? ? ana:3:z ");
    mailroom_remove(&m, "joao", last - 2, OUTCOME_UNKNOWN);
    mailroom_remove(&m, "joao", last - 1, OUTCOME_UNKNOWN);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:unknown joao:2:unknown ");
    mailroom_check();
}

/* The index knows an id whose row is not there. */
static void damage_index(const char *sender, int id)
{
    sqlite3 *db = NULL;
    char sql[200];
    uint8_t bytes[ENVELOPE_ID] = { (uint8_t)id };
    int64_t root = mailroom_sql("SELECT rootpage FROM sqlite_schema WHERE type = 'index'"
                                " AND tbl_name = 'messages' AND (sql IS NULL OR"
                                " sql LIKE '%(sender, id)%')");
    assert_int_equal(sqlite3_open("mail.db", &db), SQLITE_OK);
    assert_int_equal(sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, db, "main", 1, (int)root),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TABLE imposter(sender, id, number,"
                                  " PRIMARY KEY(sender, id, number)) WITHOUT ROWID",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, db, "main", 0, 0), SQLITE_OK);
    int n = snprintf(sql, sizeof(sql), "INSERT INTO imposter VALUES('%s', x'", sender);
    for (size_t i = 0; i < sizeof(bytes); i++)
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, "%02x", bytes[i]);
    snprintf(sql + n, sizeof(sql) - (size_t)n, "', 999)");
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void an_id_that_only_the_index_knows_is_refused_and_nothing_else(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mail_store_close(&m.store);
    damage_index("ana", 5);
    mailroom_again(&m);
    mailroom_give(&m, "ana", "joao", 5, "y");
    mailroom_give(&m, "bia", "joao", 6, "z");
    struct mail_done done = mailroom_await(&m, MAIL_PUT);
    mailroom_assert_refused(&done, OUTCOME_REASON_DUPLICATE);
    done = mailroom_await(&m, MAIL_PUT);
    assert_int_equal(done.outcome.state, OUTCOME_STORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_message_is_unreadable_and_the_others_are_not),
        cmocka_unit_test(rows_swapped_with_others_do_not_open),
        cmocka_unit_test(mail_moved_into_another_mailbox_does_not_open),
        cmocka_unit_test(a_wrong_key_is_told_and_condemns_no_message),
        cmocka_unit_test(a_segment_that_can_never_be_opened_gives_its_rows_to_be_removed),
        cmocka_unit_test(an_id_that_only_the_index_knows_is_refused_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
