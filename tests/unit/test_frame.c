/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "wire/frame.h"

static void a_frame_is_complete_with_its_last_byte(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    assert_ok(frame_put_header(&b, FRAME_ALERT, 1));
    assert_ok(buf_put_u8(&b, 7));
    struct frame frame;
    bool complete = true;
    for (size_t n = 0; n < b.len; n++) {
        assert_ok(frame_decode(span_of(b.p, n), &frame, &complete));
        assert_false(complete);
    }
    assert_ok(buf_put_u8(&b, 99)); /* the next frame's first byte is not ours to judge */
    assert_ok(frame_decode(buf_span(&b), &frame, &complete));
    assert_true(complete);
    assert_int_equal(frame.type, FRAME_ALERT);
    assert_int_equal(frame.size, 5);
    assert_int_equal(frame.body.p[0], 7);
}

/* Row 18 of the attack list: every length of every type, on the header alone. */
static void every_length_outside_its_bounds_is_refused_before_the_body(void **state)
{
    (void)state;
    static const struct {
        unsigned type, min, max;
    } rows[] = {
#define X(name, type, min, max, from) { type, min, max },
#include "wire/frames.def"
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (unsigned n = 0; n < 1u << 24; n += n < 140000 ? 1 : 65521) {
            uint8_t header[FRAME_HEADER] = { (uint8_t)rows[i].type, (uint8_t)(n >> 16),
                                             (uint8_t)(n >> 8), (uint8_t)n };
            struct frame frame;
            bool complete = true;
            enum mlt_err err = frame_decode(SPAN_OF(header), &frame, &complete);
            bool fits = n >= rows[i].min && n <= rows[i].max;
            if (err != (fits ? MLT_OK : MLT_ERR_RANGE) || complete)
                fail_msg("type %u length %u: %s", rows[i].type, n, err_name(err));
        }
    }
}

static void unknown_types_are_refused_at_their_first_byte(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        uint8_t byte = (uint8_t)type;
        struct frame frame;
        bool complete = true;
        enum mlt_err err = frame_decode(span_of(&byte, 1), &frame, &complete);
        bool known = (type >= 1 && type <= 5) || type == 16;
        assert_int_equal(err, known ? MLT_OK : MLT_ERR_UNEXPECTED);
    }
}

static void we_write_no_frame_we_would_not_read(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    assert_err(frame_put_header(&b, FRAME_ALERT, 34), MLT_ERR_RANGE);
    assert_err(frame_put_header(&b, FRAME_RECORD, 32), MLT_ERR_RANGE);
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_complete_with_its_last_byte),
        cmocka_unit_test(every_length_outside_its_bounds_is_refused_before_the_body),
        cmocka_unit_test(unknown_types_are_refused_at_their_first_byte),
        cmocka_unit_test(we_write_no_frame_we_would_not_read),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
