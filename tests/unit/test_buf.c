/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/buf.h"
#include "base/hex.h"

static void bytes_put_come_out_in_order(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    for (int i = 0; i < 1000; i++)
        assert_ok(buf_put_u8(&b, (uint8_t)i));
    assert_int_equal(b.len, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(b.p[i], i & 255);
}

static void dropping_keeps_the_rest_and_wipes_what_moved(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    assert_ok(buf_put_str(&b, "courier pouch"));
    buf_drop(&b, 8);
    assert_span_equal(buf_span(&b), span_str("pouch"));
    for (size_t i = b.len; i < 13; i++)
        assert_int_equal(b.p[i], 0);
    buf_drop(&b, 99);
    assert_int_equal(b.len, 0);
}

static void cutting_keeps_the_front_and_wipes_the_tail(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    buf_cut(&b, 0);
    assert_ok(buf_put_str(&b, "courier pouch"));
    buf_cut(&b, 99);
    buf_cut(&b, 7);
    assert_span_equal(buf_span(&b), span_str("courier"));
    for (size_t i = b.len; i < 13; i++)
        assert_int_equal(b.p[i], 0);
}

static void reset_wipes_the_content(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    assert_ok(buf_put_str(&b, "secret"));
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.p[0], 0);
}

static void an_impossible_size_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    assert_err(buf_reserve(&b, SIZE_MAX), MLT_ERR_NOMEM);
    assert_ok(buf_put_str(&b, "x"));
    assert_err(buf_reserve(&b, SIZE_MAX - 1), MLT_ERR_NOMEM);
    assert_int_equal(b.len, 1);
}

static void text_is_terminated_outside_its_length(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    const char *text = NULL;
    assert_ok(buf_put_format(&b, "%s-%d", "mail", 7));
    assert_ok(buf_text(&b, &text));
    assert_string_equal(text, "mail-7");
    assert_int_equal(b.len, 6);
}

static void hex_goes_round(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 0x00, 0xff, 0x1a };
    char text[7];
    hex_encode(SPAN_OF(bytes), text);
    assert_string_equal(text, "00ff1a");
    uint8_t back[3];
    assert_ok(hex_decode(span_str(text), back, 3));
    assert_memory_equal(back, bytes, 3);
}

static void hex_has_one_form_per_value(void **state)
{
    (void)state;
    uint8_t out[2];
    static const char *const bad[] = { "00FF", "00f", "00fff", "00fg", " 0ff", "0x0f", "" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_err(hex_decode(span_str(bad[i]), out, 2), MLT_ERR_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_put_come_out_in_order),
        cmocka_unit_test(dropping_keeps_the_rest_and_wipes_what_moved),
        cmocka_unit_test(cutting_keeps_the_front_and_wipes_the_tail),
        cmocka_unit_test(reset_wipes_the_content),
        cmocka_unit_test(an_impossible_size_is_refused),
        cmocka_unit_test(text_is_terminated_outside_its_length),
        cmocka_unit_test(hex_goes_round),
        cmocka_unit_test(hex_has_one_form_per_value),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
