/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/evp.h>

#include "session_ends.h"

static void records_of_every_size_cross_in_both_directions(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, &session_default_limits, &session_default_limits);
    static const size_t sizes[] = { 41, 42, 63, 64, 1000, 65608 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        enum record_kind kind = 0;
        seal_number(&e.a, (uint32_t)i, sizes[i], &e.wire);
        assert_ok(open_record(&e, &kind));
        assert_int_equal(kind, RECORD_SEND);
        assert_int_equal(e.plain.len, sizes[i]);
        assert_int_equal(number_of(&e.plain), i);
    }
    size_t used = 0;
    enum record_kind kind = 0;
    assert_ok(session_seal(&e.b, RECORD_PING, (struct span) { 0 }, &e.back));
    assert_ok(session_open(&e.a, buf_span(&e.back), &used, &kind, &e.plain, &e.wire));
    assert_int_equal(kind, RECORD_PING);
    assert_int_equal(e.plain.len, 0);
}

static void what_may_not_be_said_is_not_sealed(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, &session_default_limits, &session_default_limits);
    const struct span none = { 0 };
    assert_err(session_seal(&e.a, RECORD_REKEY, none, &e.wire), MLT_ERR_STATE);
    assert_err(session_seal(&e.a, RECORD_CLOSE, span_str("x"), &e.wire), MLT_ERR_STATE);
    assert_err(session_seal(&e.a, (enum record_kind)10, none, &e.wire), MLT_ERR_STATE);
    assert_err(session_seal(&e.a, RECORD_PING, span_str("x"), &e.wire), MLT_ERR_STATE);
    assert_err(session_seal(&e.a, RECORD_SEND, span_str("short"), &e.wire), MLT_ERR_STATE);
    assert_err(session_close(&e.a, (enum close_reason)0, &e.wire), MLT_ERR_RANGE);
    assert_int_equal(e.wire.len, 0);
    assert_ok(session_seal(&e.a, RECORD_PING, none, &e.wire));
}

/* What was begun and not sealed goes nowhere, and stays nowhere. */
static void a_record_that_cannot_be_sealed_ends_the_session(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, &session_default_limits, &session_default_limits);
    assert_ok(session_seal(&e.a, RECORD_PING, (struct span) { 0 }, &e.wire));
    assert_ok(buf_reserve(&e.wire, 4096));
    size_t before = e.wire.len;
    memset(e.wire.p + before, 0, e.wire.cap - before);
    assert_int_equal(EVP_CIPHER_CTX_reset(e.a.send.etm.cipher), 1);
    uint8_t body[1000];
    memset(body, 'x', sizeof(body));
    assert_err(session_seal(&e.a, RECORD_SEND, SPAN_OF(body), &e.wire), MLT_ERR_CRYPTO);
    assert_int_equal(e.wire.len, before);
    for (size_t i = before; i < e.wire.cap; i++)
        assert_int_equal(e.wire.p[i], 0);
    assert_err(session_seal(&e.a, RECORD_PING, (struct span) { 0 }, &e.wire), MLT_ERR_STATE);
    session_abort(&e.a, ALERT_INTERNAL, &e.wire);
    assert_int_equal(e.wire.len, before);
}

static void cross_many(const struct session_limits *limits, int64_t ms_between, uint64_t rekeys)
{
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, limits, limits);
    for (uint32_t i = 0; i < 100; i++) {
        enum record_kind kind = 0;
        clock_env.mono_ms += ms_between;
        seal_number(&e.a, i, 50, &e.wire);
        assert_ok(open_record(&e, &kind));
        assert_int_equal(number_of(&e.plain), i);

        size_t used = 0;
        seal_number(&e.b, i, 50, &e.back);
        while (e.back.len > 0) {
            assert_ok(session_open(&e.a, buf_span(&e.back), &used, &kind, &e.plain, &e.wire));
            assert_true(used > 0);
            buf_drop(&e.back, used);
        }
        assert_int_equal(number_of(&e.plain), i);
    }
    assert_int_equal(e.a.send.rekeys, rekeys);
    assert_int_equal(e.b.send.rekeys, rekeys);
    assert_int_equal(e.b.receive.rekeys, rekeys);
    assert_int_equal(e.a.receive.rekeys, rekeys);
    assert_true(secret_eq(secret_span(&e.a.send.traffic), secret_span(&e.b.receive.traffic)));
    assert_false(secret_eq(secret_span(&e.a.send.traffic), secret_span(&e.b.send.traffic)));
    assert_false(secret_eq(secret_span(&e.a.send.traffic), span_str(a_secret)));
}

static void both_directions_rekey_by_count(void **state)
{
    (void)state;
    /* Nine records and the rekey's own under each key. */
    const struct session_limits limits = { 10, UINT64_MAX, INT64_MAX / 4 };
    cross_many(&limits, 0, 11);
}

static void both_directions_rekey_by_bytes(void **state)
{
    (void)state;
    /* 51 bytes a record: three fit. */
    const struct session_limits limits = { UINT64_MAX, 160, INT64_MAX / 4 };
    cross_many(&limits, 0, 33);
}

static void both_directions_rekey_by_time(void **state)
{
    (void)state;
    const struct session_limits limits = { UINT64_MAX, UINT64_MAX, 1000 };
    cross_many(&limits, 250, 25);
}

static void a_record_larger_than_the_byte_limit_still_crosses(void **state)
{
    (void)state;
    const struct session_limits limits = { 100, 60, 1000 };
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, &limits, &limits);
    for (uint32_t i = 0; i < 10; i++) {
        enum record_kind kind = 0;
        seal_number(&e.a, i, 30000, &e.wire);
        assert_ok(open_record(&e, &kind));
    }
    assert_int_equal(e.a.send.rekeys, 9);
}

static const struct session_limits loose = { UINT64_MAX, UINT64_MAX, INT64_MAX / 4 };

static void the_receiver_holds_the_peer_to_the_count(void **state)
{
    (void)state;
    const struct session_limits strict = { 10, UINT64_MAX, INT64_MAX / 4 };
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &loose, &strict);
    for (uint32_t i = 0; i < 10; i++) {
        seal_number(&e.a, i, 50, &e.wire);
        assert_ok(open_record(&e, &kind));
    }
    seal_number(&e.a, 10, 50, &e.wire);
    assert_err(open_record(&e, &kind), MLT_ERR_REKEY);
    assert_true(e.b.failed);
    assert_true(e.back.len > 0);
}

static void the_receiver_holds_the_peer_to_the_bytes(void **state)
{
    (void)state;
    const struct session_limits strict = { UINT64_MAX, 1000, INT64_MAX / 4 };
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &loose, &strict);
    size_t total = 0;
    for (;;) {
        enum mlt_err err;
        seal_number(&e.a, 0, 60000, &e.wire);
        err = open_record(&e, &kind);
        total += 60001;
        if (total > 1000 + LIMIT_FRAME) {
            assert_err(err, MLT_ERR_REKEY);
            break;
        }
        assert_ok(err);
    }
}

static void the_receiver_holds_the_peer_to_the_time(void **state)
{
    (void)state;
    const struct session_limits strict = { UINT64_MAX, UINT64_MAX, 1000 };
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &loose, &strict);
    clock_env.mono_ms += 2000;
    seal_number(&e.a, 0, 50, &e.wire);
    assert_ok(open_record(&e, &kind));
    clock_env.mono_ms += 1;
    seal_number(&e.a, 0, 50, &e.wire);
    assert_err(open_record(&e, &kind), MLT_ERR_REKEY);
}

static void a_close_is_told_from_a_cut(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &session_default_limits, &session_default_limits);
    seal_number(&e.a, 0, 50, &e.wire);
    assert_ok(open_record(&e, &kind));
    assert_err(session_end(&e.b, buf_span(&e.wire)), MLT_ERR_CUT);
    assert_ok(session_close(&e.a, CLOSE_SHUTDOWN, &e.wire));
    assert_err(session_end(&e.b, buf_span(&e.wire)), MLT_ERR_CUT);
    assert_ok(open_next(&e, &kind));
    assert_int_equal(kind, 0);
    assert_true(e.b.receive_closed);
    assert_int_equal(e.b.close_reason, CLOSE_SHUTDOWN);
    assert_ok(session_end(&e.b, buf_span(&e.wire)));
    assert_err(session_end(&e.b, span_str("x")), MLT_ERR_CUT);
}

/* The stream ends after every one of its bytes. */
static void row_10_every_truncation_is_a_cut(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends whole;
    open_ends(&whole, &session_default_limits, &session_default_limits);
    seal_number(&whole.a, 0, 50, &whole.wire);
    seal_number(&whole.a, 1, 60, &whole.wire);
    assert_ok(session_close(&whole.a, CLOSE_DONE, &whole.wire));
    for (size_t n = 0; n <= whole.wire.len; n++) {
        CLEANUP(clear_ends) struct ends e;
        enum record_kind kind = 0;
        open_ends(&e, &session_default_limits, &session_default_limits);
        assert_ok(buf_put(&e.wire, span_of(whole.wire.p, n)));
        enum mlt_err err = MLT_OK;
        while (err == MLT_OK)
            err = open_next(&e, &kind);
        assert_err(err, MLT_ERR_TRUNCATED);
        enum mlt_err wanted = n == whole.wire.len ? MLT_OK : MLT_ERR_CUT;
        assert_int_equal(session_end(&e.b, buf_span(&e.wire)), wanted);
    }
}

static void nothing_is_sealed_after_a_close(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, &session_default_limits, &session_default_limits);
    assert_ok(session_close(&e.a, CLOSE_DONE, &e.wire));
    size_t before = e.wire.len;
    assert_err(session_seal(&e.a, RECORD_PING, (struct span) { 0 }, &e.wire), MLT_ERR_STATE);
    assert_err(session_close(&e.a, CLOSE_DONE, &e.wire), MLT_ERR_STATE);
    session_abort(&e.a, ALERT_INTERNAL, &e.wire);
    assert_int_equal(e.wire.len, before);
}

/* Who closed still hears the other side out. */
static void a_close_ends_one_direction(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    size_t used = 0;
    enum record_kind kind = 0;
    open_ends(&e, &session_default_limits, &session_default_limits);
    assert_ok(session_close(&e.a, CLOSE_DONE, &e.wire));
    seal_number(&e.b, 4, 50, &e.back);
    assert_ok(session_open(&e.a, buf_span(&e.back), &used, &kind, &e.plain, &e.wire));
    assert_int_equal(kind, RECORD_SEND);
}

static void anything_after_the_peers_close_is_refused(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    const uint8_t ping[] = { RECORD_PING };
    open_ends(&e, &session_default_limits, &session_default_limits);
    assert_ok(session_close(&e.a, CLOSE_DONE, &e.wire));
    seal_raw(&e.a, FRAME_RECORD, SPAN_OF(ping), &e.wire);
    assert_ok(open_next(&e, &kind));
    assert_err(open_next(&e, &kind), MLT_ERR_UNEXPECTED);
    assert_err(session_end(&e.b, buf_span(&e.wire)), MLT_ERR_CUT);
}

/* One good frame of each sort. */
static void say_message(struct session *s, struct buf *out)
{
    seal_number(s, 0, 50, out);
}

static void say_ping(struct session *s, struct buf *out)
{
    assert_ok(session_seal(s, RECORD_PING, (struct span) { 0 }, out));
}

static void say_close(struct session *s, struct buf *out)
{
    assert_ok(session_close(s, CLOSE_DONE, out));
}

static void say_alert(struct session *s, struct buf *out)
{
    session_abort(s, ALERT_BUSY, out);
}

static void say_rekey(struct session *s, struct buf *out)
{
    const uint8_t plain[] = { RECORD_REKEY };
    seal_raw(s, FRAME_RECORD, SPAN_OF(plain), out);
}

static void row_11_every_flipped_bit_of_every_sort_of_frame_is_refused(void **state)
{
    (void)state;
    static void (*const sorts[])(struct session * s, struct buf * out) = {
        say_message, say_ping, say_close, say_alert, say_rekey,
    };
    for (size_t i = 0; i < COUNT_OF(sorts); i++) {
        for (size_t bit = 0, bits = 8; bit < bits; bit++) {
            CLEANUP(clear_ends) struct ends e;
            enum record_kind kind = 0;
            open_ends(&e, &session_default_limits, &session_default_limits);
            sorts[i](&e.a, &e.wire);
            bits = e.wire.len * 8;
            e.wire.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            enum mlt_err err = open_next(&e, &kind);
            /* A longer length makes it wait for bytes, which then fail. */
            if (err == MLT_ERR_TRUNCATED) {
                uint8_t *more = NULL;
                assert_ok(buf_extend(&e.wire, LIMIT_FRAME, &more));
                err = open_next(&e, &kind);
            }
            if (err == MLT_OK || err == MLT_ERR_ALERT || err_fault(err) != FAULT_PEER)
                fail_msg("sort %zu, bit %zu: %s", i, bit, err_name(err));
            assert_int_equal(kind, 0);
            assert_int_equal(e.plain.len, 0);
            assert_int_equal(e.b.peer_alert, ALERT_NONE);
            assert_false(e.b.receive_closed);
            assert_int_equal(e.b.receive.rekeys, 0);
        }
    }
}

/* The type is under the MAC: a good record is no alert, nor a good alert a record. */
static void row_11_a_frame_of_another_type_is_refused(void **state)
{
    (void)state;
    static void (*const sorts[])(struct session * s, struct buf * out) = { say_ping, say_rekey,
                                                                           say_alert };
    for (size_t i = 0; i < COUNT_OF(sorts); i++) {
        for (unsigned type = 0; type < 256; type++) {
            CLEANUP(clear_ends) struct ends e;
            enum record_kind kind = 0;
            open_ends(&e, &session_default_limits, &session_default_limits);
            sorts[i](&e.a, &e.wire);
            if (e.wire.p[0] == type)
                continue;
            e.wire.p[0] = (uint8_t)type;
            bool is_known_here = type == FRAME_RECORD || type == FRAME_ALERT;
            assert_err(open_next(&e, &kind), is_known_here ? MLT_ERR_AUTH : MLT_ERR_UNEXPECTED);
            assert_int_equal(kind, 0);
        }
    }
}

/* Each makes one frame that is bad in its own way. */
static void bad_tag(struct ends *e)
{
    seal_number(&e->a, 0, 50, &e->wire);
    e->wire.p[e->wire.len - 1] ^= 1;
}

static void bad_header(struct ends *e)
{
    const uint8_t header[] = { FRAME_RECORD, 0xff, 0xff, 0xff };
    assert_ok(buf_put(&e->wire, SPAN_OF(header)));
}

static void unknown_type(struct ends *e)
{
    assert_ok(buf_put_u8(&e->wire, 99));
}

static void handshake_frame(struct ends *e)
{
    assert_ok(buf_put_u8(&e->wire, FRAME_CLIENT_AUTH));
}

static void plain_alert(struct ends *e)
{
    const uint8_t alert[] = { FRAME_ALERT, 0, 0, 1, ALERT_INTERNAL };
    assert_ok(buf_put(&e->wire, SPAN_OF(alert)));
}

static void forged_alert(struct ends *e)
{
    uint8_t alert[FRAME_HEADER + 1 + ETM_TAG] = { FRAME_ALERT, 0, 0, 1 + ETM_TAG };
    assert_ok(buf_put(&e->wire, SPAN_OF(alert)));
}

static void odd_alert(struct ends *e)
{
    uint8_t alert[FRAME_HEADER + 2] = { FRAME_ALERT, 0, 0, 2 };
    assert_ok(buf_put(&e->wire, SPAN_OF(alert)));
}

static void kind_zero(struct ends *e)
{
    const uint8_t plain[] = { 0 };
    seal_raw(&e->a, FRAME_RECORD, SPAN_OF(plain), &e->wire);
}

static void kind_unknown(struct ends *e)
{
    const uint8_t plain[] = { 10 };
    seal_raw(&e->a, FRAME_RECORD, SPAN_OF(plain), &e->wire);
}

static void ping_with_a_body(struct ends *e)
{
    const uint8_t plain[] = { RECORD_PING, 1 };
    seal_raw(&e->a, FRAME_RECORD, SPAN_OF(plain), &e->wire);
}

static void rekey_with_a_body(struct ends *e)
{
    const uint8_t plain[] = { RECORD_REKEY, 1 };
    seal_raw(&e->a, FRAME_RECORD, SPAN_OF(plain), &e->wire);
}

static void close_without_reason(struct ends *e)
{
    const uint8_t plain[] = { RECORD_CLOSE, 0 };
    seal_raw(&e->a, FRAME_RECORD, SPAN_OF(plain), &e->wire);
}

static void alert_of_no_meaning(struct ends *e)
{
    const uint8_t plain[] = { 77 };
    seal_raw(&e->a, FRAME_ALERT, SPAN_OF(plain), &e->wire);
}

static void record_as_alert(struct ends *e)
{
    const uint8_t plain[] = { RECORD_PING };
    seal_raw(&e->a, FRAME_RECORD, SPAN_OF(plain), &e->wire);
    e->wire.p[0] = FRAME_ALERT;
}

static void too_late_to_rekey(struct ends *e)
{
    clock_env.mono_ms += 2 * session_default_limits.rekey_ms + 1;
    const uint8_t plain[] = { RECORD_PING };
    seal_raw(&e->a, FRAME_RECORD, SPAN_OF(plain), &e->wire);
}

static void every_kind_of_bad_gets_the_same_alert(void **state)
{
    (void)state;
    static void (*const kinds[])(struct ends * e) = {
        bad_tag,         bad_header,        unknown_type,        handshake_frame,
        plain_alert,     forged_alert,      odd_alert,           kind_zero,
        kind_unknown,    ping_with_a_body,  rekey_with_a_body,   close_without_reason,
        record_as_alert, too_late_to_rekey, alert_of_no_meaning,
    };
    CLEANUP(buf_clear) struct buf alert = { 0 };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        CLEANUP(clear_ends) struct ends e;
        enum record_kind kind = 0;
        open_ends(&e, &session_default_limits, &session_default_limits);
        int64_t now = clock_env.mono_ms;
        kinds[i](&e);
        enum mlt_err err = open_next(&e, &kind);
        clock_env.mono_ms = now;
        if (err_fault(err) != FAULT_PEER || err == MLT_ERR_TRUNCATED || err == MLT_ERR_ALERT)
            fail_msg("kind %zu: %s", i, err_name(err));
        assert_int_equal(e.b.peer_alert, ALERT_NONE);
        assert_int_equal(e.back.len, FRAME_HEADER + 1 + ETM_TAG);
        if (alert.len == 0)
            assert_ok(buf_put(&alert, buf_span(&e.back)));
        assert_span_equal(buf_span(&e.back), buf_span(&alert));

        size_t used = 0;
        assert_err(session_open(&e.a, buf_span(&e.back), &used, &kind, &e.plain, &e.wire),
                   MLT_ERR_ALERT);
        assert_int_equal(e.a.peer_alert, ALERT_PROTOCOL);
    }
}

static void an_alert_is_not_answered(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &session_default_limits, &session_default_limits);
    session_abort(&e.a, ALERT_BUSY, &e.wire);
    size_t once = e.wire.len;
    session_abort(&e.a, ALERT_BUSY, &e.wire);
    assert_int_equal(e.wire.len, once);
    assert_err(open_next(&e, &kind), MLT_ERR_ALERT);
    assert_int_equal(e.b.peer_alert, ALERT_BUSY);
    assert_int_equal(e.back.len, 0);
    assert_err(session_seal(&e.b, RECORD_PING, (struct span) { 0 }, &e.back), MLT_ERR_STATE);
}

static void limits_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret a = { 0 };
    CLEANUP(secret_clear) struct secret b = { 0 };
    struct session s = { 0 };
    const struct session_limits one_record = { 1, 1, 1 };
    const struct session_limits no_time = { 2, 1, 0 };
    assert_ok(secret_copy(&a, span_str(a_secret)));
    assert_ok(secret_copy(&b, span_str(b_secret)));
    assert_err(session_init(&s, &clock_env.env, &one_record, &a, &b), MLT_ERR_USAGE);
    assert_err(session_init(&s, &clock_env.env, &no_time, &a, &b), MLT_ERR_USAGE);
    assert_err(session_seal(&s, RECORD_PING, (struct span) { 0 }, NULL), MLT_ERR_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_every_size_cross_in_both_directions),
        cmocka_unit_test(what_may_not_be_said_is_not_sealed),
        cmocka_unit_test(a_record_that_cannot_be_sealed_ends_the_session),
        cmocka_unit_test(both_directions_rekey_by_count),
        cmocka_unit_test(both_directions_rekey_by_bytes),
        cmocka_unit_test(both_directions_rekey_by_time),
        cmocka_unit_test(a_record_larger_than_the_byte_limit_still_crosses),
        cmocka_unit_test(the_receiver_holds_the_peer_to_the_count),
        cmocka_unit_test(the_receiver_holds_the_peer_to_the_bytes),
        cmocka_unit_test(the_receiver_holds_the_peer_to_the_time),
        cmocka_unit_test(a_close_is_told_from_a_cut),
        cmocka_unit_test(row_10_every_truncation_is_a_cut),
        cmocka_unit_test(nothing_is_sealed_after_a_close),
        cmocka_unit_test(a_close_ends_one_direction),
        cmocka_unit_test(anything_after_the_peers_close_is_refused),
        cmocka_unit_test(row_11_every_flipped_bit_of_every_sort_of_frame_is_refused),
        cmocka_unit_test(row_11_a_frame_of_another_type_is_refused),
        cmocka_unit_test(every_kind_of_bad_gets_the_same_alert),
        cmocka_unit_test(an_alert_is_not_answered),
        cmocka_unit_test(limits_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests_name("session", tests, start_libraries, NULL);
}
