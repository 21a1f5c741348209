/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "messages.h"
#include "wire/record_kind.h"

/* What must hold of every message: messages.c lists them all with samples of their extremes. */

static void for_every_sample(void (*check)(const struct message_row *row, struct span sample))
{
    size_t count = 0;
    const struct message_row *rows = message_rows(&count);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf sample = { 0 };
        unsigned variant = 0;
        while (rows[i].sample(variant, &sample) == MLT_OK) {
            check(&rows[i], buf_span(&sample));
            buf_reset(&sample);
            variant++;
        }
        assert_true(variant > 0);
        assert_err(rows[i].sample(variant, &sample), MLT_ERR_MISSING);
    }
}

static void check_round_trip(const struct message_row *row, struct span sample)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    assert_ok(row->recode(sample, &again));
    assert_span_equal(buf_span(&again), sample);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    (void)state;
    for_every_sample(check_round_trip);
}

static void check_truncations(const struct message_row *row, struct span sample)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    for (size_t n = 0; n < sample.n; n++) {
        enum mlt_err err = row->recode(span_of(sample.p, n), &again);
        if (err == MLT_OK || err_fault(err) != FAULT_PEER)
            fail_msg("%s cut at %zu: %s", row->name, n, err_name(err));
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for_every_sample(check_truncations);
}

static void check_one_byte_extra(const struct message_row *row, struct span sample)
{
    CLEANUP(buf_clear) struct buf longer = { 0 };
    CLEANUP(buf_clear) struct buf again = { 0 };
    assert_ok(buf_put(&longer, sample));
    assert_ok(buf_put_u8(&longer, 0));
    assert_err(row->recode(buf_span(&longer), &again), MLT_ERR_TRAILING);
}

static void one_byte_extra_is_refused(void **state)
{
    (void)state;
    for_every_sample(check_one_byte_extra);
}

/* One encoding per value: a flipped bit is refused, or means something else and says so. */
static void check_flips(const struct message_row *row, struct span sample)
{
    CLEANUP(buf_clear) struct buf flipped = { 0 };
    CLEANUP(buf_clear) struct buf again = { 0 };
    assert_ok(buf_put(&flipped, sample));
    size_t stride = sample.n > 2048 ? 61 : 1;
    for (size_t bit = 0; bit < sample.n * 8; bit += stride) {
        flipped.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        buf_reset(&again);
        if (row->recode(buf_span(&flipped), &again) == MLT_OK)
            assert_span_equal(buf_span(&again), buf_span(&flipped));
        flipped.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_flipped_bit_is_refused_or_encodes_to_itself(void **state)
{
    (void)state;
    for_every_sample(check_flips);
}

/* The bounds that frames.def and records.def check on the header are those of the codecs. */
static void no_sample_is_outside_the_bounds_of_its_record(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum record_kind kind;
    } records[] = { { "send", RECORD_SEND },
                    { "deliver", RECORD_DELIVER },
                    { "outcome", RECORD_OUTCOME },
                    { "receipt", RECORD_RECEIPT },
                    { "noted", RECORD_NOTED },
                    { "close", RECORD_CLOSE },
                    { "welcome", RECORD_WELCOME },
                    { "renew", RECORD_RENEW },
                    { "renewed", RECORD_RENEWED },
                    { "revoked", RECORD_REVOKED },
                    { "crl_wanted", RECORD_CRL_WANTED },
                    { "crl", RECORD_CRL },
                    { "prove", RECORD_PROVE },
                    { "proof", RECORD_PROOF },
                    { "leaves_wanted", RECORD_LEAVES_WANTED },
                    { "leaves", RECORD_LEAVES } };
    size_t count = 0;
    const struct message_row *rows = message_rows(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < COUNT_OF(records); k++) {
            CLEANUP(buf_clear) struct buf sample = { 0 };
            if (!span_eq(span_str(rows[i].name), span_str(records[k].name)))
                continue;
            for (unsigned v = 0; rows[i].sample(v, &sample) == MLT_OK; v++) {
                assert_ok(record_kind_check(records[k].kind, sample.len));
                buf_reset(&sample);
            }
        }
    }
}

static void record_bounds_are_checked_on_both_sides(void **state)
{
    (void)state;
    static const struct {
        unsigned kind;
        size_t min, max;
    } rows[] = {
#define X(name, kind, min, max, from) { kind, min, max },
#include "wire/records.def"
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_ok(record_kind_check(rows[i].kind, rows[i].min));
        assert_ok(record_kind_check(rows[i].kind, rows[i].max));
        assert_err(record_kind_check(rows[i].kind, rows[i].max + 1), MLT_ERR_RANGE);
        if (rows[i].min > 0)
            assert_err(record_kind_check(rows[i].kind, rows[i].min - 1), MLT_ERR_RANGE);
    }
}

static void unknown_record_kinds_are_refused(void **state)
{
    (void)state;
    assert_err(record_kind_check(0, 0), MLT_ERR_UNEXPECTED);
    assert_err(record_kind_check(20, 0), MLT_ERR_UNEXPECTED);
    assert_err(record_kind_check(256 + RECORD_PING, 0), MLT_ERR_UNEXPECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(one_byte_extra_is_refused),
        cmocka_unit_test(a_flipped_bit_is_refused_or_encodes_to_itself),
        cmocka_unit_test(no_sample_is_outside_the_bounds_of_its_record),
        cmocka_unit_test(record_bounds_are_checked_on_both_sides),
        cmocka_unit_test(unknown_record_kinds_are_refused),
    };
    return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
