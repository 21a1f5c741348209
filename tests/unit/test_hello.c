/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "wire/client_hello.h"
#include "wire/server_auth.h"
#include "wire/server_hello.h"

static const uint8_t bytes[LIMIT_DH_MAX + 1] = { 0xff };

static struct server_hello good_hello(void)
{
    return (struct server_hello) { .p = span_of(bytes, 256), .g = span_of(bytes, 1) };
}

static void a_version_we_do_not_speak_is_told_apart_from_bad_input(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct server_hello hello = good_hello();
    assert_ok(server_hello_encode(&hello, &b));
    for (int bit = 0; bit < 16; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        b.p[40] ^= 1; /* whatever else a later version changes */
        assert_err(server_hello_decode(buf_span(&b), &hello), MLT_ERR_VERSION);
        b.p[40] ^= 1;
        b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_ok(server_hello_decode(buf_span(&b), &hello));
}

static void a_prime_of_another_size_is_refused_both_ways(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 64, 255, 513 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(buf_clear) struct buf out = { 0 };
        struct server_hello hello = good_hello();
        hello.p = span_of(bytes, sizes[i]);
        assert_err(server_hello_encode(&hello, &out), MLT_ERR_RANGE);

        CLEANUP(buf_clear) struct buf raw = { 0 };
        struct wire_out w = wire_out(&raw);
        wire_put_u16(&w, WIRE_VERSION);
        wire_put_bytes(&w, span_of(bytes, SERVER_HELLO_RANDOM));
        wire_put_vec16(&w, span_of(bytes, sizes[i]), 0, sizeof(bytes));
        wire_put_vec16(&w, span_of(bytes, 1), 1, 1);
        wire_put_u16(&w, 0);
        assert_ok(wire_out_end(&w));
        assert_err(server_hello_decode(buf_span(&raw), &hello), MLT_ERR_RANGE);
    }
}

static void a_generator_of_two_bytes_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf out = { 0 };
    struct server_hello hello = good_hello();
    hello.g = span_of(bytes, 2);
    assert_err(server_hello_encode(&hello, &out), MLT_ERR_RANGE);
    hello.g = span_of(bytes, 0);
    assert_err(server_hello_encode(&hello, &out), MLT_ERR_RANGE);
}

static void a_client_value_of_another_length_than_the_prime_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct client_hello hello = { .dh_public = span_of(bytes, 384) };
    assert_ok(client_hello_encode(&hello, &b));
    assert_ok(client_hello_decode(buf_span(&b), 384, &hello));
    assert_err(client_hello_decode(buf_span(&b), 256, &hello), MLT_ERR_RANGE);
    assert_err(client_hello_decode(buf_span(&b), 383, &hello), MLT_ERR_RANGE);
    assert_err(client_hello_decode(buf_span(&b), 512, &hello), MLT_ERR_RANGE);
}

static void a_server_value_of_another_length_than_the_prime_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct server_auth_frame frame;
    struct wire_out w = wire_out(&b);
    wire_put_vec16(&w, span_of(bytes, 256), 0, 512);
    wire_put_bytes(&w, span_str("sealed"));
    assert_ok(wire_out_end(&w));
    assert_ok(server_auth_frame_decode(buf_span(&b), 256, &frame));
    assert_span_equal(frame.dh_field, span_of(b.p, 258));
    assert_span_equal(frame.sealed, span_str("sealed"));
    assert_err(server_auth_frame_decode(buf_span(&b), 384, &frame), MLT_ERR_RANGE);
    assert_err(server_auth_frame_decode(span_of(b.p, 200), 256, &frame), MLT_ERR_TRUNCATED);
}

static enum mlt_err read_list(const uint8_t *list, size_t n)
{
    struct wire_in in = wire_in(span_of(list, n));
    struct typed_list got;
    typed_list_get(&in, &got);
    return wire_in_end(&in);
}

static void list_types_rise_strictly(void **state)
{
    (void)state;
    static const uint8_t rising[] = { 0, 8, 0, 0, 0, 0, 0, 1, 0, 0 };
    static const uint8_t equal[] = { 0, 8, 0, 1, 0, 0, 0, 1, 0, 0 };
    static const uint8_t falling[] = { 0, 8, 1, 0, 0, 0, 0, 255, 0, 0 };
    assert_ok(read_list(rising, sizeof(rising)));
    assert_err(read_list(equal, sizeof(equal)), MLT_ERR_RANGE);
    assert_err(read_list(falling, sizeof(falling)), MLT_ERR_RANGE);
}

static void entries_end_where_the_list_ends(void **state)
{
    (void)state;
    static const uint8_t beyond[] = { 0, 5, 0, 1, 0, 2, 9, 9 };
    static const uint8_t short_header[] = { 0, 3, 0, 1, 0 };
    static const uint8_t too_long[LIMIT_TYPED_LIST + 3] = { 0x10, 0x01 };
    assert_err(read_list(beyond, sizeof(beyond)), MLT_ERR_TRUNCATED);
    assert_err(read_list(short_header, sizeof(short_header)), MLT_ERR_TRUNCATED);
    assert_err(read_list(too_long, sizeof(too_long)), MLT_ERR_RANGE);
}

static void entries_come_out_in_order(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf entries = { 0 };
    const struct typed_entry first = { 3, span_str("three") };
    const struct typed_entry second = { 9, { 0 } };
    struct typed_entry entry;
    assert_ok(typed_list_add(&entries, &first));
    assert_ok(typed_list_add(&entries, &second));
    struct typed_list list = { buf_span(&entries) };
    assert_true(typed_list_next(&list, &entry));
    assert_int_equal(entry.type, 3);
    assert_span_equal(entry.value, first.value);
    assert_true(typed_list_next(&list, &entry));
    assert_int_equal(entry.type, 9);
    assert_false(typed_list_next(&list, &entry));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_we_do_not_speak_is_told_apart_from_bad_input),
        cmocka_unit_test(a_prime_of_another_size_is_refused_both_ways),
        cmocka_unit_test(a_generator_of_two_bytes_is_refused),
        cmocka_unit_test(a_client_value_of_another_length_than_the_prime_is_refused),
        cmocka_unit_test(a_server_value_of_another_length_than_the_prime_is_refused),
        cmocka_unit_test(list_types_rise_strictly),
        cmocka_unit_test(entries_end_where_the_list_ends),
        cmocka_unit_test(entries_come_out_in_order),
    };
    return cmocka_run_group_tests_name("hello", tests, NULL, NULL);
}
