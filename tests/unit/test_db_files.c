/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "db/database.h"
#include "scratch.h"

/* Files that are removed, renamed or replaced while they are in use: what was committed and said to
 * be there is there for who opens the name, or the commit fails. */

#define NAME "some.db"

static const char *step(int64_t from)
{
    (void)from;
    return "CREATE TABLE thing(n INTEGER PRIMARY KEY) STRICT; PRAGMA user_version = 1;";
}

static const struct database_schema schema = { NAME, 1, step, 100, false };

static struct database opened(void)
{
    const struct database_place place = { scratch_fd, NAME };
    struct database db = { 0 };
    bool fresh = false;
    assert_ok(database_open(&db, &schema, &place, true, &fresh));
    if (fresh) {
        assert_ok(database_begin(&db));
        assert_ok(database_end(&db, database_create(&db)));
    }
    return db;
}

static enum mlt_err run(struct database *db, const char *sql)
{
    CLEANUP(query_end) struct query q = query_start(db, sql);
    return query_run(&q);
}

static int64_t count(void)
{
    CLEANUP(database_close) struct database db = opened();
    CLEANUP(query_end) struct query q = query_start(&db, "SELECT count(*) FROM thing");
    bool row = false;
    assert_ok(query_next(&q, &row));
    assert_true(row);
    return query_int(&q, 0);
}

static void assert_lost(struct database *db, enum mlt_err err, enum db_loss loss)
{
    int number = errno;
    assert_err(err, MLT_ERR_SYSTEM);
    assert_int_equal(number, ENOENT);
    assert_true(db->broken);
    assert_int_equal(db->loss, loss);
    assert_err(database_begin(db), MLT_ERR_DATABASE);
}

/* ---- the database itself ---- */

static void a_commit_into_a_file_that_was_removed_meanwhile_fails(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened();
    assert_ok(database_begin(&db));
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(1)"));
    assert_int_equal(unlink(NAME), 0);
    assert_lost(&db, database_end(&db, MLT_OK), DB_LOSS_FILE);
}

static void nothing_is_begun_in_a_file_that_was_removed_renamed_or_replaced(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        CLEANUP(database_close) struct database db = opened();
        if (how == 0)
            assert_int_equal(unlink(NAME), 0);
        else
            assert_int_equal(rename(NAME, "aside"), 0);
        if (how == 2)
            close(open(NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        assert_lost(&db, database_begin(&db), DB_LOSS_FILE);
    }
}

static void a_statement_that_commits_by_itself_fails_too(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened();
    assert_int_equal(unlink(NAME), 0);
    assert_lost(&db, run(&db, "INSERT INTO thing(n) VALUES(1)"), DB_LOSS_FILE);
}

/* SQLite would remove the WAL of this name, which belongs to whoever began anew. */
static void who_ends_leaves_the_files_of_another_alone(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct database old = opened();
        assert_ok(run(&old, "INSERT INTO thing DEFAULT VALUES"));
        assert_int_equal(unlink(NAME "-wal"), 0);
        if (how == 0) {
            assert_int_equal(unlink(NAME), 0);
            assert_int_equal(unlink(NAME "-shm"), 0);
        }
        FILE *f = fopen(NAME "-wal", "w"); /* as if */
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
        database_close(&old);
        assert_int_equal(access(NAME "-wal", F_OK), 0);
        assert_int_equal(unlink(NAME "-wal"), 0);
        if (how == 0)
            continue;
        assert_int_equal(unlink(NAME), 0);
    }
}

/* ---- its WAL ---- */

/* Commits some, removes the file of that ending, goes on, and is killed. */
static void be_killed(const char *ending)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct database db = opened();
        enum mlt_err err = run(&db, "INSERT INTO thing DEFAULT VALUES");
        char name[32];
        snprintf(name, sizeof(name), "%s%s", NAME, ending);
        bool good = err == MLT_OK && unlink(name) == 0 && database_begin(&db) == MLT_ERR_SYSTEM &&
                    errno == ENOENT && db.loss == DB_LOSS_WAL && db.wal_saved;
        _exit(good ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void what_was_committed_to_a_wal_that_was_removed_is_saved(void **state)
{
    (void)state;
    be_killed("-wal");
    assert_int_equal(count(), 1);
    be_killed("-shm");
    assert_int_equal(count(), 2);
}

static void a_commit_into_a_wal_that_was_removed_meanwhile_fails_and_is_saved(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened();
    assert_ok(database_begin(&db));
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(1)"));
    assert_int_equal(unlink(NAME "-wal"), 0);
    assert_lost(&db, database_end(&db, MLT_OK), DB_LOSS_WAL);
    assert_true(db.wal_saved);
    database_close(&db);
    assert_int_equal(count(), 1);
}

/* Whoever made it has not seen our frames: pages that are moved now would be under his feet. */
static void nothing_is_saved_once_another_wal_has_the_name(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened();
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(1)"));
    assert_int_equal(rename(NAME "-wal", "aside"), 0);
    close(open(NAME "-wal", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    assert_lost(&db, database_begin(&db), DB_LOSS_WAL);
    assert_false(db.wal_saved);
}

static void a_file_that_stays_where_it_is_has_lost_nothing(void **state)
{
    (void)state;
    struct database one = opened();
    struct database two = opened();
    assert_ok(run(&one, "INSERT INTO thing DEFAULT VALUES"));
    assert_ok(run(&two, "INSERT INTO thing DEFAULT VALUES"));
    assert_ok(database_checkpoint(&one));
    database_close(&one);
    assert_ok(run(&two, "INSERT INTO thing DEFAULT VALUES"));
    assert_int_equal(two.loss, DB_LOSS_NONE);
    database_close(&two);
    assert_int_equal(count(), 3);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(a_commit_into_a_file_that_was_removed_meanwhile_fails),
        IN_DIR(nothing_is_begun_in_a_file_that_was_removed_renamed_or_replaced),
        IN_DIR(a_statement_that_commits_by_itself_fails_too),
        IN_DIR(who_ends_leaves_the_files_of_another_alone),
        IN_DIR(what_was_committed_to_a_wal_that_was_removed_is_saved),
        IN_DIR(a_commit_into_a_wal_that_was_removed_meanwhile_fails_and_is_saved),
        IN_DIR(nothing_is_saved_once_another_wal_has_the_name),
        IN_DIR(a_file_that_stays_where_it_is_has_lost_nothing),
    };
    log_start("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
