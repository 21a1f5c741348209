/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "relay/parent_child.h"

/* A pair that is lost `held_ms` after it was made: how long until the next one. */
static int64_t lose(struct child_pairing *pairing, int64_t *now_ms, int64_t held_ms)
{
    *now_ms += held_ms;
    int64_t again_ms = child_pair_again(pairing, *now_ms);
    int64_t pause_ms = again_ms - *now_ms;
    pairing->last_ms = *now_ms = again_ms;
    return pause_ms;
}

static void a_channel_that_is_lost_again_and_again_comes_back_ever_later(void **state)
{
    (void)state;
    struct child_pairing pairing = { 0 };
    int64_t now_ms = 5, before = lose(&pairing, &now_ms, 0);
    assert_true(before > 0 && before < 1000);
    for (int i = 0; i < 4; i++) {
        int64_t pause_ms = lose(&pairing, &now_ms, LIMIT_SYNC_MS);
        assert_int_equal(pause_ms, 2 * before);
        before = pause_ms;
    }
    for (int i = 0; i < 100; i++)
        before = lose(&pairing, &now_ms, LIMIT_RESTART_WINDOW_MS - 1);
    assert_int_equal(before, LIMIT_PAIR_PAUSE_MS);
}

static void after_one_that_lasted_there_is_no_long_pause(void **state)
{
    (void)state;
    struct child_pairing pairing = { 0 };
    int64_t now_ms = 0, first = lose(&pairing, &now_ms, 0);
    for (int i = 0; i < 10; i++)
        assert_true(lose(&pairing, &now_ms, 0) > first);
    assert_int_equal(lose(&pairing, &now_ms, LIMIT_RESTART_WINDOW_MS), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_that_is_lost_again_and_again_comes_back_ever_later),
        cmocka_unit_test(after_one_that_lasted_there_is_no_long_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
