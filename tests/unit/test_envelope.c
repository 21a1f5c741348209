/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "wire/close.h"
#include "wire/envelope.h"
#include "wire/mailbox.h"
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
    refuse_send_with(AT_FLAGS + 1, 2, MLT_ERR_RANGE);
    refuse_send_with(AT_FLAGS + 1, ENVELOPE_WANTS_READ | 2, MLT_ERR_RANGE);
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
    e.flags = ENVELOPE_WANTS_READ << 1;
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

/* The one flag there is travels to the recipient, in both messages. */
static void the_wish_to_hear_of_reading_is_kept(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct envelope e = good;
    struct envelope got;
    e.flags = ENVELOPE_WANTS_READ;
    assert_ok(envelope_encode_send(&e, &b));
    assert_int_equal(b.p[AT_FLAGS + 1], 1);
    assert_ok(envelope_decode_send(buf_span(&b), &got));
    assert_int_equal(got.flags, ENVELOPE_WANTS_READ);
    buf_reset(&b);
    assert_ok(envelope_encode_deliver(&e, &b));
    assert_ok(envelope_decode_deliver(buf_span(&b), &got));
    assert_int_equal(got.flags, ENVELOPE_WANTS_READ);
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
            uint8_t bytes[19] = { 1, [16] = (uint8_t)s, [17] = (uint8_t)reason };
            struct outcome o;
            bool refusal = s == OUTCOME_REFUSED && reason >= 1 && reason <= 8;
            bool other = s >= 1 && s <= 6 && s != OUTCOME_REFUSED && reason == 0;
            enum mlt_err wanted = refusal || other ? MLT_OK : MLT_ERR_RANGE;
            assert_int_equal(outcome_decode(SPAN_OF(bytes), &o), wanted);
        }
    }
    CLEANUP(buf_clear) struct buf out = { 0 };
    const struct outcome unexplained = { .state = OUTCOME_REFUSED };
    assert_err(outcome_encode(&unexplained, &out), MLT_ERR_RANGE);
}

static void an_outcome_is_kept_or_not_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf out = { 0 };
    uint8_t bytes[19] = { 1, [16] = OUTCOME_EXPIRED };
    struct outcome o = { .state = OUTCOME_READ };
    for (unsigned kept = 0; kept < 256; kept++) {
        bytes[18] = (uint8_t)kept;
        assert_int_equal(outcome_decode(SPAN_OF(bytes), &o), kept <= 1 ? MLT_OK : MLT_ERR_RANGE);
        assert_int_equal(o.kept, kept >= 1); /* from 2 on what it was before */
    }
    bytes[18] = 1;
    for (unsigned s = OUTCOME_STORED; s <= OUTCOME_READ; s++) {
        unsigned most = s == OUTCOME_REFUSED ? OUTCOME_REASON_ERASED : 0;
        for (unsigned reason = most > 0; reason <= most; reason++) {
            bytes[16] = (uint8_t)s;
            bytes[17] = (uint8_t)reason;
            bool refused = s == OUTCOME_STORED || (most > 0 && reason != OUTCOME_REASON_ERASED);
            enum mlt_err wanted = refused ? MLT_ERR_RANGE : MLT_OK;
            o = (struct outcome) { .state = (enum outcome_state)s,
                                   .reason = (enum outcome_reason)reason,
                                   .kept = true };
            assert_int_equal(outcome_encode(&o, &out), wanted);
            assert_int_equal(outcome_decode(SPAN_OF(bytes), &o), wanted);
        }
    }
}

/* PROTOCOL.md 8.2: busy, no room and unknown pass; everything else stands. */
static void only_three_outcomes_pass(void **state)
{
    (void)state;
    unsigned passing = 0;
    for (unsigned s = OUTCOME_STORED; s <= OUTCOME_READ; s++) {
        unsigned most = s == OUTCOME_REFUSED ? OUTCOME_REASON_ERASED : 0;
        for (unsigned reason = most > 0; reason <= most; reason++) {
            const struct outcome o = { .state = (enum outcome_state)s,
                                       .reason = (enum outcome_reason)reason };
            passing += outcome_is_passing(&o);
            assert_true(outcome_text(&o)[0] != '\0');
        }
    }
    assert_int_equal(passing, 3);
    assert_true(outcome_is_passing(&(struct outcome) { .state = OUTCOME_UNKNOWN }));
    assert_true(outcome_is_passing(
        &(struct outcome) { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_BUSY }));
    assert_true(outcome_is_passing(
        &(struct outcome) { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_NO_ROOM }));
}

/* A server keeps what became of stored mail, and so never that it is stored. */
static void noted_names_a_state_that_is_kept(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf out = { 0 };
    for (unsigned s = 0; s < 256; s++) {
        uint8_t bytes[17] = { 1, [16] = (uint8_t)s };
        struct noted n = { .state = OUTCOME_STORED };
        bool good_state = s >= OUTCOME_DELIVERED && s <= OUTCOME_READ;
        assert_int_equal(noted_decode(SPAN_OF(bytes), &n), good_state ? MLT_OK : MLT_ERR_RANGE);
        assert_int_equal(n.state, good_state ? s : OUTCOME_STORED);
        n.state = (enum outcome_state)s;
        assert_int_equal(noted_encode(&n, &out), good_state ? MLT_OK : MLT_ERR_RANGE);
    }
}

static void a_receipt_names_a_user(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    struct receipt r = { .sender = { ADDRESS_USER, { "maria" } },
                         .id = { 3 },
                         .state = OUTCOME_DELIVERED };
    assert_ok(receipt_encode(&r, &b));
    b.p[0] = ADDRESS_DEVICE;
    assert_err(receipt_decode(buf_span(&b), &r), MLT_ERR_RANGE);
    b.p[0] = ADDRESS_USER;
    b.p[2] = 'M';
    assert_err(receipt_decode(buf_span(&b), &r), MLT_ERR_ENCODING);
}

static void a_receipt_says_delivered_or_read(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    CLEANUP(buf_clear) struct buf other = { 0 };
    struct receipt r = { .sender = { ADDRESS_USER, { "maria" } },
                         .id = { 3 },
                         .state = OUTCOME_READ };
    assert_ok(receipt_encode(&r, &b));
    for (unsigned s = 0; s < 256; s++) {
        bool known = s == OUTCOME_DELIVERED || s == OUTCOME_READ;
        b.p[b.len - 1] = (uint8_t)s;
        r.state = OUTCOME_STORED;
        assert_int_equal(receipt_decode(buf_span(&b), &r), known ? MLT_OK : MLT_ERR_RANGE);
        assert_int_equal(r.state, known ? s : OUTCOME_STORED);
        r.state = (enum outcome_state)s;
        assert_int_equal(receipt_encode(&r, &other), known ? MLT_OK : MLT_ERR_RANGE);
    }
}

static void a_close_has_one_of_eight_reasons(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        const uint8_t byte = (uint8_t)code;
        enum close_reason reason;
        bool known = code >= CLOSE_DONE && code <= 8;
        assert_int_equal(close_decode(span_of(&byte, 1), &reason), known ? MLT_OK : MLT_ERR_RANGE);
    }
    assert_int_equal(CLOSE_AGAIN, 8);
}

/* What ca and net have to write alike, byte for byte: PROTOCOL.md 9.3. */
static void the_label_of_a_segment_names_mailbox_and_segment(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf label = { 0 };
    const uint8_t segment[MAIL_SEGMENT] = { 0xa0, 0xa1, [MAIL_SEGMENT - 1] = 0xaf };
    assert_ok(mailbox_label(&good.recipient.name, segment, &label));
    static const uint8_t wanted[] =
        "malote v1 mailbox\0\x04joao\xa0\xa1\0\0\0\0\0\0\0\0\0\0\0\0\0\xaf";
    assert_span_equal(buf_span(&label), span_of(wanted, sizeof(wanted) - 1));

    CLEANUP(buf_clear) struct buf other = { 0 };
    const struct name nobody = { "" };
    assert_err(mailbox_label(&nobody, segment, &other), MLT_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_out_of_bounds_is_refused),
        cmocka_unit_test(we_write_no_envelope_we_would_not_read),
        cmocka_unit_test(the_wish_to_hear_of_reading_is_kept),
        cmocka_unit_test(a_send_carries_no_sender_and_no_time),
        cmocka_unit_test(a_deliver_is_not_a_send),
        cmocka_unit_test(a_time_before_1970_is_refused),
        cmocka_unit_test(an_outcome_has_a_reason_if_it_is_a_refusal_and_only_then),
        cmocka_unit_test(an_outcome_is_kept_or_not_and_nothing_else),
        cmocka_unit_test(only_three_outcomes_pass),
        cmocka_unit_test(noted_names_a_state_that_is_kept),
        cmocka_unit_test(a_receipt_names_a_user),
        cmocka_unit_test(a_receipt_says_delivered_or_read),
        cmocka_unit_test(a_close_has_one_of_eight_reasons),
        cmocka_unit_test(the_label_of_a_segment_names_mailbox_and_segment),
    };
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
