/* SPDX-License-Identifier: Apache-2.0 */
#include "restore_scene.h"

#include <string.h>

#include "base/limits.h"
#include "ca/backup.h"
#include "ca/crl_keep.h"
#include "ca/epochs.h"
#include "ca/stopped.h"

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
    assert_int_equal(last.until_s, sum.epoch + (last.whole ? 0 : 1 + LIMIT_CLOCK_SLACK_S));
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
    assert_int_equal(last.until_s, signed_s + 1 + LIMIT_CLOCK_SLACK_S);
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

/* The machine was put back as it was, its net/ too, and a client has seen what came after. */
static struct epoch put_all_back(bool net_was_there)
{
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf before = { 0 };
    CLEANUP(buf_clear) struct buf after = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(buf_put(&before, head_newest(&a.ca)));
    take_list(&der);
    certify("paulo", 2);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&after, head_newest(&a.ca)));
    bring_back();
    assert_ok(stopped_on_head(&restored, buf_span(&after)));
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(net_was_there ? &after : &before)));
    assert_ok(restore_see_crl(&r, buf_span(&der)));
    return accept_and_look(&r);
}

static void a_list_is_no_witness_of_what_is_beyond_the_head_that_net_keeps(void **state)
{
    (void)state;
    const struct epoch e = put_all_back(false);
    assert_false(e.whole || e.has_crl);
}

static void a_list_is_a_witness_of_all_that_net_has_a_head_of(void **state)
{
    (void)state;
    const struct epoch e = put_all_back(true);
    assert_false(e.whole);
    assert_true(e.has_crl);
}

/* Two ledgers of one epoch: of which of them net has the list nobody can tell. */
static void no_list_is_a_witness_where_a_client_came_with_another_ledger(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf other = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct ledger_head head = { .epoch = a.ca.head.epoch, .size = a.ca.head.size };
    memset(head.root, 7, sizeof(head.root));
    sign_head(&head, &other);
    take_list(&der);
    bring_back();
    assert_ok(stopped_on_head(&restored, buf_span(&other)));
    assert_ok(restore_start(&r, &restored));
    assert_true(r.forked);
    assert_ok(restore_see_head(&r, head_newest(&restored)));
    assert_ok(restore_see_crl(&r, buf_span(&der)));
    const struct epoch e = accept_and_look(&r);
    assert_false(e.whole || e.has_crl);
}

/* ---- nothing was there ---- */

/* The one that goes on by now grew from a restore that nothing was held against. */
static uint64_t restore_unseen(void)
{
    CLEANUP(restore_clear) struct restore r = { 0 };
    assert_ok(restore_start(&r, &a.ca));
    assert_true(restore_has_no_witness(&r));
    assert_ok(restore_note_unseen(&r));
    r.ca = NULL; /* it is the one that is seen next, and in its own directory */
    return r.facts.size;
}

static void what_grew_from_a_restore_without_a_witness_is_none(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct restore_sum sum;
    struct fates fates;
    struct epoch last = { 0 };
    const struct epoch_visit visit = { keep_last, &last };
    const uint64_t size = restore_unseen();
    certify("paulo", 2);
    assert_ok(head_sign(&a.ca));
    CLEANUP(buf_clear) struct buf head = { 0 };
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    take_list(&der);
    save();
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&head)));
    assert_ok(restore_see_crl(&r, buf_span(&der)));
    see_ledger(&r);
    assert_false(is_behind(&r));
    accept_loss(&r, &sum, &fates);
    assert_false(sum.listed);
    assert_int_equal(base_now(), size);
    assert_ok(epochs_each(&restored.db, &visit));
    assert_false(last.whole || last.has_crl);
    /* The epoch says so from now on. */
    assert_ok(restore_start(&r, &restored));
    assert_false(r.unseen);
}

static void it_counts_for_as_long_as_a_certificate_of_then_may_be_used(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    (void)restore_unseen();
    a.now_ms += ((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S - 1) * 1000;
    save();
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_true(r.unseen);
    a.now_ms += 1000;
    assert_ok(restore_start(&r, &restored));
    assert_false(r.unseen);
    assert_int_equal(r.common, r.facts.size);
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
        RESTORE_TEST(a_list_is_no_witness_of_what_is_beyond_the_head_that_net_keeps),
        RESTORE_TEST(a_list_is_a_witness_of_all_that_net_has_a_head_of),
        RESTORE_TEST(no_list_is_a_witness_where_a_client_came_with_another_ledger),
        RESTORE_TEST(what_grew_from_a_restore_without_a_witness_is_none),
        RESTORE_TEST(it_counts_for_as_long_as_a_certificate_of_then_may_be_used),
        RESTORE_TEST(the_witness_of_the_ledger_that_was_read_is_one_still),
        RESTORE_TEST(no_epoch_is_before_a_head_that_was_seen),
    };
    return cmocka_run_group_tests(tests, restore_scene_libraries, NULL);
}
