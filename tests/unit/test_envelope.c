/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "wire/envelope.h"
#include "wire/outcome.h"
#include "wire/receipt.h"

static const struct envelope good = {
    .sender = { ADDRESS_USER, { "maria" } },
    .time_ms = 1,
    .recipient = { ADDRESS_USER, { "joao" } },
    .epoch = 7,
    .number = 1,
    .body_kind = BODY_PLAIN,
    .body = { (const uint8_t *)"oi", 2 },
};

/* Where the fields of the good SEND stand: id 16, kind 1, vec8 "joao" 5, epoch 8, number 8. */
enum { AT_KIND = 16, AT_NAME = 18, AT_NUMBER = 30, AT_FLAGS = 38, AT_BODY_KIND = 40 };

static void refuse_send_with(size_t at, uint8_t value, enum mlt_err wanted)
{
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct envelope e = { .number = 99 };
    assert_ok(envelope_encode_send(&good, &b));
    assert_ok(envelope_decode_send(buf_span(&b), &e));
    e.number = 99;
    b.p[at] = value;
    assert_err(envelope_decode_send(buf_span(&b), &e), wanted);
    assert_int_equal(e.number, 99); /* all or nothing */
}

static void every_field_out_of_bounds_is_refused(void **state)
{
    (void)state;
    refuse_send_with(AT_KIND, 0, MLT_ERR_RANGE);
    refuse_send_with(AT_KIND, ADDRESS_DEVICE, MLT_ERR_RANGE);
    refuse_send_with(AT_KIND, ADDRESS_GROUP, MLT_ERR_RANGE);
    refuse_send_with(AT_NAME, 'J', MLT_ERR_ENCODING);
    refuse_send_with(AT_NAME, '.', MLT_ERR_ENCODING);
    refuse_send_with(AT_NAME + 2, 0, MLT_ERR_ENCODING);
    refuse_send_with(AT_NUMBER + 7, 0, MLT_ERR_RANGE);
    refuse_send_with(AT_FLAGS + 1, 1, MLT_ERR_RANGE);
    refuse_send_with(AT_FLAGS, 0x80, MLT_ERR_RANGE);
    refuse_send_with(AT_BODY_KIND, 0, MLT_ERR_RANGE);
    refuse_send_with(AT_BODY_KIND, 2, MLT_ERR_RANGE);
}

static void we_write_no_envelope_we_would_not_read(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf out = { 0 };
    static const uint8_t large[LIMIT_BODY + 1];
    struct envelope e = good;
    e.body = SPAN_OF(large);
    assert_err(envelope_encode_send(&e, &out), MLT_ERR_RANGE);
    e = good;
    e.number = 0;
    assert_err(envelope_encode_send(&e, &out), MLT_ERR_RANGE);
    e = good;
    e.flags = 1;
    assert_err(envelope_encode_send(&e, &out), MLT_ERR_RANGE);
    e = good;
    e.recipient.kind = ADDRESS_GROUP;
    assert_err(envelope_encode_send(&e, &out), MLT_ERR_RANGE);
    e = good;
    e.recipient.name = (struct name) { "Joao" };
    assert_err(envelope_encode_send(&e, &out), MLT_ERR_NAME);
    e = good;
    e.time_ms = -1;
    assert_err(envelope_encode_deliver(&e, &out), MLT_ERR_RANGE);
}

/* What a client claims about sender and time has no place on the wire. */
static void a_send_carries_no_sender_and_no_time(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf with = { 0 };
    CLEANUP(buf_clear) struct buf without = { 0 };
    struct envelope e = good;
    assert_ok(envelope_encode_send(&e, &with));
    e.sender = (struct address) { 0 };
    e.time_ms = 0;
    assert_ok(envelope_encode_send(&e, &without));
    assert_span_equal(buf_span(&with), buf_span(&without));
}

static void a_deliver_is_not_a_send(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf deliver = { 0 };
    CLEANUP(buf_clear) struct buf send = { 0 };
    struct envelope e;
    assert_ok(envelope_encode_deliver(&good, &deliver));
    assert_ok(envelope_encode_send(&good, &send));
    assert_int_not_equal(envelope_decode_send(buf_span(&deliver), &e), MLT_OK);
    assert_int_not_equal(envelope_decode_deliver(buf_span(&send), &e), MLT_OK);
}

static void a_time_before_1970_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct envelope e;
    assert_ok(envelope_encode_deliver(&good, &b));
    b.p[7] |= 0x80; /* after the sender, kind and vec8 "maria" */
    assert_err(envelope_decode_deliver(buf_span(&b), &e), MLT_ERR_RANGE);
}

static void an_outcome_has_a_reason_if_it_is_a_refusal_and_only_then(void **state)
{
    (void)state;
    for (unsigned s = 0; s < 256; s++) {
        for (unsigned reason = 0; reason < 256; reason++) {
            uint8_t bytes[18] = { 1, [16] = (uint8_t)s, [17] = (uint8_t)reason };
            struct outcome o;
            bool refusal = s == OUTCOME_REFUSED && reason >= 1 && reason <= 4;
            bool other = s >= 1 && s <= 4 && s != OUTCOME_REFUSED && reason == 0;
            enum mlt_err wanted = refusal || other ? MLT_OK : MLT_ERR_RANGE;
            assert_int_equal(outcome_decode(SPAN_OF(bytes), &o), wanted);
        }
    }
    CLEANUP(buf_clear) struct buf out = { 0 };
    const struct outcome unexplained = { .state = OUTCOME_REFUSED };
    assert_err(outcome_encode(&unexplained, &out), MLT_ERR_RANGE);
}

static void a_receipt_names_a_user(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct receipt r = { .sender = { ADDRESS_USER, { "maria" } }, .id = { 3 } };
    assert_ok(receipt_encode(&r, &b));
    b.p[0] = ADDRESS_DEVICE;
    assert_err(receipt_decode(buf_span(&b), &r), MLT_ERR_RANGE);
    b.p[0] = ADDRESS_USER;
    b.p[2] = 'M';
    assert_err(receipt_decode(buf_span(&b), &r), MLT_ERR_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_out_of_bounds_is_refused),
        cmocka_unit_test(we_write_no_envelope_we_would_not_read),
        cmocka_unit_test(a_send_carries_no_sender_and_no_time),
        cmocka_unit_test(a_deliver_is_not_a_send),
        cmocka_unit_test(a_time_before_1970_is_refused),
        cmocka_unit_test(an_outcome_has_a_reason_if_it_is_a_refusal_and_only_then),
        cmocka_unit_test(a_receipt_names_a_user),
    };
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
