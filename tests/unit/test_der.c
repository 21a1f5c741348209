/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/hex.h"
#include "base/limits.h"
#include "pki/der.h"

/* Bytes from hex, into `out`. */
static struct span bytes(const char *hex, uint8_t out[static 64])
{
    size_t n = strlen(hex) / 2;
    assert_ok(hex_decode(span_str(hex), out, n));
    return span_of(out, n);
}

static void lengths_are_written_and_read_in_their_shortest_form(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        const char *header;
    } all[] = {
        { 0, "0400" },
        { 1, "0401" },
        { 127, "047f" },
        { 128, "048180" },
        { 255, "0481ff" },
        { 256, "04820100" },
        { 65535, "0482ffff" },
        { 65536, "0483010000" },
        { 16777215, "0483ffffff" },
        { 16777216, "048401000000" },
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        CLEANUP(buf_clear) struct buf content = { 0 };
        CLEANUP(buf_clear) struct buf out = { 0 };
        uint8_t *at = NULL;
        uint8_t wanted[64];
        const struct span header = bytes(all[i].header, wanted);
        assert_ok(buf_extend(&content, all[i].n, &at));
        assert_ok(der_put(&out, DER_OCTETS, buf_span(&content)));
        assert_int_equal(out.len, header.n + all[i].n);
        assert_memory_equal(out.p, header.p, header.n);
        assert_ok(der_check(buf_span(&out)));
        struct span rest = buf_span(&out), got;
        assert_true(der_take(&rest, DER_OCTETS, &got));
        assert_int_equal(got.n, all[i].n);
        assert_int_equal(rest.n, 0);
    }
}

static void every_other_form_of_a_length_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "04",
        "04810155",
        "0481",
        "048100",
        "04817f",
        "0482007f",
        "04820080",
        "0480",
        "0480000000",
        "04ff",
        "0401",
        "048501000000",
        "1f0100",
        "3f8100",
        "3081",
        "300205",
        "30020500ff",
        "3003050000",
        "3080050000",
        "308000000500",
        "0484ffffffff",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint8_t room[64];
        assert_err(der_check(bytes(bad[i], room)), MLT_ERR_ENCODING);
    }
    uint8_t room[64];
    assert_ok(der_check(bytes("30020500", room)));
    assert_ok(der_check(bytes("3000", room)));
    assert_ok(der_check(bytes("300430020500", room)));
    /* What is primitive is not looked into. */
    assert_ok(der_check(bytes("0402ffff", room)));
}

static void nesting_has_its_bound(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(buf_put(&der, span_of("\x05\x00", 2)));
    for (unsigned depth = 1; depth <= LIMIT_DER_DEPTH + 2; depth++) {
        CLEANUP(buf_clear) struct buf around = { 0 };
        assert_ok(der_put(&around, DER_SEQUENCE, buf_span(&der)));
        buf_reset(&der);
        assert_ok(buf_put(&der, buf_span(&around)));
        assert_err(der_check(buf_span(&der)), depth <= LIMIT_DER_DEPTH ? MLT_OK : MLT_ERR_ENCODING);
    }
}

static void an_element_of_another_tag_is_left_where_it_is(void **state)
{
    (void)state;
    uint8_t room[64];
    struct span rest = bytes("02010530020500", room), got = { 0 };
    assert_false(der_take(&rest, DER_SEQUENCE, &got));
    assert_int_equal(rest.n, 7);
    assert_true(der_take(&rest, DER_INTEGER, &got));
    assert_int_equal(got.p[0], 5);
    assert_true(der_take_whole(&rest, DER_SEQUENCE, &got));
    assert_int_equal(got.n, 4);
    assert_false(der_take(&rest, DER_INTEGER, &got));
}

static void numbers_are_positive_and_in_their_shortest_form(void **state)
{
    (void)state;
    static const char *const good[] = { "020101",   "02017f",       "02020080",      "020200ff",
                                        "02020100", "02047fffffff", "020500ffffffff" };
    static const char *const bad[] = { "0200",     "020100",          "020180",   "0201ff",
                                       "02020001", "0202007f",        "020300ff", "0205ffffffffff",
                                       "0a0101",   "020600ffffffffff" };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        CLEANUP(buf_clear) struct buf again = { 0 };
        uint8_t room[64];
        uint8_t number[4];
        const struct span whole = bytes(good[i], room);
        struct span rest = whole;
        assert_true(der_take_number(&rest, number, sizeof(number)));
        assert_int_equal(rest.n, 0);
        assert_ok(der_put_number(&again, SPAN_OF(number)));
        assert_span_equal(buf_span(&again), whole);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint8_t room[64];
        uint8_t number[4] = { 9, 9, 9, 9 };
        struct span rest = bytes(bad[i], room);
        const size_t before = rest.n;
        assert_false(der_take_number(&rest, number, sizeof(number)));
        assert_int_equal(rest.n, before);
        assert_int_equal(number[0], 9);
    }
}

static void times_come_back_or_are_not_taken(void **state)
{
    (void)state;
    static const int64_t times[] = { 0,          1,          951782400,  1709164799,  1795000000,
                                     2524607999, 2524608000, 4102444800, 253402300799 };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        CLEANUP(buf_clear) struct buf out = { 0 };
        int64_t got = -1;
        assert_ok(der_put_time(&out, times[i]));
        assert_int_equal(out.p[0], times[i] < 2524608000 ? DER_UTC_TIME : DER_TIME);
        struct span rest = buf_span(&out);
        assert_true(der_take_time(&rest, &got));
        assert_int_equal(got, times[i]);
    }
    static const char *const bad[] = {
        "",
        "2611181106Z",
        "261118110640",
        "261118110640z",
        "261118110640+0100",
        "2611 8110640Z",
        "26111811064Z",
        "20261118110640Z",
        "261118110640.5Z",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        int64_t got = -1;
        assert_ok(der_put(&der, DER_UTC_TIME, span_str(bad[i])));
        struct span rest = buf_span(&der);
        assert_false(der_take_time(&rest, &got));
        assert_int_equal(rest.n, der.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_written_and_read_in_their_shortest_form),
        cmocka_unit_test(every_other_form_of_a_length_is_refused),
        cmocka_unit_test(nesting_has_its_bound),
        cmocka_unit_test(an_element_of_another_tag_is_left_where_it_is),
        cmocka_unit_test(numbers_are_positive_and_in_their_shortest_form),
        cmocka_unit_test(times_come_back_or_are_not_taken),
    };
    return cmocka_run_group_tests_name("der", tests, NULL, NULL);
}
