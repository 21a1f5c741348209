/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/store_authority.h"
#include "client/store_outbox.h"
#include "faulty_disk.h"
#include "store_scene.h"

/* What a home knows of its CA, on a disk that fails, under a knife, and among processes: a number
 * never goes back, and nothing is un-revoked. */

static int begin_all(void **state)
{
    (void)state;
    faulty_disk_start();
    return 0;
}

static int end(void **state)
{
    faulty_disk_heal();
    return store_scene_end(state);
}

static void put_serial(struct buf *serials, uint64_t i)
{
    uint8_t serial[CERT_SERIAL] = { 0x40 };
    for (int at = 0; at < 8; at++)
        serial[CERT_SERIAL - 1 - at] = (uint8_t)(i >> (8 * at));
    assert_ok(buf_put(serials, SPAN_OF(serial)));
}

/* Number n revokes serial n. */
static enum mlt_err add_to(struct store *s, uint64_t number, bool *done)
{
    CLEANUP(buf_clear) struct buf serials = { 0 };
    put_serial(&serials, number);
    const struct store_crl news = { .number = number,
                                    .this_s = 1000 + (int64_t)number,
                                    .next_s = 5000 + (int64_t)number,
                                    .serials = buf_span(&serials) };
    return store_authority_add(s, &news, done);
}

static enum mlt_err replace_to(struct store *s, uint64_t number, bool *done)
{
    CLEANUP(buf_clear) struct buf serials = { 0 };
    for (uint64_t i = 1; i <= number; i++)
        put_serial(&serials, i);
    const struct store_crl list = {
        .number = number, .this_s = 2000, .next_s = 6000, .serials = buf_span(&serials)
    };
    return store_authority_replace(s, &list, done);
}

static uint64_t number_of(struct store *s)
{
    struct store_authority known;
    assert_ok(store_authority_read(s, &known));
    return known.crl_number;
}

/* The number, and exactly the serials that go with it. */
static uint64_t check(struct store *s)
{
    uint64_t number = number_of(s);
    uint64_t count = 0;
    assert_ok(store_authority_count(s, &count));
    assert_int_equal(count, number);
    for (uint64_t i = 1; i <= number; i++) {
        CLEANUP(buf_clear) struct buf serial = { 0 };
        bool is_revoked = false;
        put_serial(&serial, i);
        assert_ok(store_authority_is_revoked(s, serial.p, &is_revoked));
        assert_true(is_revoked);
    }
    return number;
}

static uint64_t check_anew(void)
{
    store_close(&store);
    assert_ok(store_open(&home, &clock_now.env, &store));
    return check(store);
}

static void a_new_home_knows_nothing(void **state)
{
    (void)state;
    struct store_authority known;
    struct store_restored restored;
    bool tell = true;
    assert_ok(store_authority_read(store, &known));
    assert_int_equal(known.head_size + known.crl_number, 0);
    assert_int_equal(known.newest_s + known.alarm_s, 0);
    assert_ok(store_authority_tell_restored(store, &restored, &tell));
    assert_false(tell);
}

static void a_number_follows_the_one_before_and_no_other(void **state)
{
    (void)state;
    static const uint64_t numbers[] = { 2, 0, 1, 1, 3, 2, 1, 2, 5, 3 };
    static const bool taken[] = {
        false, false, true, false, false, true, false, false, false, true
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        bool done = false;
        enum mlt_err err = add_to(store, numbers[i], &done);
        assert_int_equal(err, numbers[i] == 0 ? MLT_ERR_RANGE : MLT_OK);
        assert_int_equal(done, taken[i]);
    }
    assert_int_equal(check_anew(), 3);
}

static void a_list_replaces_an_older_one_and_no_newer_one(void **state)
{
    (void)state;
    bool done = false;
    assert_ok(replace_to(store, 20, &done));
    assert_true(done);
    for (uint64_t number = 1; number <= 20; number++) {
        assert_ok(replace_to(store, number, &done));
        assert_false(done);
    }
    assert_int_equal(check_anew(), 20);
}

/* ---- disks ---- */

static enum mlt_err change(bool is_list, uint64_t number, bool *done)
{
    return is_list ? replace_to(store, number, done) : add_to(store, number, done);
}

/* Each call that SQLite makes of the disk, failing once: what was not taken may be there all the
 * same, but whole, and what was taken stays. */
static void on_a_failing_disk_a_number_is_whole_and_never_goes_back(void **state)
{
    (void)state;
    static const enum faulty_how hows[] = { FAULTY_EIO, FAULTY_FULL };
    unsigned refused = 0, taken = 0;
    for (size_t how = 0; how < COUNT_OF(hows); how++) {
        bool reached = true;
        for (unsigned at = 1; reached; at++) {
            uint64_t before = check_anew();
            bool done = false;
            faulty_disk_fail(FAULTY_CHANGES, hows[how], at, 1);
            enum mlt_err err = change(at % 2 == 0, before + 1, &done);
            reached = faulty_disk_failed() > 0;
            faulty_disk_heal();
            uint64_t after = check_anew();
            assert_in_range(after, before, before + 1);
            assert_true(err != MLT_OK || !done || after == before + 1);
            refused += err != MLT_OK;
            taken += err == MLT_OK && done;
        }
    }
    assert_true(refused > 0 && taken > 0);
}

static void run_until_killed(int to)
{
    CLEANUP(store_close) struct store *s = NULL;
    if (store_open(&home, &clock_now.env, &s) != MLT_OK)
        _exit(1);
    for (uint64_t number = number_of(s) + 1;; number++) {
        bool done = false;
        enum mlt_err err =
            number % 3 == 0 ? replace_to(s, number, &done) : add_to(s, number, &done);
        if (err != MLT_OK || !done || write(to, &number, sizeof(number)) != sizeof(number))
            _exit(1);
    }
}

/* Killed somewhere among its writes, after it told of a few. */
static uint64_t kill_one(unsigned told)
{
    int ends[2];
    uint64_t last = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run_until_killed(ends[1]);
    close(ends[1]);
    for (unsigned i = 0; i < told; i++)
        assert_int_equal(read(ends[0], &last, sizeof(last)), sizeof(last));
    assert_int_equal(kill(child, SIGKILL), 0);
    for (uint64_t more; read(ends[0], &more, sizeof(more)) == sizeof(more);)
        last = more;
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return last;
}

static void who_is_killed_has_lost_nothing_that_was_taken(void **state)
{
    (void)state;
    store_close(&store);
    for (unsigned i = 1; i <= 12; i++) {
        uint64_t last = kill_one(i);
        assert_ok(store_open(&home, &clock_now.env, &store));
        assert_in_range(check(store), last, last + 1);
        store_close(&store);
    }
    assert_ok(store_open(&home, &clock_now.env, &store));
}

/* ---- processes ---- */

enum { TARGET = 60, PROCESSES = 4 };

static void race(void)
{
    CLEANUP(store_close) struct store *s = NULL;
    if (store_open(&home, &clock_now.env, &s) != MLT_OK)
        _exit(1);
    for (uint64_t number = 0; number < TARGET; number = number_of(s)) {
        bool done = false;
        if (add_to(s, number + 1, &done) != MLT_OK)
            _exit(1);
    }
    _exit(0);
}

static void processes_of_one_home_take_each_number_once(void **state)
{
    (void)state;
    store_close(&store);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            race();
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_ok(store_open(&home, &clock_now.env, &store));
    assert_int_equal(check(store), TARGET);
}

static void a_head_is_held_by_who_was_first_and_the_other_is_told(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *other = NULL;
    struct store_authority known;
    bool done = false;
    assert_ok(store_open(&home, &clock_now.env, &other));
    const struct store_hold first = { .next = span_str("one"), .proven_s = 5 };
    const struct store_hold second = { .next = span_str("two"), .proven_s = 6 };
    const struct store_hold third = { .held = span_str("one"), .next = span_str("two") };
    assert_ok(store_authority_hold(store, &first, &done));
    assert_true(done);
    assert_ok(store_authority_hold(other, &second, &done));
    assert_false(done);
    assert_ok(store_authority_read(other, &known));
    assert_span_equal(store_authority_head(&known), span_str("one"));
    assert_int_equal(known.proven_s, 5);
    assert_ok(store_authority_hold(other, &third, &done));
    assert_true(done);
    assert_ok(store_authority_read(store, &known));
    assert_span_equal(store_authority_head(&known), span_str("two"));
    assert_int_equal(known.proven_s, 5);
}

static void that_the_ca_was_put_back_is_told_once_by_one_of_them(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *other = NULL;
    const struct store_restored restored = { .epoch_s = 77, .held = 9, .base = 4 };
    const struct store_hold hold = { .next = span_str("head"), .restored = &restored };
    struct store_restored got = { 0 };
    bool tell = false;
    assert_ok(store_open(&home, &clock_now.env, &other));
    assert_ok(store_authority_hold(store, &hold, &tell));
    assert_ok(store_authority_tell_restored(other, &got, &tell));
    assert_true(tell && got.epoch_s == 77 && got.held == 9 && got.base == 4);
    assert_ok(store_authority_tell_restored(other, &got, &tell));
    assert_false(tell);
    assert_ok(store_authority_tell_restored(store, &got, &tell));
    assert_false(tell);
}

static void times_only_grow(void **state)
{
    (void)state;
    struct store_authority known;
    assert_ok(store_authority_note_time(store, 100));
    assert_ok(store_authority_note_time(store, 90));
    assert_ok(store_authority_proven(store, 50));
    assert_ok(store_authority_proven(store, 40));
    assert_ok(store_authority_unproven(store, 60));
    assert_ok(store_authority_unproven(store, 70));
    assert_ok(store_authority_read(store, &known));
    assert_int_equal(known.newest_s, 100);
    assert_int_equal(known.proven_s, 50);
    assert_int_equal(known.unproven_s, 60); /* since then */
    assert_ok(store_authority_proven(store, 80));
    assert_ok(store_authority_read(store, &known));
    assert_int_equal(known.unproven_s, 0);
}

/* ---- an older file ---- */

static void run_sql(const char *sql)
{
    CLEANUP(buf_clear) struct buf path = { 0 };
    const char *text = NULL;
    sqlite3 *db = NULL;
    assert_ok(buf_put_format(&path, "%s/malote.db", home.path));
    assert_ok(buf_text(&path, &text));
    assert_int_equal(sqlite3_open(text, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_home_of_version_2_learns_and_keeps_its_messages(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    uint64_t waiting = 0;
    bool done = false;
    struct store_outgoing message = { .body = span_str("ola") };
    assert_ok(name_parse(span_str("joao"), &message.recipient));
    assert_ok(store_outbox_keep(store, &message, id));
    store_close(&store);
    run_sql("DROP TABLE authority; DROP TABLE revoked; PRAGMA user_version = 2;");
    assert_ok(store_open(&home, &clock_now.env, &store));
    assert_ok(store_outbox_count(store, &waiting));
    assert_int_equal(waiting, 1);
    assert_int_equal(number_of(store), 0);
    assert_ok(add_to(store, 1, &done));
    assert_true(done);
    assert_int_equal(check_anew(), 1);
}

static void a_file_that_was_tampered_with_is_damaged_and_no_harm(void **state)
{
    (void)state;
    struct store_authority known;
    run_sql("UPDATE authority SET head = zeroblob(5000)");
    assert_err(store_authority_read(store, &known), MLT_ERR_DAMAGED);
    run_sql("DELETE FROM authority");
    assert_err(store_authority_read(store, &known), MLT_ERR_DAMAGED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, store_scene_begin, end)
        T(a_new_home_knows_nothing),
        T(a_number_follows_the_one_before_and_no_other),
        T(a_list_replaces_an_older_one_and_no_newer_one),
        T(on_a_failing_disk_a_number_is_whole_and_never_goes_back),
        T(who_is_killed_has_lost_nothing_that_was_taken),
        T(processes_of_one_home_take_each_number_once),
        T(a_head_is_held_by_who_was_first_and_the_other_is_told),
        T(that_the_ca_was_put_back_is_told_once_by_one_of_them),
        T(times_only_grow),
        T(a_home_of_version_2_learns_and_keeps_its_messages),
        T(a_file_that_was_tampered_with_is_damaged_and_no_harm),
    };
    return cmocka_run_group_tests(tests, begin_all, NULL);
}
