/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "base/file.h"
#include "ca/clock.h"
#include "ca/ledger.h"
#include "ca/ledger_tree.h"
#include "ca/schema.h"
#include "rfc9162.h"

/* The tree in ledger.db beside a second one (rfc9162.h) that keeps no node. */

#define MOST 4200

static struct authority a; /* its directory */
static struct database db;
static uint8_t leaves[MOST][HASH_LEN]; /* hashes, as the second tree computed them */
static size_t count;

/* ---- the ledger ---- */

static void grow(void)
{
    struct ledger_leaf leaf = { .name = authority_name("maria"),
                                .kind = LEDGER_CLIENT,
                                .time_s = AUTHORITY_NOW_S + (int64_t)count };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    uint64_t position = 0;
    memcpy(leaf.serial, &count, sizeof(count));
    assert_true(count < MOST);
    assert_ok(ledger_append(&db, &leaf, &position));
    assert_int_equal(position, count);
    assert_ok(ledger_leaf_encode(&leaf, &bytes));
    rfc9162_leaf(buf_span(&bytes), leaves[count++]);
}

static void grow_to(size_t size)
{
    assert_ok(database_begin(&db));
    while (count < size)
        grow();
    assert_ok(database_end(&db, MLT_OK));
}

static void open_file(bool create)
{
    bool fresh = false;
    a.ca.dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct database_place place = { a.ca.dir, SCHEMA_FILE };
    assert_ok(database_open(&db, &schema_ledger, &place, create, &fresh));
    assert_int_equal(fresh, create);
}

static int start(void **state)
{
    (void)state;
    authority_enter(&a);
    open_file(true);
    assert_ok(database_begin(&db));
    assert_ok(database_end(&db, database_create(&db)));
    count = 0;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    database_close(&db);
    authority_stop(&a);
    return 0;
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static void assert_root(size_t size)
{
    uint8_t root[HASH_LEN], wanted[HASH_LEN];
    assert_ok(ledger_tree_root(&db, size, root));
    rfc9162_root(leaves, size, wanted);
    assert_memory_equal(root, wanted, HASH_LEN);
}

static void assert_consistency(size_t from, size_t to)
{
    CLEANUP(buf_clear) struct buf proof = { 0 };
    CLEANUP(buf_clear) struct buf wanted = { 0 };
    struct merkle_tree earlier = { .size = from }, later = { .size = to };
    assert_ok(ledger_tree_consistency(&db, from, to, &proof));
    rfc9162_consistency(leaves, to, from, &wanted);
    assert_span_equal(buf_span(&proof), buf_span(&wanted));
    rfc9162_root(leaves, from, earlier.root);
    rfc9162_root(leaves, to, later.root);
    assert_ok(merkle_check_consistency(&earlier, &later, buf_span(&proof)));
    earlier.root[0] ^= 1;
    assert_err(merkle_check_consistency(&earlier, &later, buf_span(&proof)), MLT_ERR_LEDGER);
}

static void roots_and_proofs_of_all_small_sizes_are_those_of_rfc_9162(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 70; size++) {
        grow_to(size);
        assert_root(size);
        for (size_t other = 1; other <= size; other++) {
            assert_root(other);
            assert_consistency(other, size);
        }
    }
}

/* splitmix64: the same sizes every time. */
static uint64_t draw(void)
{
    static uint64_t seed = 6962;
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void roots_and_proofs_of_larger_sizes_are_too(void **state)
{
    (void)state;
    static const size_t sizes[] = { 127, 128, 129, 1023, 1024, 1025, 2047, 4095, 4096, 4097 };
    grow_to(MOST);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_root(sizes[i]);
        assert_consistency(sizes[i], MOST);
        assert_consistency(1, sizes[i]);
    }
    for (int i = 0; i < 100; i++) {
        size_t to = 1 + draw() % MOST;
        size_t from = 1 + draw() % to;
        assert_root(to);
        assert_consistency(from, to);
    }
}

/* Those of whole subtrees and no more: as many as leaves, less one for each peak. */
static void nodes_are_kept_once(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 40; size++) {
        grow_to(size);
        CLEANUP(query_end) struct query q = query_start(&db, "SELECT count(*) FROM node");
        bool row = false;
        assert_ok(query_next(&q, &row));
        assert_int_equal(query_int(&q, 0), size - (size_t)__builtin_popcountll(size));
    }
}

static void what_the_ledger_has_not_is_out_of_range(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf proof = { 0 };
    uint8_t root[HASH_LEN];
    grow_to(5);
    assert_err(ledger_tree_root(&db, 0, root), MLT_ERR_RANGE);
    assert_err(ledger_tree_root(&db, 6, root), MLT_ERR_RANGE);
    assert_err(ledger_tree_root(&db, UINT64_MAX, root), MLT_ERR_RANGE);
    assert_err(ledger_tree_consistency(&db, 0, 5, &proof), MLT_ERR_RANGE);
    assert_err(ledger_tree_consistency(&db, 5, 4, &proof), MLT_ERR_RANGE);
    assert_err(ledger_tree_consistency(&db, 5, 6, &proof), MLT_ERR_RANGE);
    assert_int_equal(proof.len, 0);
}

static void run(const char *sql)
{
    CLEANUP(query_end) struct query q = query_start(&db, sql);
    assert_ok(query_run(&q));
}

static void a_node_can_be_neither_changed_nor_taken_out(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE node SET hash = zeroblob(32) WHERE level = 1",
        "UPDATE node SET idx = 9 WHERE level = 1 AND idx = 0",
        "DELETE FROM node WHERE level = 1",
    };
    grow_to(4);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        CLEANUP(query_end) struct query q = query_start(&db, changes[i]);
        assert_err(query_run(&q), MLT_ERR_DATABASE);
    }
    assert_root(4);
}

static void assert_floor(int64_t wanted_s)
{
    int64_t floor_s = 0;
    assert_ok(clock_floor(&db, &floor_s));
    assert_int_equal(floor_s, wanted_s);
}

/* ---- the reading of all of it ---- */

static struct ledger_tree_report check(uint64_t size)
{
    struct ledger_tree_report report;
    assert_ok(ledger_tree_check(&db, size, &report));
    return report;
}

static void a_whole_tree_has_nothing_bad_and_its_root(void **state)
{
    (void)state;
    uint8_t root[HASH_LEN];
    struct ledger_tree_report report;
    grow_to(70);
    for (uint64_t size = 1; size <= 70; size++) {
        report = check(size);
        assert_int_equal(report.leaves, 70);
        assert_int_equal(report.nodes, 70 - 3);
        assert_int_equal(report.bad_leaves + report.bad_nodes, 0);
        rfc9162_root(leaves, size, root);
        assert_memory_equal(report.root, root, HASH_LEN);
    }
    assert_err(ledger_tree_check(&db, 71, &report), MLT_ERR_RANGE);
}

static void open_triggers(void)
{
    run("DROP TRIGGER leaf_is_final");
    run("DROP TRIGGER leaf_stays");
    run("DROP TRIGGER node_is_final");
    run("DROP TRIGGER node_stays");
}

/* Each of these alone, and what is found. */
static void every_change_of_a_leaf_or_node_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        uint64_t bad_leaves, bad_nodes, first;
    } changes[] = {
        { "UPDATE leaf SET hash = zeroblob(32) WHERE position = 9", 1, 0, 9 },
        /* Its bytes: the nodes above it, of 2, 4, 8 and 16 leaves, do not fit either. */
        { "UPDATE leaf SET bytes = (SELECT bytes FROM leaf WHERE position = 8) WHERE position = 9",
          1, 4, 0 },
        { "UPDATE leaf SET bytes = x'00' WHERE position = 20", 1, 0, 20 },
        { "UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND idx = 3", 0, 1, 12 },
        { "DELETE FROM node WHERE level = 1 AND idx = 5", 0, 1, 10 },
        { "INSERT INTO node VALUES(5, 0, zeroblob(32))", 0, 1, 21 },
    };
    grow_to(21);
    open_triggers();
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        assert_ok(database_begin(&db));
        run(changes[i].sql);
        const struct ledger_tree_report report = check(21);
        assert_int_equal(report.bad_leaves, changes[i].bad_leaves);
        assert_int_equal(report.bad_nodes, changes[i].bad_nodes);
        assert_int_equal(report.first_bad, changes[i].first);
        assert_err(database_end(&db, MLT_ERR_STATE), MLT_ERR_STATE);
    }
    assert_int_equal(check(21).bad_leaves + check(21).bad_nodes, 0);
}

static void a_gap_is_found(void **state)
{
    (void)state;
    grow_to(21);
    open_triggers();
    run("UPDATE leaf SET position = 30 WHERE position = 20");
    assert_int_equal(check(21).bad_leaves, 1);
    assert_int_equal(check(21).first_bad, 20);
}

/* Consistently: only the root, which was signed, tells. */
static void a_rewritten_tree_has_another_root(void **state)
{
    (void)state;
    uint8_t before[HASH_LEN];
    grow_to(8);
    memcpy(before, check(8).root, HASH_LEN);
    open_triggers();
    run("DELETE FROM node");
    run("DELETE FROM leaf WHERE position >= 5");
    run("DELETE FROM leaf");
    count = 0;
    grow_to(5);
    struct ledger_leaf leaf = { .name = authority_name("eva"), .kind = LEDGER_CLIENT };
    uint64_t position = 0;
    for (int i = 0; i < 3; i++)
        assert_ok(ledger_append(&db, &leaf, &position));
    const struct ledger_tree_report report = check(8);
    assert_int_equal(report.bad_leaves + report.bad_nodes, 0);
    assert_memory_not_equal(report.root, before, HASH_LEN);
}

/* ---- a file of schema 2 ---- */

static void make_old_file(size_t size)
{
    sqlite3 *old = NULL;
    sqlite3_stmt *put = NULL;
    database_close(&db);
    assert_int_equal(unlink(SCHEMA_FILE), 0);
    assert_int_equal(sqlite3_open(SCHEMA_FILE, &old), SQLITE_OK);
    for (int64_t from = 0; from < 2; from++)
        assert_int_equal(sqlite3_exec(old, schema_ledger.step(from), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(old, "INSERT INTO leaf VALUES(?, ?, ?)", -1, &put, NULL),
                     SQLITE_OK);
    for (size_t i = 0; i < size; i++) {
        const struct ledger_leaf leaf = { .name = authority_name("maria"),
                                          .kind = LEDGER_CLIENT,
                                          .time_s = AUTHORITY_NOW_S + 7 * (int64_t)(i % 5) };
        CLEANUP(buf_clear) struct buf bytes = { 0 };
        assert_ok(ledger_leaf_encode(&leaf, &bytes));
        rfc9162_leaf(buf_span(&bytes), leaves[i]);
        sqlite3_bind_int64(put, 1, (sqlite3_int64)i);
        sqlite3_bind_blob(put, 2, bytes.p, (int)bytes.len, SQLITE_TRANSIENT);
        sqlite3_bind_blob(put, 3, leaves[i], HASH_LEN, SQLITE_TRANSIENT);
        assert_int_equal(sqlite3_step(put), SQLITE_DONE);
        sqlite3_reset(put);
    }
    sqlite3_finalize(put);
    sqlite3_close(old);
    assert_int_equal(chmod(SCHEMA_FILE, 0600), 0);
    count = size;
    file_close(&a.ca.dir);
    open_file(false);
}

static void an_older_ledger_gets_its_nodes_once(void **state)
{
    (void)state;
    struct ledger_facts facts;
    make_old_file(43);
    assert_int_equal(check(43).bad_nodes, 43 - 4);
    assert_ok(ledger_tree_complete(&db));
    assert_int_equal(check(43).bad_nodes, 0);
    assert_root(43);
    assert_consistency(17, 43);
    assert_ok(ledger_facts_read(&db, &facts));
    assert_floor(AUTHORITY_NOW_S + 28);
    assert_int_equal(facts.epoch, 0);
    assert_ok(ledger_tree_complete(&db));
    grow_to(50);
    assert_root(50);
    assert_int_equal(check(50).bad_nodes, 0);
}

static void an_older_ledger_that_is_damaged_gets_none(void **state)
{
    (void)state;
    make_old_file(10);
    run("DROP TRIGGER leaf_is_final");
    run("UPDATE leaf SET hash = zeroblob(32) WHERE position = 4");
    assert_err(ledger_tree_complete(&db), MLT_ERR_DAMAGED);
    assert_int_equal(check(10).nodes, 8);
    assert_int_equal(check(10).bad_nodes, 8);
}

/* ---- epochs and facts ---- */

static enum mlt_err open_epoch(uint64_t epoch, uint64_t base)
{
    const struct ledger_opening opening = { .epoch = epoch, .base = base, .whole = true };
    assert_ok(database_begin(&db));
    return database_end(&db, ledger_open_epoch(&db, &opening));
}

static void an_epoch_is_later_than_those_before_it_and_within_the_ledger(void **state)
{
    (void)state;
    uint64_t epoch = 0, base = 0;
    assert_err(ledger_epoch(&db, &epoch, &base), MLT_ERR_MISSING);
    grow_to(10);
    assert_ok(open_epoch(1000, 0));
    assert_err(open_epoch(1000, 10), MLT_ERR_RANGE);
    assert_err(open_epoch(999, 10), MLT_ERR_RANGE);
    assert_err(open_epoch(1001, 11), MLT_ERR_RANGE);
    assert_err(open_epoch(UINT64_MAX, 10), MLT_ERR_RANGE);
    assert_ok(open_epoch(1001, 7));
    assert_ok(ledger_epoch(&db, &epoch, &base));
    assert_int_equal(epoch, 1001);
    assert_int_equal(base, 7);
}

/* What the second epoch lost, the third has not got back. */
static void the_base_of_an_epoch_is_common_to_all_before_it(void **state)
{
    (void)state;
    uint64_t epoch = 0, base = 0;
    grow_to(10);
    assert_ok(open_epoch(1000, 0));
    assert_ok(open_epoch(1001, 5));
    assert_ok(open_epoch(1002, 10));
    assert_ok(ledger_epoch(&db, &epoch, &base));
    assert_int_equal(base, 5);
    assert_ok(open_epoch(1003, 3));
    assert_ok(ledger_epoch(&db, &epoch, &base));
    assert_int_equal(base, 3);
}

/* Around an imported key: what the first epoch of this file lost is all that was before it. */
static void nothing_is_common_with_what_was_before_an_import(void **state)
{
    (void)state;
    uint64_t epoch = 0, base = 1;
    const struct ledger_opening imported = { .epoch = 1000 };
    grow_to(10);
    assert_ok(database_begin(&db));
    assert_ok(database_end(&db, ledger_open_epoch(&db, &imported)));
    assert_ok(open_epoch(1001, 10));
    assert_ok(ledger_epoch(&db, &epoch, &base));
    assert_int_equal(base, 0);
}

static void a_ledger_says_what_it_has(void **state)
{
    (void)state;
    struct ledger_facts facts;
    uint8_t root[HASH_LEN];
    uint64_t position = 0;
    assert_ok(ledger_facts_read(&db, &facts));
    assert_int_equal(facts.size, 0);
    assert_int_equal(facts.crl_number, 0);
    grow_to(3);
    struct ledger_leaf crl = { .kind = LEDGER_CRL, .time_s = AUTHORITY_NOW_S + 100 };
    for (uint64_t number = 41; number <= 42; number++) {
        ledger_leaf_put_number(number, crl.serial);
        assert_ok(ledger_append(&db, &crl, &position));
    }
    struct ledger_leaf later = { .name = authority_name("eva"), .kind = LEDGER_CLIENT };
    assert_ok(ledger_append(&db, &later, &position));
    assert_ok(open_epoch(77, 2));
    assert_ok(ledger_facts_read(&db, &facts));
    assert_int_equal(facts.size, 6);
    assert_int_equal(facts.crl_number, 42);
    assert_int_equal(facts.epoch, 77);
    assert_int_equal(facts.base, 2);
    assert_floor(AUTHORITY_NOW_S + 100);
    assert_ok(ledger_tree_root(&db, 6, root));
    assert_memory_equal(facts.root, root, HASH_LEN);
}

static void leaves_are_read_in_pieces_that_fit(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf piece = { 0 };
    grow_to(20);
    const size_t one = 1 + 96; /* "maria" */
    assert_ok(ledger_read_bytes(&db, 0, 20 * one, &piece));
    assert_int_equal(piece.len, 20 * one);
    assert_int_equal(piece.p[0], 96);
    uint8_t hash[HASH_LEN];
    rfc9162_leaf(span_of(piece.p + 1 + 3 * one, 96), hash);
    assert_memory_equal(hash, leaves[3], HASH_LEN);
    buf_reset(&piece);
    assert_ok(ledger_read_bytes(&db, 5, 4 * one - 1, &piece));
    assert_int_equal(piece.len, 3 * one);
    buf_reset(&piece);
    assert_ok(ledger_read_bytes(&db, 20, 1000, &piece));
    assert_int_equal(piece.len, 0);
    assert_err(ledger_read_bytes(&db, 21, 1000, &piece), MLT_ERR_MISSING);
    assert_err(ledger_read_bytes(&db, UINT64_MAX, 1000, &piece), MLT_ERR_MISSING);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(roots_and_proofs_of_all_small_sizes_are_those_of_rfc_9162),
        WITH_FILE(roots_and_proofs_of_larger_sizes_are_too),
        WITH_FILE(nodes_are_kept_once),
        WITH_FILE(what_the_ledger_has_not_is_out_of_range),
        WITH_FILE(a_node_can_be_neither_changed_nor_taken_out),
        WITH_FILE(a_whole_tree_has_nothing_bad_and_its_root),
        WITH_FILE(every_change_of_a_leaf_or_node_is_found),
        WITH_FILE(a_gap_is_found),
        WITH_FILE(a_rewritten_tree_has_another_root),
        WITH_FILE(an_older_ledger_gets_its_nodes_once),
        WITH_FILE(an_older_ledger_that_is_damaged_gets_none),
        WITH_FILE(an_epoch_is_later_than_those_before_it_and_within_the_ledger),
        WITH_FILE(the_base_of_an_epoch_is_common_to_all_before_it),
        WITH_FILE(nothing_is_common_with_what_was_before_an_import),
        WITH_FILE(a_ledger_says_what_it_has),
        WITH_FILE(leaves_are_read_in_pieces_that_fit),
    };
    return cmocka_run_group_tests_name("ledger_tree", tests, libraries, NULL);
}
