/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "base/log_rate.h"

static void a_flood_of_one_class_is_counted_not_written(void **state)
{
    (void)state;
    struct log_rate rate = { 0 };
    unsigned written = 0;
    for (int i = 0; i < 1000; i++)
        written += log_rate_take(&rate, 3, 5000 + i / 2);
    assert_int_equal(written, LIMIT_LOG_RATE);
    assert_int_equal(log_rate_held(&rate, 3, 5900), 1000 - LIMIT_LOG_RATE);
    assert_int_equal(log_rate_held(&rate, 3, 6900), 0);
}

static void another_class_is_still_written(void **state)
{
    (void)state;
    struct log_rate rate = { 0 };
    for (int i = 0; i < 100; i++)
        (void)log_rate_take(&rate, 3, 5000);
    assert_true(log_rate_take(&rate, 4, 5000));
    assert_false(log_rate_take(&rate, 3, 5999));
}

static void the_next_second_writes_again(void **state)
{
    (void)state;
    struct log_rate rate = { 0 };
    for (int i = 0; i < 100; i++)
        (void)log_rate_take(&rate, 3, 5000);
    assert_true(log_rate_take(&rate, 3, 6000));
}

static void a_lasting_flood_is_summed_once_a_second(void **state)
{
    (void)state;
    struct log_rate rate = { 0 };
    unsigned sums = 0;
    uint64_t held = 0, written = 0;
    for (int64_t ms = 10000; ms < 20000; ms++) {
        written += log_rate_take(&rate, 3, ms);
        uint64_t more = log_rate_held(&rate, 3, ms);
        held += more;
        sums += more > 0;
    }
    assert_in_range(sums, 9, 10);
    assert_int_equal(written, 10 * LIMIT_LOG_RATE);
    assert_in_range(held + written, 9000, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_one_class_is_counted_not_written),
        cmocka_unit_test(another_class_is_still_written),
        cmocka_unit_test(the_next_second_writes_again),
        cmocka_unit_test(a_lasting_flood_is_summed_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
