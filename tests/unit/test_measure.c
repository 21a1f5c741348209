/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/measure.h"

static void sizes_are_said_in_the_largest_unit_and_never_rounded_up(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        { 0, "0 bytes" },           { 1, "1 byte" },         { 1023, "1023 bytes" },
        { 1024, "1 KiB" },          { 1536, "1.5 KiB" },     { 2047, "1.9 KiB" },
        { 1048575, "1023.9 KiB" },  { 1073741824, "1 GiB" }, { 1099511627775, "1023.9 GiB" },
        { UINT64_MAX, "15.9 EiB" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[MEASURE_TEXT];
        measure_bytes(rows[i].bytes, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void lengths_of_time_lose_nothing(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        { 0, "0 seconds" },
        { 1, "1 second" },
        { 60, "1 minute" },
        { 90, "90 seconds" },
        { 5400, "90 minutes" },
        { 86400, "1 day" },
        { 129600, "36 hours" },
        { 2592000, "30 days" },
        { INT64_MAX, "9223372036854775807 seconds" },
        { -86400, "-1 days" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[MEASURE_TEXT];
        measure_seconds(rows[i].seconds, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_said_in_the_largest_unit_and_never_rounded_up),
        cmocka_unit_test(lengths_of_time_lose_nothing),
    };
    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
