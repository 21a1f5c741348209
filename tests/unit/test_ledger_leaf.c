/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "pki/ledger_leaf.h"

static struct ledger_leaf some_leaf(void)
{
    struct ledger_leaf leaf = { .kind = LEDGER_CLIENT, .time_s = 0x6b030c69 };
    assert_ok(name_parse(span_str("maria"), &leaf.name));
    memset(leaf.tbs_hash, 0x11, sizeof(leaf.tbs_hash));
    memset(leaf.spki_hash, 0x22, sizeof(leaf.spki_hash));
    memset(leaf.serial, 0x33, sizeof(leaf.serial));
    return leaf;
}

/* Of a kind without a name. */
static struct ledger_leaf nameless(enum ledger_kind kind, uint64_t number)
{
    struct ledger_leaf leaf = some_leaf();
    leaf.name = (struct name) { 0 };
    leaf.kind = kind;
    ledger_leaf_put_number(number, leaf.serial);
    return leaf;
}

static void a_leaf_is_laid_out_as_the_protocol_says(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    const struct ledger_leaf leaf = some_leaf();
    assert_ok(ledger_leaf_encode(&leaf, &bytes));
    assert_int_equal(bytes.len, 1 + 32 + 1 + 5 + 32 + 1 + 16 + 8);
    assert_int_equal(bytes.p[0], 0);
    assert_int_equal(bytes.p[1], 0x11);
    assert_int_equal(bytes.p[33], 5);
    assert_memory_equal(bytes.p + 34, "maria", 5);
    assert_int_equal(bytes.p[39], 0x22);
    assert_int_equal(bytes.p[71], 3);
    assert_int_equal(bytes.p[72], 0x33);
    static const uint8_t time_s[8] = { 0, 0, 0, 0, 0x6b, 0x03, 0x0c, 0x69 };
    assert_memory_equal(bytes.p + 88, time_s, 8);
}

static void a_leaf_comes_back_as_it_went(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    CLEANUP(buf_clear) struct buf again = { 0 };
    const struct ledger_leaf leaf = some_leaf();
    struct ledger_leaf got;
    assert_ok(ledger_leaf_encode(&leaf, &bytes));
    assert_ok(ledger_leaf_decode(buf_span(&bytes), &got));
    assert_ok(ledger_leaf_encode(&got, &again));
    assert_span_equal(buf_span(&bytes), buf_span(&again));
}

static void a_leaf_cut_or_lengthened_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    const struct ledger_leaf leaf = some_leaf();
    struct ledger_leaf got;
    assert_ok(ledger_leaf_encode(&leaf, &bytes));
    for (size_t n = 0; n < bytes.len; n++)
        assert_int_not_equal(ledger_leaf_decode(span_of(bytes.p, n), &got), MLT_OK);
    assert_ok(buf_put_u8(&bytes, 0));
    assert_err(ledger_leaf_decode(buf_span(&bytes), &got), MLT_ERR_TRAILING);
}

/* Offsets in the encoding of a leaf without a name. */
enum { NAME_AT = 33, KIND_AT = 66, SERIAL_AT = 67, TIME_AT = 83 };

static void assert_decodes(const struct buf *bytes, enum mlt_err wanted)
{
    struct ledger_leaf got;
    assert_err(ledger_leaf_decode(buf_span(bytes), &got), wanted);
}

static void a_root_and_a_crl_have_no_name_and_all_others_have_one(void **state)
{
    (void)state;
    for (unsigned kind = LEDGER_CA; kind <= LEDGER_CRL; kind++) {
        CLEANUP(buf_clear) struct buf without = { 0 };
        CLEANUP(buf_clear) struct buf with = { 0 };
        const bool named = kind == LEDGER_SERVER || kind == LEDGER_CLIENT;
        struct ledger_leaf leaf = nameless((enum ledger_kind)kind, 1);
        assert_err(ledger_leaf_encode(&leaf, &without), named ? MLT_ERR_RANGE : MLT_OK);
        leaf = some_leaf();
        leaf.kind = (enum ledger_kind)kind;
        ledger_leaf_put_number(1, leaf.serial);
        assert_err(ledger_leaf_encode(&leaf, &with), named ? MLT_OK : MLT_ERR_RANGE);
        assert_int_equal((named ? &without : &with)->len, 0);
    }
    for (unsigned kind = 0; kind < 256; kind++) {
        CLEANUP(buf_clear) struct buf bytes = { 0 };
        const struct ledger_leaf leaf = nameless(LEDGER_CA, 1);
        assert_ok(ledger_leaf_encode(&leaf, &bytes));
        bytes.p[KIND_AT] = (uint8_t)kind;
        assert_decodes(&bytes, kind == LEDGER_CA || kind == LEDGER_CRL ? MLT_OK : MLT_ERR_RANGE);
    }
}

static void a_name_is_one_of_ours(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    const struct ledger_leaf leaf = some_leaf();
    assert_ok(ledger_leaf_encode(&leaf, &bytes));
    bytes.p[NAME_AT + 1] = 'M';
    assert_decodes(&bytes, MLT_ERR_NAME);
}

static void version_and_time_have_their_bounds(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_leaf leaf = nameless(LEDGER_CA, 1);
    assert_ok(ledger_leaf_encode(&leaf, &bytes));
    bytes.p[TIME_AT] = 0x80;
    assert_decodes(&bytes, MLT_ERR_RANGE);
    bytes.p[TIME_AT] = 0x7f;
    assert_decodes(&bytes, MLT_OK);
    bytes.p[0] = 1;
    assert_decodes(&bytes, MLT_ERR_VERSION);
    leaf.time_s = -1;
    assert_err(ledger_leaf_encode(&leaf, &bytes), MLT_ERR_RANGE);
}

static void the_number_of_a_crl_is_its_serial(void **state)
{
    (void)state;
    static const uint64_t numbers[] = { 1, 255, 256, 0x0102030405060708, INT64_MAX };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        CLEANUP(buf_clear) struct buf bytes = { 0 };
        const struct ledger_leaf leaf = nameless(LEDGER_CRL, numbers[i]);
        struct ledger_leaf got;
        uint64_t number = 0;
        assert_ok(ledger_leaf_encode(&leaf, &bytes));
        assert_ok(ledger_leaf_decode(buf_span(&bytes), &got));
        assert_ok(ledger_leaf_get_number(got.serial, &number));
        assert_true(number == numbers[i]);
    }
    uint8_t serial[CERT_SERIAL];
    static const uint8_t padded[CERT_SERIAL] = { [8] = 1, 2, 3, 4, 5, 6, 7, 8 };
    ledger_leaf_put_number(0x0102030405060708, serial);
    assert_memory_equal(serial, padded, CERT_SERIAL);
}

static void a_crl_without_a_number_of_63_bits_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    const struct ledger_leaf zero = nameless(LEDGER_CRL, 0);
    assert_err(ledger_leaf_encode(&zero, &bytes), MLT_ERR_RANGE);
    const struct ledger_leaf leaf = nameless(LEDGER_CRL, 7);
    assert_ok(ledger_leaf_encode(&leaf, &bytes));
    for (size_t i = 0; i < 8; i++) {
        bytes.p[SERIAL_AT + i] = 1;
        assert_decodes(&bytes, MLT_ERR_RANGE);
        bytes.p[SERIAL_AT + i] = 0;
    }
    bytes.p[SERIAL_AT + 8] = 0x80;
    assert_decodes(&bytes, MLT_ERR_RANGE);
    bytes.p[SERIAL_AT + 8] = 0;
    bytes.p[SERIAL_AT + 15] = 0;
    assert_decodes(&bytes, MLT_ERR_RANGE);
}

static void the_longest_leaf_is_as_long_as_is_said(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_leaf leaf = some_leaf();
    static const char longest[] = "abcdefghijabcdefghijabcdefghijab";
    assert_ok(name_parse(span_str(longest), &leaf.name));
    assert_ok(ledger_leaf_encode(&leaf, &bytes));
    assert_int_equal(bytes.len, LEDGER_LEAF_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_is_laid_out_as_the_protocol_says),
        cmocka_unit_test(a_leaf_comes_back_as_it_went),
        cmocka_unit_test(a_leaf_cut_or_lengthened_is_refused),
        cmocka_unit_test(a_root_and_a_crl_have_no_name_and_all_others_have_one),
        cmocka_unit_test(a_name_is_one_of_ours),
        cmocka_unit_test(version_and_time_have_their_bounds),
        cmocka_unit_test(the_number_of_a_crl_is_its_serial),
        cmocka_unit_test(a_crl_without_a_number_of_63_bits_is_refused),
        cmocka_unit_test(the_longest_leaf_is_as_long_as_is_said),
    };
    return cmocka_run_group_tests_name("ledger_leaf", tests, NULL, NULL);
}
