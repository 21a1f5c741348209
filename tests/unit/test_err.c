/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>

#include "base/err.h"

static void a_system_error_is_told_in_errnos_words(void **state)
{
    (void)state;
    errno = EACCES;
    assert_string_equal(err_cause(MLT_ERR_SYSTEM), "Permission denied");
    assert_string_equal(err_cause(MLT_ERR_DAMAGED), err_text(MLT_ERR_DAMAGED));
}

static void a_full_disk_is_told_with_what_to_do(void **state)
{
    (void)state;
    errno = ENOSPC;
    assert_string_equal(err_cause(MLT_ERR_SYSTEM), "No space left on device; make room there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_error_is_told_in_errnos_words),
        cmocka_unit_test(a_full_disk_is_told_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
