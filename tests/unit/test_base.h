/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_TEST_BASE_H
#define MALOTE_TESTS_UNIT_TEST_BASE_H

/* What every unit program includes: cmocka's prerequisites, in the order it wants them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/span.h"

/* Sanitizers keep what was freed, and take their time: memory then says little. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#define assert_ok(expr)          assert_string_equal(err_name(expr), "MLT_OK")
#define assert_err(expr, wanted) assert_string_equal(err_name(expr), err_name(wanted))

#define assert_span_equal(a, b)                                                                    \
    do {                                                                                           \
        struct span left_ = (a), right_ = (b);                                                     \
        assert_int_equal(left_.n, right_.n);                                                       \
        if (left_.n > 0)                                                                           \
            assert_memory_equal(left_.p, right_.p, left_.n);                                       \
    } while (0)

#endif
