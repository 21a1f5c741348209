/* SPDX-License-Identifier: Apache-2.0 */
#include "restore_scene.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/schema.h"

/* Witnesses of a ledger that is longer, or another one: what counts as ahead, and as a fork. */

static void a_head_of_a_longer_ledger_is_believed_if_it_is_signed(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf head = { 0 };
    certify("paulo", 2);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    head.p[head.len - 1] ^= 1;
    assert_err(restore_see_head(&r, buf_span(&head)), MLT_ERR_AUTH);
    assert_false(is_behind(&r));
    head.p[head.len - 1] ^= 1;
    assert_ok(restore_see_head(&r, buf_span(&head)));
    assert_true(is_behind(&r));
    assert_int_equal(r.seen.size, r.facts.size + 1);
    assert_false(r.forked);
    struct restore_sum sum;
    struct fates fates;
    uint64_t ours = r.facts.size;
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), ours);
}

static void a_later_epoch_is_ahead_whatever_its_size(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head = { .epoch = a.ca.head.epoch + 100, .base = 1, .size = 2 };
    sign_head(&head, &bytes);
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&bytes)));
    assert_true(is_behind(&r));
    struct restore_sum sum;
    struct fates fates;
    accept_loss(&r, &sum, &fates);
    assert_true(sum.epoch > head.epoch);
    /* Who slept through both of them holds a head of the first, and is not to be alarmed. */
    assert_int_equal(base_now(), 1);
}

static void a_ledger_of_the_same_size_with_other_leaves_is_a_fork(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    bring_back();
    assert_ok(restore_start(&r, &restored));
    struct ledger_head head = { .epoch = r.facts.epoch, .size = r.facts.size - 1 };
    memset(head.root, 7, sizeof(head.root));
    sign_head(&head, &bytes);
    assert_false(r.forked);
    assert_ok(restore_see_head(&r, buf_span(&bytes)));
    assert_true(r.forked);
    assert_true(is_behind(&r));
    struct restore_sum sum;
    struct fates fates;
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), 0);
}

/* What an earlier restore took for common was not: the next epoch claims it no more. */
static void a_fork_before_the_base_is_seen_and_the_next_base_is_below_it(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct restore_sum sum;
    struct fates fates;
    bring_back();
    const uint64_t first = restored.head.epoch, base = restored.head.size;
    open_epoch(first + 60, base);
    struct ledger_head head = { .epoch = first, .size = base };
    memset(head.root, 7, sizeof(head.root));
    sign_head(&head, &bytes);
    assert_ok(stopped_on_head(&restored, buf_span(&bytes)));
    assert_true(stopped_is(&restored));
    assert_ok(restore_start(&r, &restored));
    assert_true(is_behind(&r));
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), 0);
    assert_false(stopped_is(&restored));
    assert_ok(stopped_on_head(&restored, buf_span(&bytes)));
    assert_false(stopped_is(&restored));
}

static void put_older_ledger_back(struct span older)
{
    ca_close(&a.ca);
    enter(a.dir);
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(file_write(dir, SCHEMA_FILE, older));
    (void)unlink(SCHEMA_FILE "-wal");
    (void)unlink(SCHEMA_FILE "-shm");
    authority_restart(&a);
}

/*
 * After two leaves more than `shared` there was a backup; then somebody copied the older ledger.db
 * into its place, and four others followed.  `early` and `late` are heads of those.
 */
struct two_ways {
    uint64_t shared;
    struct buf early, late;
};

static void two_ways_clear(struct two_ways *w)
{
    buf_clear(&w->early);
    buf_clear(&w->late);
}

/* The backup is back. */
static void go_two_ways(struct two_ways *w, struct restore *r)
{
    CLEANUP(buf_clear) struct buf older = { 0 };
    ca_close(&a.ca);
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(file_read(dir, SCHEMA_FILE, 1 << 24, &older));
    authority_restart(&a);
    assert_ok(ledger_size(&a.ca.db, &w->shared));
    certify("paulo", 2);
    certify("ana", 3);
    assert_ok(head_sign(&a.ca));
    save();
    put_older_ledger_back(buf_span(&older));
    certify("rui", 4);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&w->early, head_newest(&a.ca)));
    certify("nuno", 5);
    certify("ze", 2);
    certify("lia", 3);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&w->late, head_newest(&a.ca)));
    bring_back();
    assert_ok(restore_start(r, &restored));
}

static void a_longer_ledger_with_other_leaves_is_a_fork_from_where_they_part(void **state)
{
    (void)state;
    CLEANUP(two_ways_clear) struct two_ways ways = { 0 };
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct restore_sum sum;
    struct fates fates;
    go_two_ways(&ways, &r);
    see_ledger(&r);
    assert_true(r.seen.size > r.facts.size);
    assert_true(r.forked);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), ways.shared);
    /* Whoever has seen the other one is told what he lost, and there is no alarm. */
    assert_ok(stopped_on_head(&restored, buf_span(&ways.early)));
    assert_ok(stopped_on_head(&restored, buf_span(&ways.late)));
    assert_false(stopped_is(&restored));
}

/* ... and only its head was left: nobody could know, until somebody comes with a shorter one. */
static void what_the_head_of_a_fork_hid_comes_out_and_is_mended_by_the_next_restore(void **state)
{
    (void)state;
    CLEANUP(two_ways_clear) struct two_ways ways = { 0 };
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct restore_sum sum;
    struct fates fates;
    go_two_ways(&ways, &r);
    assert_ok(restore_see_head(&r, buf_span(&ways.late)));
    assert_false(r.forked);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), ways.shared + 2);
    assert_ok(stopped_on_head(&restored, buf_span(&ways.early)));
    assert_true(stopped_is(&restored));
    assert_ok(restore_start(&r, &restored));
    assert_true(r.forked);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), 0);
    assert_ok(stopped_on_head(&restored, buf_span(&ways.early)));
    assert_false(stopped_is(&restored));
}

static void an_epoch_that_was_opened_twice_is_a_fork_and_the_lower_base_counts(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct restore_sum sum;
    struct fates fates;
    bring_back();
    const uint64_t first = restored.head.epoch, base = restored.head.size;
    open_epoch(first + 60, base);
    struct ledger_head head = { .epoch = first + 60, .base = base - 1, .size = base + 50 };
    sign_head(&head, &bytes);
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&bytes)));
    assert_true(r.forked);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), base - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESTORE_TEST(a_head_of_a_longer_ledger_is_believed_if_it_is_signed),
        RESTORE_TEST(a_later_epoch_is_ahead_whatever_its_size),
        RESTORE_TEST(a_ledger_of_the_same_size_with_other_leaves_is_a_fork),
        RESTORE_TEST(a_fork_before_the_base_is_seen_and_the_next_base_is_below_it),
        RESTORE_TEST(a_longer_ledger_with_other_leaves_is_a_fork_from_where_they_part),
        RESTORE_TEST(what_the_head_of_a_fork_hid_comes_out_and_is_mended_by_the_next_restore),
        RESTORE_TEST(an_epoch_that_was_opened_twice_is_a_fork_and_the_lower_base_counts),
    };
    return cmocka_run_group_tests(tests, restore_scene_libraries, NULL);
}
