/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <signal.h>
#include <sys/resource.h>

#include "authority.h"
#include "ca/ledger.h"

static struct authority a;

static int start(void **state)
{
    (void)state;
    authority_libraries();
    authority_start(&a, ENROL_INVITE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

static struct ledger_leaf some_leaf(void)
{
    struct ledger_leaf leaf = { .name = authority_name("maria"),
                                .kind = LEDGER_CLIENT,
                                .time_s = AUTHORITY_NOW_S };
    memset(leaf.tbs_hash, 0x11, sizeof(leaf.tbs_hash));
    memset(leaf.spki_hash, 0x22, sizeof(leaf.spki_hash));
    memset(leaf.serial, 0x33, sizeof(leaf.serial));
    return leaf;
}

static void positions_count_from_zero_without_a_gap(void **state)
{
    (void)state;
    const struct ledger_leaf leaf = some_leaf();
    struct ledger_leaf got;
    uint64_t size = 0, position = 0;
    assert_ok(ledger_size(&a.ca.db, &size));
    assert_int_equal(size, 1); /* the root */
    assert_ok(ledger_read(&a.ca.db, 0, &got));
    assert_int_equal(got.kind, LEDGER_CA);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_ok(ledger_append(&a.ca.db, &leaf, &position));
        assert_int_equal(position, i);
        assert_ok(ledger_read(&a.ca.db, i, &got));
        assert_true(name_eq(&got.name, &leaf.name));
    }
    assert_err(ledger_read(&a.ca.db, 4, &got), MLT_ERR_MISSING);
}

static void a_leaf_can_be_neither_changed_nor_taken_out(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE leaf SET bytes = x'00' WHERE position = 0",
        "UPDATE leaf SET position = 9 WHERE position = 0",
        "DELETE FROM leaf WHERE position = 0",
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        CLEANUP(query_end) struct query q = query_start(&a.ca.db, changes[i]);
        assert_err(query_run(&q), MLT_ERR_DATABASE);
    }
    struct ledger_leaf got;
    assert_ok(ledger_read(&a.ca.db, 0, &got));
}

static void a_leaf_that_does_not_fit_its_hash_is_damage(void **state)
{
    (void)state;
    CLEANUP(query_end) struct query drop = query_start(&a.ca.db, "DROP TRIGGER leaf_is_final");
    assert_ok(query_run(&drop));
    CLEANUP(query_end)
    struct query q =
        query_start(&a.ca.db, "UPDATE leaf SET hash = zeroblob(32) WHERE position = 0");
    assert_ok(query_run(&q));
    struct ledger_leaf got;
    assert_err(ledger_read(&a.ca.db, 0, &got), MLT_ERR_DAMAGED);
}

/* Where a commit's fsync failed it may stand or not: what follows must not build on either. */
static void after_an_io_error_only_opening_anew_helps(void **state)
{
    (void)state;
    uint64_t before = 0, position = 0;
    const struct ledger_leaf leaf = some_leaf();
    assert_ok(ledger_size(&a.ca.db, &before));
    struct rlimit kept;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    const struct rlimit none = { 0, kept.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_ok(database_begin(&a.ca.db));
    enum mlt_err err = database_end(&a.ca.db, ledger_append(&a.ca.db, &leaf, &position));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    assert_err(err, MLT_ERR_SYSTEM);
    assert_true(a.ca.db.broken);
    assert_err(database_begin(&a.ca.db), MLT_ERR_DATABASE);
    assert_err(ledger_size(&a.ca.db, &position), MLT_ERR_DATABASE);
    authority_restart(&a);
    assert_ok(ledger_size(&a.ca.db, &position));
    assert_int_equal(position, before);
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, ledger_append(&a.ca.db, &leaf, &position)));
    assert_int_equal(position, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_count_from_zero_without_a_gap),
        cmocka_unit_test(a_leaf_can_be_neither_changed_nor_taken_out),
        cmocka_unit_test(after_an_io_error_only_opening_anew_helps),
        cmocka_unit_test(a_leaf_that_does_not_fit_its_hash_is_damage),
    };
    return cmocka_run_group_tests_name("ledger", tests, start, stop);
}
