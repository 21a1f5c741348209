/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "db/database.h"
#include "scratch.h"

#define FILE_NAME "some.db"

static const char *step(int64_t from)
{
    static const char *const steps[] = {
        "CREATE TABLE thing(n INTEGER PRIMARY KEY, name TEXT, bytes BLOB) STRICT;"
        "PRAGMA user_version = 1;",
        "ALTER TABLE thing ADD COLUMN more INTEGER; PRAGMA user_version = 2;",
    };
    return steps[from];
}

static const char *step_that_fails(int64_t from)
{
    return from == 0
               ? step(0)
               : "CREATE TABLE half(n INTEGER) STRICT; PRAGMA user_version = 2; SELECT nonsense;";
}

static const struct database_schema first = { FILE_NAME, 1, step, 100, false };
static const struct database_schema second = { FILE_NAME, 2, step, 100, false };
static const struct database_schema faulty = { FILE_NAME, 2, step_that_fails, 100, false };

static enum mlt_err open_as(struct database *db, const struct database_schema *schema, bool create,
                            bool *fresh)
{
    const struct database_place place = { scratch_fd, FILE_NAME };
    return database_open(db, schema, &place, create, fresh);
}

/* Opened, with its tables. */
static struct database opened(const struct database_schema *schema)
{
    struct database db = { 0 };
    bool fresh = false;
    assert_ok(open_as(&db, schema, true, &fresh));
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

static int64_t number(struct database *db, const char *sql)
{
    CLEANUP(query_end) struct query q = query_start(db, sql);
    bool row = false;
    assert_ok(query_next(&q, &row));
    assert_true(row);
    return query_int(&q, 0);
}

static int64_t size_of(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 ? st.st_size : -1;
}

/* ---- opening ---- */

static void a_new_file_is_private_and_in_wal_mode(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    struct stat st;
    assert_int_equal(stat(FILE_NAME, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(FILE_NAME "-wal", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(number(&db, "SELECT synchronous FROM pragma_synchronous"), 2);
    assert_int_equal(number(&db, "SELECT secure_delete FROM pragma_secure_delete"), 1);
}

static void an_absent_one_is_only_made_when_asked_for(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = { 0 };
    bool fresh = false;
    assert_err(open_as(&db, &first, false, &fresh), MLT_ERR_MISSING);
    assert_int_equal(size_of(FILE_NAME), -1);
    assert_ok(open_as(&db, &first, true, &fresh));
    assert_true(fresh);
}

static void an_absolute_path_leads_to_the_same_file(void **state)
{
    (void)state;
    struct database db = opened(&first);
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(7)"));
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", scratch_dir, FILE_NAME);
    const struct database_place place = { scratch_fd, path };
    CLEANUP(database_close) struct database other = { 0 };
    bool fresh = true;
    assert_ok(database_open(&other, &first, &place, false, &fresh));
    assert_false(fresh);
    assert_int_equal(number(&other, "SELECT n FROM thing"), 7);
    database_close(&db);
}

static void what_is_newer_foreign_or_open_to_others_is_refused(void **state)
{
    (void)state;
    struct database db = opened(&second);
    database_close(&db);
    bool fresh = false;
    assert_err(open_as(&db, &first, false, &fresh), MLT_ERR_NEWER);
    assert_int_equal(chmod(FILE_NAME, 0644), 0);
    assert_err(open_as(&db, &second, false, &fresh), MLT_ERR_PERMISSION);
    assert_int_equal(chmod(FILE_NAME, 0600), 0);
    assert_int_equal(rename(FILE_NAME, "aside"), 0);
    assert_int_equal(symlink("aside", FILE_NAME), 0);
    assert_err(open_as(&db, &second, false, &fresh), MLT_ERR_PERMISSION);
    assert_int_equal(unlink(FILE_NAME), 0);
    FILE *f = fopen(FILE_NAME, "w");
    assert_non_null(f);
    for (int i = 0; i < 200; i++)
        fputs("this is no database\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(FILE_NAME, 0600), 0);
    assert_err(open_as(&db, &second, false, &fresh), MLT_ERR_DAMAGED);
}

static void an_older_one_is_stepped_forward(void **state)
{
    (void)state;
    struct database db = opened(&first);
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(7)"));
    database_close(&db);
    bool fresh = true;
    assert_ok(open_as(&db, &second, false, &fresh));
    assert_false(fresh);
    assert_int_equal(number(&db, "SELECT n FROM thing WHERE more IS NULL"), 7);
    assert_int_equal(number(&db, "SELECT user_version FROM pragma_user_version"), 2);
    database_close(&db);
}

static void a_step_that_fails_leaves_the_older_one(void **state)
{
    (void)state;
    struct database db = opened(&first);
    database_close(&db);
    bool fresh = true;
    assert_err(open_as(&db, &faulty, false, &fresh), MLT_ERR_DATABASE);
    assert_ok(open_as(&db, &first, false, &fresh));
    assert_int_equal(number(&db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    database_close(&db);
}

static void *open_and_insert(void *ctx)
{
    const bool *relative = ctx;
    static const struct database_schema patient = { FILE_NAME, 1, step, 20000, false };
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", scratch_dir, FILE_NAME);
    const struct database_place place = { scratch_fd, *relative ? FILE_NAME : path };
    CLEANUP(database_close) struct database db = { 0 };
    bool fresh = false;
    enum mlt_err err = database_open(&db, &patient, &place, true, &fresh);
    for (int i = 0; i < 10 && err == MLT_OK; i++) {
        err = database_begin(&db);
        if (err == MLT_OK)
            err = database_end(&db, database_create(&db));
        if (err == MLT_OK)
            err = run(&db, "INSERT INTO thing(name) VALUES('x')");
    }
    return err == MLT_OK ? NULL : (void *)(uintptr_t)err_name(err);
}

static void many_threads_make_and_fill_one_file_at_once(void **state)
{
    (void)state;
    pthread_t threads[8];
    bool relative[8];
    for (size_t i = 0; i < 8; i++) {
        relative[i] = i % 2 == 0;
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_insert, &relative[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        if (failed != NULL)
            fail_msg("thread %zu: %s", i, (const char *)failed);
    }
    CLEANUP(database_close) struct database db = opened(&first);
    assert_int_equal(number(&db, "SELECT count(*) FROM thing"), 80);
}

/* As another process that opens the file at the same moment, and is not in WAL mode yet. */
static void who_writes_to_a_fresh_file_is_waited_for(void **state)
{
    (void)state;
    bool fresh = false;
    bool relative = true;
    sqlite3 *maker = NULL;
    struct database db = { 0 };
    int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    close(fd);
    assert_int_equal(sqlite3_open(FILE_NAME, &maker), SQLITE_OK);
    assert_int_equal(sqlite3_exec(maker, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_err(open_as(&db, &first, true, &fresh), MLT_ERR_LOCKED);
    pthread_t thread;
    void *failed = NULL;
    assert_int_equal(pthread_create(&thread, NULL, open_and_insert, &relative), 0);
    usleep(100000); /* so that it is waiting, most likely; it may come later */
    assert_int_equal(sqlite3_exec(maker, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(pthread_join(thread, &failed), 0);
    if (failed != NULL)
        fail_msg("%s", (const char *)failed);
    assert_int_equal(sqlite3_close(maker), SQLITE_OK);
}

/* ---- transactions ---- */

static void what_was_committed_stands_and_what_failed_does_not(void **state)
{
    (void)state;
    struct database db = opened(&first);
    assert_ok(database_begin(&db));
    assert_ok(database_end(&db, run(&db, "INSERT INTO thing(n) VALUES(1)")));
    assert_ok(database_begin(&db));
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(2)"));
    errno = 0;
    assert_err(database_end(&db, MLT_ERR_REFUSED), MLT_ERR_REFUSED);
    database_close(&db);
    db = opened(&first);
    assert_int_equal(number(&db, "SELECT sum(n) FROM thing"), 1);
    database_close(&db);
}

static void a_writer_is_waited_for_only_so_long(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database one = opened(&first);
    CLEANUP(database_close) struct database two = opened(&first);
    assert_ok(database_begin(&one));
    assert_err(database_begin(&two), MLT_ERR_LOCKED);
    assert_ok(database_end(&one, MLT_OK));
    assert_ok(database_begin(&two));
    assert_ok(database_end(&two, MLT_OK));
    assert_false(two.broken);
}

static void a_full_disk_is_told_and_breaks_nothing(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    int64_t pages = number(&db, "SELECT page_count FROM pragma_page_count");
    char text[64];
    snprintf(text, sizeof(text), "PRAGMA max_page_count=%lld", (long long)pages);
    assert_int_equal(number(&db, text), pages);
    errno = 0;
    assert_err(run(&db, "INSERT INTO thing(bytes) VALUES(zeroblob(100000))"), MLT_ERR_SYSTEM);
    assert_int_equal(errno, ENOSPC);
    assert_false(db.broken);
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(1)"));
}

/* SQLite's writes fail from here on. */
static struct rlimit forbid_writing(void)
{
    struct rlimit kept;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    const struct rlimit none = { 0, kept.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    return kept;
}

static void after_an_io_error_every_statement_fails_until_it_is_opened_anew(void **state)
{
    (void)state;
    struct database db = opened(&first);
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(1)"));
    CLEANUP(query_end) struct query kept = query_start(&db, "SELECT n FROM thing");
    const struct rlimit limit = forbid_writing();
    errno = 0;
    enum mlt_err err = run(&db, "INSERT INTO thing(n) VALUES(2)");
    int number_told = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_err(err, MLT_ERR_SYSTEM);
    assert_int_equal(number_told, EFBIG);
    assert_true(db.broken);
    bool row = false;
    assert_err(query_next(&kept, &row), MLT_ERR_DATABASE);
    query_again(&kept);
    assert_err(query_next(&kept, &row), MLT_ERR_DATABASE);
    query_end(&kept);
    assert_err(database_begin(&db), MLT_ERR_DATABASE);
    assert_err(run(&db, "INSERT INTO thing(n) VALUES(3)"), MLT_ERR_DATABASE);
    assert_err(database_checkpoint(&db), MLT_ERR_DATABASE);
    /* The WAL stays for who opens it next, and is emptied by him before anything is added. */
    database_close(&db);
    assert_true(size_of(FILE_NAME "-wal") > 0);
    db = opened(&first);
    assert_int_equal(size_of(FILE_NAME "-wal"), 0);
    assert_int_equal(number(&db, "SELECT sum(n) FROM thing"), 1);
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(2)"));
    database_close(&db);
}

static void a_close_moves_the_wal_into_the_file(void **state)
{
    (void)state;
    struct database db = opened(&first);
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(1)"));
    assert_true(size_of(FILE_NAME "-wal") > 0);
    database_close(&db);
    assert_int_equal(size_of(FILE_NAME "-wal"), -1);
}

static void a_checkpoint_empties_the_wal_unless_somebody_reads_there(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    CLEANUP(database_close) struct database other = opened(&first);
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(1)"));
    {
        CLEANUP(query_end) struct query q = query_start(&other, "SELECT n FROM thing");
        bool row = false;
        assert_ok(query_next(&q, &row));
        assert_err(database_checkpoint(&db), MLT_ERR_LOCKED);
    }
    assert_ok(database_checkpoint(&db));
    assert_int_equal(size_of(FILE_NAME "-wal"), 0);
}

/* ---- statements ---- */

static void a_kept_statement_is_bound_and_run_anew(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    CLEANUP(query_end)
    struct query put = query_start(&db, "INSERT OR IGNORE INTO thing(n, name) VALUES(?, ?)");
    struct name name = { 0 };
    assert_ok(name_parse(span_str("maria"), &name));
    for (int n = 1; n <= 3; n++) {
        query_again(&put);
        query_put_int(&put, n);
        query_put_name(&put, &name);
        assert_ok(query_run(&put));
        assert_int_equal(query_changes(&put), 1);
    }
    query_again(&put);
    query_put_int(&put, 3);
    assert_ok(query_run(&put));
    assert_int_equal(query_changes(&put), 0);
    query_again(&put);
    query_put_int(&put, 4);
    assert_ok(query_run(&put)); /* what is not bound again is null */
    assert_int_equal(number(&db, "SELECT count(*) FROM thing WHERE name = 'maria'"), 3);
    assert_int_equal(number(&db, "SELECT n FROM thing WHERE name IS NULL"), 4);
}

static void an_error_is_remembered_until_the_statement_is_taken_again(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    CLEANUP(query_end) struct query put = query_start(&db, "INSERT INTO thing(n) VALUES(?)");
    query_put_int(&put, 1);
    query_put_int(&put, 2); /* there is one place */
    assert_err(query_run(&put), MLT_ERR_DATABASE);
    assert_err(query_run(&put), MLT_ERR_DATABASE);
    query_again(&put);
    query_put_int(&put, 1);
    assert_ok(query_run(&put));
    CLEANUP(query_end) struct query wrong = query_start(&db, "SELECT nonsense");
    query_again(&wrong);
    assert_err(query_run(&wrong), MLT_ERR_DATABASE);
}

static void columns_are_what_they_should_be_or_damage(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    assert_ok(run(&db, "INSERT INTO thing VALUES(1, 'Maria', x'010203')"));
    assert_ok(run(&db, "INSERT INTO thing VALUES(2, 'maria', NULL)"));
    CLEANUP(query_end)
    struct query q = query_start(&db, "SELECT name, bytes FROM thing ORDER BY n");
    bool row = false;
    uint8_t bytes[3] = { 0 };
    struct name name = { 0 };
    assert_ok(query_next(&q, &row));
    assert_err(query_name(&q, 0, &name), MLT_ERR_DAMAGED);
    assert_ok(query_bytes(&q, 1, bytes, 3));
    assert_err(query_bytes(&q, 1, bytes, 2), MLT_ERR_DAMAGED);
    assert_int_equal(bytes[2], 3);
    assert_ok(query_next(&q, &row));
    assert_ok(query_name(&q, 0, &name));
    assert_string_equal(name.text, "maria");
    assert_true(query_is_null(&q, 1));
    assert_int_equal(query_span(&q, 1).n, 0);
    assert_ok(query_next(&q, &row));
    assert_false(row);
}

/* ---- the log ---- */

/* ---- a copy ---- */

static enum mlt_err copy_to(struct database *db, const char *name)
{
    const struct database_place place = { scratch_fd, name };
    return database_copy(db, &place);
}

static int64_t rows_of_copy(const char *name)
{
    const struct database_schema schema = { name, 1, step, 100, false };
    const struct database_place place = { scratch_fd, name };
    CLEANUP(database_close) struct database db = { 0 };
    bool fresh = true;
    assert_ok(database_open(&db, &schema, &place, false, &fresh));
    assert_false(fresh);
    return number(&db, "SELECT count(*) FROM thing");
}

static void a_copy_holds_what_is_committed_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    CLEANUP(database_close) struct database other = opened(&first);
    struct stat st;
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(1)"));
    assert_ok(database_begin(&other));
    assert_ok(run(&other, "INSERT INTO thing(n) VALUES(2)"));
    assert_ok(copy_to(&db, "copy.db"));
    assert_ok(database_end(&other, MLT_OK));
    assert_int_equal(stat("copy.db", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(size_of("copy.db-wal"), -1);
    assert_int_equal(rows_of_copy("copy.db"), 1);
    /* One that was there, whatever it held, makes way. */
    assert_ok(copy_to(&db, "copy.db"));
    assert_int_equal(rows_of_copy("copy.db"), 2);
    assert_int_equal(number(&db, "SELECT count(*) FROM thing"), 2);
}

static void a_copy_is_not_made_inside_a_transaction(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    assert_ok(database_begin(&db));
    assert_err(copy_to(&db, "copy.db"), MLT_ERR_STATE);
    assert_ok(database_end(&db, MLT_OK));
    assert_int_equal(size_of("copy.db"), -1);
}

static void a_copy_that_fails_leaves_no_file_and_the_database_goes_on(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database db = opened(&first);
    struct rlimit before;
    assert_ok(run(&db, "INSERT INTO thing(n, bytes) VALUES(1, zeroblob(40000))"));
    assert_ok(database_checkpoint(&db));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = { 20000, before.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum mlt_err err = copy_to(&db, "copy.db");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_err(err, MLT_ERR_SYSTEM);
    assert_int_equal(size_of("copy.db"), -1);
    assert_int_equal(size_of("copy.db-journal"), -1);
    assert_false(db.broken);
    assert_ok(run(&db, "INSERT INTO thing(n) VALUES(2)"));
    assert_ok(copy_to(&db, "copy.db"));
    assert_int_equal(rows_of_copy("copy.db"), 2);
    assert_int_equal(mkdir("taken", 0700), 0);
    assert_err(copy_to(&db, "taken"), MLT_ERR_SYSTEM);
}

static int64_t said_of_a_failure(bool in_log)
{
    const struct database_schema schema = { FILE_NAME, 1, step, 100, in_log };
    CLEANUP(database_close) struct database db = opened(&schema);
    int kept = dup(2);
    int file = open("said", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(kept >= 0 && file >= 0 && dup2(file, 2) == 2);
    enum mlt_err err = run(&db, "SELECT nonsense");
    assert_int_equal(dup2(kept, 2), 2);
    close(kept);
    close(file);
    assert_err(err, MLT_ERR_DATABASE);
    return size_of("said");
}

static void a_failure_is_said_in_the_log_or_not_at_all(void **state)
{
    (void)state;
    assert_true(said_of_a_failure(true) > 0);
    assert_int_equal(said_of_a_failure(false), 0);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, scratch_enter, scratch_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(a_new_file_is_private_and_in_wal_mode),
        IN_DIR(an_absent_one_is_only_made_when_asked_for),
        IN_DIR(an_absolute_path_leads_to_the_same_file),
        IN_DIR(what_is_newer_foreign_or_open_to_others_is_refused),
        IN_DIR(an_older_one_is_stepped_forward),
        IN_DIR(a_step_that_fails_leaves_the_older_one),
        IN_DIR(many_threads_make_and_fill_one_file_at_once),
        IN_DIR(who_writes_to_a_fresh_file_is_waited_for),
        IN_DIR(what_was_committed_stands_and_what_failed_does_not),
        IN_DIR(a_writer_is_waited_for_only_so_long),
        IN_DIR(a_full_disk_is_told_and_breaks_nothing),
        IN_DIR(after_an_io_error_every_statement_fails_until_it_is_opened_anew),
        IN_DIR(a_close_moves_the_wal_into_the_file),
        IN_DIR(a_checkpoint_empties_the_wal_unless_somebody_reads_there),
        IN_DIR(a_kept_statement_is_bound_and_run_anew),
        IN_DIR(an_error_is_remembered_until_the_statement_is_taken_again),
        IN_DIR(columns_are_what_they_should_be_or_damage),
        IN_DIR(a_copy_holds_what_is_committed_and_nothing_else),
        IN_DIR(a_copy_is_not_made_inside_a_transaction),
        IN_DIR(a_copy_that_fails_leaves_no_file_and_the_database_goes_on),
        IN_DIR(a_failure_is_said_in_the_log_or_not_at_all),
    };
    log_start("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
