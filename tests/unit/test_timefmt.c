/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/timefmt.h"

static void times_are_written_as_rfc3339(void **state)
{
    (void)state;
    char text[TIMEFMT_RFC3339];
    timefmt_rfc3339(1763823334000, text);
    assert_string_equal(text, "2025-11-22T14:55:34Z");
    timefmt_rfc3339(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    timefmt_rfc3339(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    timefmt_rfc3339(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = { { "7d", 604800 }, { "24h", 86400 }, { "30m", 1800 }, { "90s", 90 }, { "5", 5 } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t seconds = 0;
        assert_ok(timefmt_duration(rows[i].text, &seconds));
        assert_int_equal(seconds, rows[i].seconds);
    }
}

static void bad_durations_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",    "d",   "0",   "-1d",   "1w",
                                       "1d ", " 1d", "1dd", "3651d", "99999999999999999999d" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t seconds = 42;
        assert_err(timefmt_duration(bad[i], &seconds), MLT_ERR_USAGE);
        assert_int_equal(seconds, 42);
    }
}

static void relative_times_use_the_largest_unit(void **state)
{
    (void)state;
    char text[TIMEFMT_RELATIVE];
    timefmt_relative(3 * 86400000, 0, text);
    assert_string_equal(text, "in 3 days");
    timefmt_relative(0, 7200000, text);
    assert_string_equal(text, "2 hours ago");
    timefmt_relative(5000, 5900, text);
    assert_string_equal(text, "now");
    timefmt_relative(1000, 0, text);
    assert_string_equal(text, "in 1 second");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_as_rfc3339),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(bad_durations_are_refused),
        cmocka_unit_test(relative_times_use_the_largest_unit),
    };
    return cmocka_run_group_tests_name("timefmt", tests, NULL, NULL);
}
