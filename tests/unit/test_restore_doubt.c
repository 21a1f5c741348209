/* SPDX-License-Identifier: Apache-2.0 */
#include "restore_scene.h"

#include "ca/backup.h"
#include "ca/crl_keep.h"
#include "ca/epochs.h"

/* What a restore leaves in doubt, and what is known of what was lost. */

static enum mlt_err keep_last(void *ctx, const struct epoch *e)
{
    *(struct epoch *)ctx = *e;
    return MLT_OK;
}

static struct epoch accept_and_look(struct restore *r)
{
    struct restore_sum sum;
    struct fates fates;
    struct epoch last = { 0 };
    const struct epoch_visit visit = { keep_last, &last };
    accept_loss(r, &sum, &fates);
    assert_ok(epochs_each(&restored.db, &visit));
    assert_int_equal(last.until_s, sum.epoch);
    return last;
}

static void take_list(struct buf *der)
{
    uint64_t number = 0;
    buf_reset(der);
    assert_ok(crl_keep_der(&a.ca.db, &number, der));
}

/* A restore of before, by a list of that number; 0: by none. */
static void open_here(uint64_t crl)
{
    const struct ledger_opening blind = { .epoch = a.ca.head.epoch + 10,
                                          .base = a.ca.head.size,
                                          .crl = crl };
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, ledger_open_epoch(&a.ca.db, &blind)));
    assert_ok(crl_keep_skip_to(&a.ca.db, blind.epoch));
    authority_restart(&a);
    assert_ok(crl_keep_tend(&a.ca));
    assert_ok(head_sign(&a.ca));
}

static void of_a_ledger_that_was_read_nothing_is_in_doubt(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    certify("paulo", 2);
    assert_ok(head_sign(&a.ca));
    CLEANUP(buf_clear) struct buf head = { 0 };
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&head)));
    see_ledger(&r);
    const uint64_t size = r.facts.size;
    const struct epoch e = accept_and_look(&r);
    assert_true(e.whole);
    assert_int_equal(e.size, size);
}

/* An older copy that somebody put into place: it is there, and says little. */
static void a_ledger_that_ends_before_what_was_seen_leaves_doubt(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf head = { 0 };
    certify("paulo", 2);
    const struct ledger_head beyond = { .epoch = a.ca.head.epoch, .size = a.ca.head.size + 9 };
    sign_head(&beyond, &head);
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&head)));
    see_ledger(&r);
    const struct epoch e = accept_and_look(&r);
    assert_false(e.whole);
    assert_false(e.has_crl);
}

static void the_doubt_of_the_ledger_that_was_read_is_taken_over(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct ledger_opening blind = { .epoch = a.ca.head.epoch + 10, .base = a.ca.head.size };
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, ledger_open_epoch(&a.ca.db, &blind)));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    see_ledger(&r);
    const struct epoch e = accept_and_look(&r);
    assert_false(e.whole);
    assert_false(e.has_crl);
}

static void only_a_list_no_older_than_the_backup_is_a_witness(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf older = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    take_list(&older);
    revoke_user("joao");
    save();
    revoke_user("maria");
    take_list(&der);
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_crl(&r, buf_span(&older)));
    struct epoch e = accept_and_look(&r);
    assert_false(e.whole || e.has_crl);
    assert_ok(restore_start(&r, &restored));
    e = accept_and_look(&r); /* none at all */
    assert_false(e.whole || e.has_crl);
    restore_clear(&r);
}

static void a_newer_list_is_a_witness_and_no_epoch_is_before_it(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    int64_t saved_ms = a.now_ms;
    a.now_ms += 7200 * 1000;
    revoke_user("maria");
    take_list(&der);
    a.now_ms = saved_ms; /* a machine whose clock is late */
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_crl(&r, buf_span(&der)));
    const int64_t signed_s = r.crl.this_update_s;
    assert_true(signed_s >= saved_ms / 1000 + 7200);
    const struct restore_sink sink = { count_fate, &(struct fates) { 0 } };
    struct restore_sum sum;
    assert_ok(restore_accept_loss(&r, &sink, &sum));
    struct epoch last = { 0 };
    const struct epoch_visit visit = { keep_last, &last };
    assert_ok(epochs_each(&restored.db, &visit));
    assert_false(last.whole);
    assert_true(last.has_crl);
    assert_int_equal(last.until_s, signed_s);
}

/* It was blind to what it lost, and its own ledger.db is gone as well. */
static void of_an_epoch_of_which_only_a_head_is_left_no_list_is_a_witness(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf head = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    open_here(0);
    take_list(&der);
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&head)));
    assert_ok(restore_see_crl(&r, buf_span(&der)));
    const struct epoch e = accept_and_look(&r);
    assert_false(e.whole);
    assert_false(e.has_crl);
}

/* Who restores twice has lost no more than who restores once. */
static void the_witness_of_the_ledger_that_was_read_is_one_still(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    take_list(&der); /* net has met no ca since */
    open_here(5);
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_crl(&r, buf_span(&der)));
    see_ledger(&r);
    const struct epoch e = accept_and_look(&r);
    assert_false(e.whole);
    assert_true(e.has_crl);
}

static void no_epoch_is_before_a_head_that_was_seen(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf head = { 0 };
    int64_t saved_ms = a.now_ms;
    a.now_ms += 7200 * 1000;
    certify("paulo", 2);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    a.now_ms = saved_ms; /* a machine whose clock is late */
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&head)));
    const struct restore_sink sink = { count_fate, &(struct fates) { 0 } };
    struct restore_sum sum;
    assert_ok(restore_accept_loss(&r, &sink, &sum));
    assert_in_range(sum.epoch, saved_ms / 1000 + 7200, saved_ms / 1000 + 7260);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESTORE_TEST(of_a_ledger_that_was_read_nothing_is_in_doubt),
        RESTORE_TEST(a_ledger_that_ends_before_what_was_seen_leaves_doubt),
        RESTORE_TEST(the_doubt_of_the_ledger_that_was_read_is_taken_over),
        RESTORE_TEST(only_a_list_no_older_than_the_backup_is_a_witness),
        RESTORE_TEST(a_newer_list_is_a_witness_and_no_epoch_is_before_it),
        RESTORE_TEST(of_an_epoch_of_which_only_a_head_is_left_no_list_is_a_witness),
        RESTORE_TEST(the_witness_of_the_ledger_that_was_read_is_one_still),
        RESTORE_TEST(no_epoch_is_before_a_head_that_was_seen),
    };
    return cmocka_run_group_tests(tests, restore_scene_libraries, NULL);
}
