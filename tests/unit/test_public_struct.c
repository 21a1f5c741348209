/* SPDX-License-Identifier: Apache-2.0 */
#include "client/public.h"
#include "test_base.h"

/* A structure that has grown since its first version, and hosts that were built before and after.
 */

struct first {
    size_t size;
    int old;
};

struct ours {
    size_t size;
    int old;
    int64_t added;
};

struct later {
    size_t size;
    int old;
    int64_t added;
    int64_t unheard_of;
};

static const size_t first_size = PUBLIC_UP_TO(struct ours, old);

static void an_older_host_leaves_new_fields_zero(void **state)
{
    (void)state;
    const struct {
        struct first is;
        int64_t beyond;
    } theirs = { { sizeof(theirs.is), 7 }, 9 };
    struct ours ours = { 1, 2, 3 };
    assert_ok(public_take(&theirs, first_size, &ours, sizeof(ours)));
    assert_int_equal(ours.old, 7);
    assert_int_equal(ours.added, 0);
}

static void an_older_host_gets_what_it_has_room_for(void **state)
{
    (void)state;
    const struct ours ours = { sizeof(ours), 7, 8 };
    struct {
        struct first is;
        int64_t beyond;
    } theirs = { { sizeof(theirs.is), 1 }, 2 };
    assert_ok(public_give(&ours, sizeof(ours), first_size, &theirs));
    assert_int_equal(theirs.is.size, sizeof(theirs.is));
    assert_int_equal(theirs.is.old, 7);
    assert_int_equal(theirs.beyond, 2);
}

static void what_a_newer_host_adds_is_left_alone(void **state)
{
    (void)state;
    struct later theirs = { sizeof(theirs), 7, 8, 9 };
    struct ours ours = { 0 };
    assert_ok(public_take(&theirs, first_size, &ours, sizeof(ours)));
    assert_int_equal(ours.old, 7);
    assert_int_equal(ours.added, 8);
    ours.added = 10;
    assert_ok(public_give(&ours, sizeof(ours), first_size, &theirs));
    assert_int_equal(theirs.size, sizeof(theirs));
    assert_int_equal(theirs.added, 10);
    assert_int_equal(theirs.unheard_of, 9);
}

static void less_than_the_first_version_is_refused(void **state)
{
    (void)state;
    struct ours theirs = { 0, 7, 8 };
    struct ours ours = { 1, 2, 3 };
    for (; theirs.size < first_size; theirs.size++) {
        assert_err(public_take(&theirs, first_size, &ours, sizeof(ours)), MLT_ERR_USAGE);
        assert_err(public_give(&ours, sizeof(ours), first_size, &theirs), MLT_ERR_USAGE);
    }
    assert_int_equal(ours.old, 2);
    assert_int_equal(theirs.old, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_host_leaves_new_fields_zero),
        cmocka_unit_test(an_older_host_gets_what_it_has_room_for),
        cmocka_unit_test(what_a_newer_host_adds_is_left_alone),
        cmocka_unit_test(less_than_the_first_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
