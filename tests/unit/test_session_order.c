/* SPDX-License-Identifier: Apache-2.0 */
#include "session_ends.h"

/*
 * Row 9: somebody between two ends who reorders, leaves out, repeats and splices the frames of a
 * conversation, in every pair of places.  Each run has 20 frames a direction, of several sizes,
 * with rekeys among them and a close at its end.  What is true of every change: the frames before
 * the first wrong one arrive as they were sent, that one ends the session, and nothing after it
 * is delivered, nor taken for an end.
 */

enum { RUN = 20, RECORDS_UNDER_ONE_KEY = 6 };

static const struct session_limits limits = { RECORDS_UNDER_ONE_KEY, UINT64_MAX, INT64_MAX / 4 };

/* The frames of one direction, apart. */
struct run {
    struct buf bytes;
    struct span frames[RUN];
    uint32_t numbers[RUN]; /* of the message in it; 0: a rekey or the close */
};

/* A row of frames to be delivered. */
struct order {
    struct span frames[2 * RUN];
    size_t count;
};

static void split(struct run *run)
{
    struct span left = buf_span(&run->bytes);
    for (size_t i = 0; i < RUN; i++) {
        struct frame frame;
        bool complete = false;
        assert_ok(frame_decode(left, &frame, &complete));
        assert_true(complete);
        run->frames[i] = span_of(left.p, frame.size);
        left = span_from(left, frame.size);
    }
    assert_int_equal(left.n, 0);
}

/* Messages until only the close is missing; a rekey comes with the message that makes it due. */
static void fill(struct session *s, struct run *run)
{
    *run = (struct run) { 0 };
    size_t count = 0;
    for (uint32_t number = 1; count < RUN - 1; number++) {
        uint64_t rekeys = s->send.rekeys;
        seal_number(s, number, 41 + number % 3 * 7, &run->bytes);
        count += s->send.rekeys - rekeys;
        assert_true(count < RUN - 1);
        run->numbers[count++] = number;
    }
    assert_ok(session_close(s, CLOSE_DONE, &run->bytes));
    split(run);
}

/* Both directions of two conversations.  The ends are those of the first one. */
struct stage {
    struct run there, back; /* of this conversation */
    struct run other;       /* the same direction of another one, with other keys */
};

static void stage_clear(struct stage *s)
{
    buf_clear(&s->there.bytes);
    buf_clear(&s->back.bytes);
    buf_clear(&s->other.bytes);
}

static void stage_init(struct stage *s)
{
    struct session a, b, other;
    open_one(&a, &limits, a_secret, b_secret);
    open_one(&b, &limits, b_secret, a_secret);
    open_one(&other, &limits, "a traffic secret of another session", b_secret);
    fill(&a, &s->there);
    fill(&b, &s->back);
    fill(&other, &s->other);
    assert_true(a.send.rekeys >= 2);
    session_clear(&a);
    session_clear(&b);
    session_clear(&other);
}

/* How many frames stand as they were sent. */
static size_t good_ones(const struct stage *s, const struct order *order)
{
    size_t n = 0;
    while (n < order->count && n < RUN && span_eq(order->frames[n], s->there.frames[n]))
        n++;
    return n;
}

static void open_good(const struct stage *s, struct session *receiver, size_t i, struct buf *out)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    enum record_kind kind = 0;
    size_t used = 0;
    assert_ok(session_open(receiver, s->there.frames[i], &used, &kind, &plain, out));
    assert_int_equal(used, s->there.frames[i].n);
    assert_int_equal(kind, s->there.numbers[i] != 0 ? RECORD_SEND : 0);
    if (kind != 0)
        assert_int_equal(number_of(&plain), s->there.numbers[i]);
}

static void open_bad(struct session *receiver, struct span frame, bool is_first, struct buf *out)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    enum record_kind kind = 0;
    size_t used = 0;
    enum mlt_err err = session_open(receiver, frame, &used, &kind, &plain, out);
    if (!is_first)
        assert_err(err, MLT_ERR_STATE);
    else /* behind the close not even that is looked at */
        assert_err(err, receiver->receive_closed ? MLT_ERR_UNEXPECTED : MLT_ERR_AUTH);
    assert_int_equal(kind, 0);
    assert_int_equal(plain.len, 0);
    assert_int_equal(used, 0);
}

/* Delivers them in that order, and demands what the head of this file says. */
static void deliver(const struct stage *s, const struct order *order)
{
    struct session receiver;
    CLEANUP(buf_clear) struct buf out = { 0 };
    size_t good = good_ones(s, order);
    open_one(&receiver, &limits, b_secret, a_secret);
    for (size_t i = 0; i < good; i++)
        open_good(s, &receiver, i, &out);
    assert_int_equal(out.len, 0);
    for (size_t i = good; i < order->count; i++)
        open_bad(&receiver, order->frames[i], i == good, &out);
    bool is_whole = good == RUN && order->count == RUN;
    assert_int_equal(session_end(&receiver, (struct span) { 0 }), is_whole ? MLT_OK : MLT_ERR_CUT);
    /* One alert, and only where there was a bad frame. */
    assert_int_equal(out.len, order->count > good ? FRAME_HEADER + 1 + ETM_TAG : 0);
    session_clear(&receiver);
}

static void put_run(const struct stage *s, struct order *order)
{
    memcpy(order->frames, s->there.frames, sizeof(s->there.frames));
    order->count = RUN;
}

static void take_out(struct order *order, size_t at)
{
    memmove(order->frames + at, order->frames + at + 1,
            (order->count - at - 1) * sizeof(order->frames[0]));
    order->count--;
}

static void put_in(struct order *order, size_t at, struct span frame)
{
    memmove(order->frames + at + 1, order->frames + at,
            (order->count - at) * sizeof(order->frames[0]));
    order->frames[at] = frame;
    order->count++;
}

static void the_run_as_it_is_arrives(void **state)
{
    (void)state;
    CLEANUP(stage_clear) struct stage s;
    struct order order;
    stage_init(&s);
    put_run(&s, &order);
    assert_int_equal(good_ones(&s, &order), RUN);
    deliver(&s, &order);
}

static void row_09_every_pair_of_frames_swapped_or_moved_is_refused(void **state)
{
    (void)state;
    CLEANUP(stage_clear) struct stage s;
    struct order order;
    stage_init(&s);
    for (size_t i = 0; i < RUN; i++) {
        for (size_t k = 0; k < RUN; k++) {
            if (i == k)
                continue;
            put_run(&s, &order);
            order.frames[i] = s.there.frames[k];
            order.frames[k] = s.there.frames[i];
            deliver(&s, &order);
            put_run(&s, &order);
            take_out(&order, i);
            put_in(&order, k, s.there.frames[i]);
            deliver(&s, &order);
        }
    }
}

static void row_09_every_frame_or_pair_left_out_is_missed(void **state)
{
    (void)state;
    CLEANUP(stage_clear) struct stage s;
    struct order order;
    stage_init(&s);
    for (size_t i = 0; i < RUN; i++) {
        for (size_t k = i; k < RUN; k++) {
            put_run(&s, &order);
            if (k > i)
                take_out(&order, k);
            take_out(&order, i);
            deliver(&s, &order);
        }
        put_run(&s, &order);
        order.count = i; /* and all from here on */
        deliver(&s, &order);
    }
}

static void row_09_every_frame_repeated_anywhere_is_refused(void **state)
{
    (void)state;
    CLEANUP(stage_clear) struct stage s;
    struct order order;
    stage_init(&s);
    for (size_t i = 0; i < RUN; i++) {
        for (size_t k = 0; k <= RUN; k++) {
            put_run(&s, &order);
            put_in(&order, k, s.there.frames[i]);
            deliver(&s, &order);
            if (k == RUN || k == i)
                continue;
            put_run(&s, &order);
            order.frames[k] = s.there.frames[i]; /* in place of another */
            deliver(&s, &order);
        }
    }
}

static void splice(const struct stage *s, const struct run *from)
{
    struct order order;
    for (size_t i = 0; i < RUN; i++) {
        for (size_t k = 0; k <= RUN; k++) {
            put_run(s, &order);
            put_in(&order, k, from->frames[i]);
            deliver(s, &order);
            if (k == RUN)
                continue;
            put_run(s, &order);
            order.frames[k] = from->frames[i];
            deliver(s, &order);
        }
        put_run(s, &order); /* from here on all of it */
        memcpy(order.frames + i, from->frames + i, (RUN - i) * sizeof(order.frames[0]));
        deliver(s, &order);
    }
}

static void row_09_every_frame_of_the_other_direction_is_refused(void **state)
{
    (void)state;
    CLEANUP(stage_clear) struct stage s;
    stage_init(&s);
    splice(&s, &s.back);
}

static void row_09_every_frame_of_another_session_is_refused(void **state)
{
    (void)state;
    CLEANUP(stage_clear) struct stage s;
    stage_init(&s);
    splice(&s, &s.other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_run_as_it_is_arrives),
        cmocka_unit_test(row_09_every_pair_of_frames_swapped_or_moved_is_refused),
        cmocka_unit_test(row_09_every_frame_or_pair_left_out_is_missed),
        cmocka_unit_test(row_09_every_frame_repeated_anywhere_is_refused),
        cmocka_unit_test(row_09_every_frame_of_the_other_direction_is_refused),
        cmocka_unit_test(row_09_every_frame_of_another_session_is_refused),
    };
    return cmocka_run_group_tests_name("session_order", tests, start_libraries, NULL);
}
