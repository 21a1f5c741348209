/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"

/* What one call writes to stderr. */
static size_t logged(const char *text, char *out, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int kept = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_error("peer said %s", text);
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t n = read(ends[0], out, size - 1);
    close(ends[0]);
    assert_true(n > 0);
    out[n] = '\0';
    return (size_t)n;
}

/* Row 36 of the attack list. */
static void whatever_a_peer_says_stays_one_printable_line(void **state)
{
    (void)state;
    char line[2 * LIMIT_LOG_LINE];
    size_t n = logged("a\nerror: forged\x1b[31m\r%n \xc3\xa9 b\\x0a", line, sizeof(line));
    assert_non_null(
        strstr(line, "peer said a\\x0aerror: forged\\x1b[31m\\x0d%n \\xc3\\xa9 b\\x5cx0a"));
    for (size_t i = 0; i + 1 < n; i++)
        assert_true(line[i] >= 0x20 && line[i] < 0x7f);
    assert_int_equal(line[n - 1], '\n');
}

static void a_line_is_bounded(void **state)
{
    (void)state;
    static char huge[1 << 20];
    for (size_t i = 0; i + 1 < sizeof(huge); i++)
        huge[i] = i % 2 ? 'x' : '\n';
    char line[2 * LIMIT_LOG_LINE];
    size_t n = logged(huge, line, sizeof(line));
    assert_true(n <= LIMIT_LOG_LINE);
    assert_int_equal(line[n - 1], '\n');
}

/* A pipe nobody reads: the relay behind it goes on, and says later what it swallowed. */
static void a_reader_who_stopped_stops_nobody(void **state)
{
    (void)state;
    int ends[2];
    static char some[1 << 20];
    assert_int_equal(pipe(ends), 0);
    int kept = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    for (int i = 0; i < 5000; i++)
        log_error("line %d, and a good deal of text that fills the pipe before long", i);
    ssize_t n = read(ends[0], some, sizeof(some));
    log_error("after the pause");
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    assert_true(n > 0);
    n = read(ends[0], some, sizeof(some) - 1);
    assert_true(n > 0);
    some[n] = '\0';
    assert_non_null(strstr(some, "log lines were lost here)\n"));
    assert_non_null(strstr(some, "after the pause"));
    close(kept);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_a_peer_says_stays_one_printable_line),
        cmocka_unit_test(a_line_is_bounded),
        cmocka_unit_test(a_reader_who_stopped_stops_nobody),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
