/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "wire/cursor.h"

static void what_is_put_is_got(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct wire_out out = wire_out(&b);
    wire_put_u8(&out, 0xab);
    wire_put_u16(&out, 0x1234);
    wire_put_u24(&out, 0x56789a);
    wire_put_u32(&out, 0xdeadbeef);
    wire_put_u64(&out, 0x0123456789abcdef);
    wire_put_vec8(&out, span_str("one"), 0, 255);
    wire_put_vec16(&out, span_str("two"), 3, 3);
    wire_put_vec24(&out, span_str(""), 0, 0);
    assert_ok(wire_out_end(&out));
    struct wire_in in = wire_in(buf_span(&b));
    assert_int_equal(wire_get_u8(&in), 0xab);
    assert_int_equal(wire_get_u16(&in), 0x1234);
    assert_int_equal(wire_get_u24(&in), 0x56789a);
    assert_int_equal(wire_get_u32(&in), 0xdeadbeef);
    assert_true(wire_get_u64(&in) == 0x0123456789abcdef);
    assert_span_equal(wire_get_vec8(&in, 0, 255), span_str("one"));
    assert_span_equal(wire_get_vec16(&in, 1, 10), span_str("two"));
    assert_int_equal(wire_get_vec24(&in, 0, 10).n, 0);
    assert_ok(wire_in_end(&in));
}

static void the_first_error_stays_and_the_rest_reads_zero(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 1, 2, 3 };
    struct wire_in in = wire_in(SPAN_OF(bytes));
    assert_int_equal(wire_get_u32(&in), 0);
    assert_int_equal(wire_get_u8(&in), 0);
    uint8_t array[2] = { 9, 9 };
    wire_get_bytes(&in, array, 2);
    assert_int_equal(array[0] | array[1], 0);
    assert_int_equal(wire_get_vec8(&in, 5, 9).n, 0);
    assert_err(wire_in_end(&in), MLT_ERR_TRUNCATED);
}

static void lengths_outside_their_bounds_are_refused(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 0, 3, 1, 2, 3 };
    struct wire_in longer = wire_in(SPAN_OF(bytes));
    wire_get_vec16(&longer, 0, 2);
    assert_err(wire_in_end(&longer), MLT_ERR_RANGE);
    struct wire_in shorter = wire_in(SPAN_OF(bytes));
    wire_get_vec16(&shorter, 4, 9);
    assert_err(wire_in_end(&shorter), MLT_ERR_RANGE);
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct wire_out out = wire_out(&b);
    wire_put_vec8(&out, span_str("four"), 0, 3);
    assert_err(wire_out_end(&out), MLT_ERR_RANGE);
}

static void a_byte_left_over_is_refused(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 1, 2 };
    struct wire_in in = wire_in(SPAN_OF(bytes));
    wire_get_u8(&in);
    assert_err(wire_in_end(&in), MLT_ERR_TRAILING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_got),
        cmocka_unit_test(the_first_error_stays_and_the_rest_reads_zero),
        cmocka_unit_test(lengths_outside_their_bounds_are_refused),
        cmocka_unit_test(a_byte_left_over_is_refused),
    };
    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
