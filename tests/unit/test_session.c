/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdlib.h>
#include <sys/prctl.h>

#include "crypto/crypto.h"
#include "pair.h"
#include "wire/cursor.h"

/* Two ends with the secrets a handshake would have left. */
struct ends {
    struct session a, b;
    struct buf wire; /* from a to b */
    struct buf back; /* alerts from b */
    struct buf plain;
};

static struct pair_env clock_env;

static int start(void **state)
{
    (void)state;
    bool locked;
    pair_env_start(&clock_env);
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        return -1;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void open_one(struct session *s, const struct session_limits *limits, const char *send,
                     const char *receive)
{
    struct secret out = { 0 };
    struct secret in = { 0 };
    assert_ok(secret_copy(&out, span_str(send)));
    assert_ok(secret_copy(&in, span_str(receive)));
    assert_ok(session_init(s, &clock_env.env, limits, &out, &in));
}

static const char a_secret[] = "the traffic secret of direction a";
static const char b_secret[] = "the traffic secret of direction b";

static void open_ends(struct ends *e, const struct session_limits *of_a,
                      const struct session_limits *of_b)
{
    *e = (struct ends) { 0 };
    open_one(&e->a, of_a, a_secret, b_secret);
    open_one(&e->b, of_b, b_secret, a_secret);
}

static void clear_ends(struct ends *e)
{
    session_clear(&e->a);
    session_clear(&e->b);
    buf_clear(&e->wire);
    buf_clear(&e->back);
    buf_clear(&e->plain);
}

static enum mlt_err open_next(struct ends *e, enum record_kind *kind)
{
    size_t used = 0;
    enum record_kind got = 0;
    TRY(session_open(&e->b, buf_span(&e->wire), &used, &got, &e->plain, &e->back));
    buf_drop(&e->wire, used);
    *kind = got;
    return used > 0 ? MLT_OK : MLT_ERR_TRUNCATED;
}

/* The next record that is not the session's own. */
static enum mlt_err open_record(struct ends *e, enum record_kind *kind)
{
    do
        TRY(open_next(e, kind));
    while (*kind == 0 && e->wire.len > 0);
    return MLT_OK;
}

/* A body of the least size of a SEND that tells its number. */
static void seal_number(struct session *s, uint32_t number, size_t n, struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    uint8_t *at = NULL;
    assert_ok(buf_extend(&body, n, &at));
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
    assert_ok(session_seal(s, RECORD_SEND, buf_span(&body), out));
}

static uint32_t number_of(const struct buf *plain)
{
    return (uint32_t)plain->p[0] << 8 | plain->p[1];
}

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

static int order_blocks(const void *a, const void *b)
{
    return span_cmp(span_of(a, 16), span_of(b, 16));
}

/* Known plaintext gives the keystream back: zeros, after the kind and the body's number. */
static void keep_keystream(struct span frame, uint32_t number, struct buf *blocks)
{
    CLEANUP(buf_clear) struct buf keystream = { 0 };
    struct span ciphertext = span_of(frame.p + FRAME_HEADER, frame.n - FRAME_HEADER - ETM_TAG);
    if (ciphertext.n == 1) /* a rekey: less than a block to compare */
        return;
    assert_ok(buf_put(&keystream, ciphertext));
    keystream.p[0] ^= RECORD_SEND;
    keystream.p[1] ^= (uint8_t)(number >> 8);
    keystream.p[2] ^= (uint8_t)number;
    assert_ok(buf_put(blocks, span_of(keystream.p, keystream.len / 16 * 16)));
}

static void keep_all_keystream(const struct buf *wire, uint32_t number, struct buf *blocks)
{
    struct span left = buf_span(wire);
    while (left.n > 0) {
        struct frame frame;
        bool complete = false;
        assert_ok(frame_decode(left, &frame, &complete));
        assert_true(complete);
        keep_keystream(span_of(left.p, frame.size), number, blocks);
        left = span_from(left, frame.size);
    }
}

/* Row 15: both directions, three kinds of rekey, records of many blocks. */
static void no_keystream_block_ever_repeats(void **state)
{
    (void)state;
    const struct session_limits limits = { 50, 20000, 5000 };
    CLEANUP(clear_ends) struct ends e;
    CLEANUP(buf_clear) struct buf blocks = { 0 };
    open_ends(&e, &limits, &limits);
    for (uint32_t i = 0; i < 12000; i++) {
        clock_env.mono_ms += i % 977;
        buf_reset(&e.wire);
        buf_reset(&e.back);
        seal_number(&e.a, i, 41 + i % 800, &e.wire);
        seal_number(&e.b, i, 41 + i % 300, &e.back);
        keep_all_keystream(&e.wire, i, &blocks);
        keep_all_keystream(&e.back, i, &blocks);
    }
    assert_true(e.a.send.rekeys > 500);
    size_t count = blocks.len / 16;
    assert_true(count > 300000);
    qsort(blocks.p, count, 16, order_blocks);
    for (size_t i = 1; i < count; i++)
        if (order_blocks(blocks.p + 16 * (i - 1), blocks.p + 16 * i) == 0)
            fail_msg("a block of keystream came twice");
}

static void the_sequence_never_wraps(void **state)
{
    (void)state;
    const struct session_limits limits = { UINT64_MAX, UINT64_MAX, INT64_MAX / 4 };
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &limits, &limits);
    e.a.send.sequence = e.b.receive.sequence = UINT64_MAX - 1;
    seal_number(&e.a, 1, 50, &e.wire);
    assert_ok(open_record(&e, &kind));
    assert_int_equal(e.a.send.sequence, 1);
    assert_int_equal(e.b.receive.sequence, 1);

    e.a.send.sequence = UINT64_MAX;
    static const uint8_t body[50];
    assert_err(session_seal(&e.a, RECORD_SEND, SPAN_OF(body), &e.wire), MLT_ERR_STATE);
    assert_int_equal(e.wire.len, 0);
    assert_err(session_seal(&e.a, RECORD_SEND, SPAN_OF(body), &e.wire), MLT_ERR_STATE);
}

/* Row 17: around 2^32, where a shorter counter would wrap. */
static void the_sequence_is_64_bits_wide(void **state)
{
    (void)state;
    const struct session_limits limits = { UINT64_MAX, UINT64_MAX, INT64_MAX / 4 };
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &limits, &limits);
    e.a.send.sequence = e.b.receive.sequence = UINT32_MAX;
    for (uint32_t i = 0; i < 3; i++) {
        seal_number(&e.a, i, 50, &e.wire);
        assert_ok(open_record(&e, &kind));
    }
    assert_true(e.b.receive.sequence == (uint64_t)UINT32_MAX + 3);
    /* As if it had wrapped. */
    seal_number(&e.a, 0, 50, &e.wire);
    e.b.receive.sequence = 3;
    assert_err(open_record(&e, &kind), MLT_ERR_AUTH);
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

/* Row 10: the stream ends after every one of its bytes. */
static void every_truncation_is_a_cut(void **state)
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

/* A frame sealed by the other end's rightful keys, whatever it says. */
static void seal_raw(struct session *s, enum frame_type type, struct span plain, struct buf *out)
{
    CLEANUP(buf_clear) struct buf header = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    struct wire_out w = wire_out(&header);
    wire_put_u8(&w, (uint8_t)type);
    wire_put_u24(&w, (uint32_t)(plain.n + ETM_TAG));
    assert_ok(wire_out_end(&w));
    assert_ok(etm_seal(&s->send.etm, s->send.sequence++, buf_span(&header), plain, &sealed));
    assert_ok(buf_put(out, buf_span(&header)));
    assert_ok(buf_put(out, buf_span(&sealed)));
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

enum { RUN = 20, FRAME = FRAME_HEADER + 51 + ETM_TAG };

static void fill_run(struct ends *e)
{
    open_ends(e, &session_default_limits, &session_default_limits);
    for (uint32_t i = 0; i < RUN; i++)
        seal_number(&e->a, i, 50, &e->wire);
    assert_int_equal(e->wire.len, RUN * FRAME);
}

/* The first `good` frames open, the next one is refused, and then nothing opens any more. */
static void expect_refusal_after(struct ends *e, size_t good)
{
    enum record_kind kind = 0;
    for (size_t i = 0; i < good; i++) {
        assert_ok(open_next(e, &kind));
        assert_int_equal(number_of(&e->plain), i);
    }
    assert_err(open_next(e, &kind), MLT_ERR_AUTH);
    assert_int_equal(e->plain.len, 0);
    assert_err(open_next(e, &kind), MLT_ERR_STATE);
}

/* Rows 8 and 9. */
static void every_reordered_pair_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < RUN; i++) {
        for (size_t k = i + 1; k < RUN; k++) {
            CLEANUP(clear_ends) struct ends e;
            uint8_t frame[FRAME];
            fill_run(&e);
            memcpy(frame, e.wire.p + i * FRAME, FRAME);
            memcpy(e.wire.p + i * FRAME, e.wire.p + k * FRAME, FRAME);
            memcpy(e.wire.p + k * FRAME, frame, FRAME);
            expect_refusal_after(&e, i);
        }
    }
}

static void every_replayed_frame_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < RUN; i++) {
        for (size_t k = i + 1; k <= RUN; k++) {
            CLEANUP(clear_ends) struct ends e;
            CLEANUP(buf_clear) struct buf wire = { 0 };
            fill_run(&e);
            assert_ok(buf_put(&wire, span_of(e.wire.p, k * FRAME)));
            assert_ok(buf_put(&wire, span_of(e.wire.p + i * FRAME, FRAME)));
            buf_reset(&e.wire);
            assert_ok(buf_put(&e.wire, buf_span(&wire)));
            expect_refusal_after(&e, k);
        }
    }
}

static void every_dropped_frame_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < RUN; i++) {
        CLEANUP(clear_ends) struct ends e;
        fill_run(&e);
        memmove(e.wire.p + i * FRAME, e.wire.p + (i + 1) * FRAME, (RUN - i - 1) * FRAME);
        expect_refusal_after(&e, i);
    }
}

/* Row 7: what a side said is not what the other side said. */
static void reflected_frames_are_refused(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    size_t used = 0;
    enum record_kind kind = 0;
    fill_run(&e);
    assert_err(session_open(&e.a, buf_span(&e.wire), &used, &kind, &e.plain, &e.back),
               MLT_ERR_AUTH);
}

static void frames_from_before_a_rekey_are_refused_after_it(void **state)
{
    (void)state;
    const struct session_limits limits = { 3, UINT64_MAX, INT64_MAX / 4 };
    CLEANUP(clear_ends) struct ends e;
    CLEANUP(buf_clear) struct buf first = { 0 };
    enum record_kind kind = 0;
    open_ends(&e, &limits, &limits);
    seal_number(&e.a, 0, 50, &e.wire);
    assert_ok(buf_put(&first, buf_span(&e.wire)));
    assert_ok(open_record(&e, &kind));
    seal_number(&e.a, 1, 50, &e.wire);
    seal_number(&e.a, 2, 50, &e.wire); /* with a rekey before it, so sequence 0 again */
    assert_ok(open_record(&e, &kind));
    assert_ok(open_next(&e, &kind)); /* the rekey: sequence 0 is awaited */
    assert_int_equal(kind, 0);
    assert_int_equal(e.b.receive.sequence, 0);
    buf_reset(&e.wire);
    assert_ok(buf_put(&e.wire, buf_span(&first)));
    assert_err(open_next(&e, &kind), MLT_ERR_AUTH);
}

/* Row 11. */
static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < FRAME * 8; bit++) {
        CLEANUP(clear_ends) struct ends e;
        enum record_kind kind = 0;
        open_ends(&e, &session_default_limits, &session_default_limits);
        seal_number(&e.a, 0, 50, &e.wire);
        e.wire.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum mlt_err err = open_next(&e, &kind);
        /* A longer length makes it wait for bytes, which then fail. */
        if (err == MLT_ERR_TRUNCATED) {
            uint8_t *more = NULL;
            assert_ok(buf_extend(&e.wire, LIMIT_FRAME, &more));
            err = open_next(&e, &kind);
        }
        if (err == MLT_OK || err_fault(err) != FAULT_PEER)
            fail_msg("bit %zu: %s", bit, err_name(err));
        assert_int_equal(kind, 0);
        assert_int_equal(e.plain.len, 0);
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
        cmocka_unit_test(both_directions_rekey_by_count),
        cmocka_unit_test(both_directions_rekey_by_bytes),
        cmocka_unit_test(both_directions_rekey_by_time),
        cmocka_unit_test(a_record_larger_than_the_byte_limit_still_crosses),
        cmocka_unit_test(the_receiver_holds_the_peer_to_the_count),
        cmocka_unit_test(the_receiver_holds_the_peer_to_the_bytes),
        cmocka_unit_test(the_receiver_holds_the_peer_to_the_time),
        cmocka_unit_test(no_keystream_block_ever_repeats),
        cmocka_unit_test(the_sequence_never_wraps),
        cmocka_unit_test(the_sequence_is_64_bits_wide),
        cmocka_unit_test(a_close_is_told_from_a_cut),
        cmocka_unit_test(every_truncation_is_a_cut),
        cmocka_unit_test(nothing_is_sealed_after_a_close),
        cmocka_unit_test(a_close_ends_one_direction),
        cmocka_unit_test(anything_after_the_peers_close_is_refused),
        cmocka_unit_test(every_reordered_pair_is_refused),
        cmocka_unit_test(every_replayed_frame_is_refused),
        cmocka_unit_test(every_dropped_frame_is_noticed),
        cmocka_unit_test(reflected_frames_are_refused),
        cmocka_unit_test(frames_from_before_a_rekey_are_refused_after_it),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_kind_of_bad_gets_the_same_alert),
        cmocka_unit_test(an_alert_is_not_answered),
        cmocka_unit_test(limits_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests_name("session", tests, start, NULL);
}
