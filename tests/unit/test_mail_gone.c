/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

/* mail.db, or a file beside it, is removed or replaced while it is in use. */

static bool is_there(const char *name)
{
    return access(name, F_OK) == 0;
}

static void let_it_retry(struct mailroom *m)
{
    mailroom_pass(LIMIT_STORE_RETRY_MS);
    mail_store_tick(m->store);
}

static void must_be_refused(struct mailroom *m, int id)
{
    struct mail_done done = mailroom_put(m, "ana", "joao", id, "x");
    mailroom_assert_refused(&done, OUTCOME_REASON_NO_ROOM);
}

static void nothing_is_stored_in_a_file_that_was_removed_and_no_empty_one_is_begun(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "lost");
    assert_int_equal(unlink("mail.db"), 0);
    for (int i = 2; i < 5; i++) {
        must_be_refused(&m, i);
        let_it_retry(&m);
        assert_false(is_there("mail.db"));
    }
    /* A start is somebody's decision. */
    assert_int_equal(unlink("mail.db-wal"), 0);
    mailroom_again(&m);
    mailroom_set_key(&m, "joao");
    mailroom_keep(&m, "ana", "joao", 5, "new");
    assert_string_equal(mailroom_read(&m, "joao"), "ana:5:new ");
    mailroom_check();
}

static void a_file_that_was_put_back_is_used_from_the_next_start_on(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "kept");
    assert_int_equal(rename("mail.db", "aside"), 0);
    must_be_refused(&m, 2);
    assert_int_equal(rename("aside", "mail.db"), 0);
    let_it_retry(&m);
    must_be_refused(&m, 3);
    mailroom_again(&m);
    mailroom_set_key(&m, "joao");
    mailroom_keep(&m, "ana", "joao", 2, "again");
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:kept ana:2:again ");
    mailroom_check();
}

static void another_file_in_its_place_is_not_written(void **state)
{
    (void)state;
    MAILROOM(m);
    struct stat st;
    mailroom_keep(&m, "ana", "joao", 1, "lost");
    assert_int_equal(rename("mail.db", "aside"), 0);
    close(open("mail.db", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    must_be_refused(&m, 2);
    let_it_retry(&m);
    must_be_refused(&m, 3);
    assert_int_equal(stat("mail.db", &st), 0);
    assert_int_equal(st.st_size, 0);
}

/* As it is then: a kill would leave no more. */
static int64_t in_the_file_alone(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open_v2("file:mail.db?immutable=1", &db,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, "unix"),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM messages", -1, &q, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return count;
}

static void what_a_removed_wal_held_is_saved_and_the_store_goes_on(void **state)
{
    (void)state;
    static const char *const names[] = { "mail.db-wal", "mail.db-shm" };
    MAILROOM(m);
    for (int i = 0; i < 2; i++) {
        mailroom_keep(&m, "ana", "joao", 1 + 2 * i, "before");
        assert_int_equal(unlink(names[i]), 0);
        must_be_refused(&m, 2 + 2 * i);
        if (i == 0)
            assert_int_equal(in_the_file_alone(), 1);
        let_it_retry(&m);
        mailroom_settle(&m);
        mailroom_keep(&m, "ana", "joao", 2 + 2 * i, "after");
    }
    assert_string_equal(mailroom_read(&m, "joao"),
                        "ana:1:before ana:2:after ana:3:before ana:4:after ");
    mailroom_check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_stored_in_a_file_that_was_removed_and_no_empty_one_is_begun),
        cmocka_unit_test(a_file_that_was_put_back_is_used_from_the_next_start_on),
        cmocka_unit_test(another_file_in_its_place_is_not_written),
        cmocka_unit_test(what_a_removed_wal_held_is_saved_and_the_store_goes_on),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
