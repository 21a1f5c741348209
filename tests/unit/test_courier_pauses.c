/* SPDX-License-Identifier: Apache-2.0 */
#include "courier_scene.h"

#include <stdio.h>

/* What was refused for the moment, or lost, goes again: when, in which order, and when it cannot.
 */

enum { PAUSES = 12 };

static int64_t nth_pause(unsigned n)
{
    int64_t doubled = (int64_t)LIMIT_RESEND_FIRST_MS << n;
    return doubled < LIMIT_RESEND_MOST_MS ? doubled : LIMIT_RESEND_MOST_MS;
}

/* PROTOCOL.md 8.3: number 2 of 4 is refused for the moment. */
static void after_a_refusal_that_passes_all_go_again_from_there_in_order(void **state)
{
    (void)state;
    uint8_t id[4][ENVELOPE_ID];
    for (size_t i = 0; i < 4; i++)
        keep(&a, "joao", id[i]);
    log_in(&a);
    forget(&a);
    answer(&a, id[0], stored);
    answer(&a, id[1], busy);
    run(&a);
    pass(&a, LIMIT_RESEND_MOST_MS);
    answer(&a, id[2], busy);
    run(&a);
    assert_int_equal(a.said_count, 0); /* 4 is still under way: it will be refused */
    answer(&a, id[3], busy);
    run(&a);
    assert_int_equal(a.said_count, 3); /* the pause is over */
    for (size_t i = 0; i < 3; i++)
        expect_said(&a, i, SEND, id[i + 1]);
    for (size_t i = 1; i < 4; i++)
        answer(&a, id[i], delivered);
    run(&a);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(state_of(&b, id[i]), STORE_DELIVERED);
    assert_false(courier_is_stuck(a.courier));
}

static void the_pause_doubles_up_to_its_most_and_begins_anew(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID], next[ENVELOPE_ID];
    assert_int_equal(nth_pause(PAUSES - 2), LIMIT_RESEND_MOST_MS);
    send_first(&a, id);
    for (unsigned n = 0; n < PAUSES; n++) {
        answer(&a, id, unknown);
        run(&a);
        expect_pause(&a, nth_pause(n), id);
    }
    answer(&a, id, delivered);
    keep(&a, "joao", next);
    run(&a);
    answer(&a, next, busy);
    run(&a);
    expect_pause(&a, LIMIT_RESEND_FIRST_MS, next);
}

static void a_recipient_who_has_to_wait_delays_nobody_else(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID], other[ENVELOPE_ID];
    send_first(&a, id);
    answer(&a, id, busy);
    run(&a);
    forget(&a);
    keep(&a, "ana", other);
    run(&a);
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, SEND, other);
}

/* The server lost it from a mailbox, says a notice; but it is on its way again already. */
static void a_notice_of_loss_is_no_answer_to_what_is_under_way(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    struct outcome notice = unknown;
    notice.kept = true;
    send_first(&a, id);
    forget(&a);
    answer(&a, id, notice);
    run(&a);
    pass(&a, LIMIT_RESEND_MOST_MS);
    assert_int_equal(a.said_count, 1); /* noted, and not sent twice in one session */
    expect_said(&a, 0, NOTED, id);
    assert_int_equal(courier_under_way(a.courier), 1);
    answer(&a, id, stored);
    run(&a);
    assert_int_equal(state_of(&a, id), STORE_STORED);
    forget(&a);
    answer(&a, id, notice); /* now it speaks of what was stored */
    run(&a);
    expect_said(&a, 0, NOTED, id);
    assert_int_equal(a.said_count, 1);
    expect_pause(&a, LIMIT_RESEND_FIRST_MS, id);
}

/* Stored, lost, stored, lost: with a pause each time, and nobody else waits. */
static void what_is_lost_again_and_again_goes_again_with_a_growing_pause(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID], other[ENVELOPE_ID], next[ENVELOPE_ID];
    struct outcome notice = unknown;
    notice.kept = true;
    send_first(&a, id);
    for (unsigned n = 0; n < PAUSES; n++) {
        answer(&a, id, stored);
        if (n % 2 == 0)
            run(&a); /* its turn was left, or not yet */
        answer(&a, id, notice);
        run(&a);
        forget(&a);
        keep(&a, "ana", other);
        run(&a);
        assert_int_equal(a.said_count, 1);
        answer(&a, other, delivered);
        expect_pause(&a, nth_pause(n), id);
    }
    answer(&a, id, delivered);
    keep(&a, "joao", next);
    run(&a);
    answer(&a, next, stored);
    answer(&a, next, notice);
    run(&a);
    expect_pause(&a, LIMIT_RESEND_FIRST_MS, next);
}

/* A server that ends the session each time is not asked faster for it. */
static void the_pause_after_a_loss_grows_from_session_to_session(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID], other[ENVELOPE_ID];
    struct outcome notice = unknown;
    notice.kept = true;
    send_first(&a, id);
    for (unsigned n = 0; n < PAUSES; n++) {
        answer(&a, id, stored);
        answer(&a, id, notice);
        run(&a);
        courier_down(a.courier, MLT_ERR_CUT);
        forget(&a);
        keep(&a, "ana", other);
        log_in(&a);
        assert_int_equal(a.said_count, 1);
        expect_said(&a, 0, SEND, other);
        answer(&a, other, delivered);
        expect_pause(&a, nth_pause(n), id);
    }
}

/* Another message of the stream is stored between two refusals. */
static void stored_does_not_end_the_growing_of_a_pause(void **state)
{
    (void)state;
    uint8_t id[3][ENVELOPE_ID];
    for (size_t i = 0; i < 3; i++)
        keep(&a, "joao", id[i]);
    log_in(&a);
    for (size_t i = 0; i < 3; i++)
        answer(&a, id[i], busy);
    run(&a);
    pass(&a, LIMIT_RESEND_FIRST_MS);
    answer(&a, id[0], stored);
    answer(&a, id[1], busy);
    answer(&a, id[2], busy);
    run(&a);
    forget(&a);
    pass(&a, 2 * LIMIT_RESEND_FIRST_MS - 1);
    assert_int_equal(a.said_count, 0);
    pass(&a, 1);
    assert_int_equal(a.said_count, 2);
    expect_said(&a, 0, SEND, id[1]);
    expect_said(&a, 1, SEND, id[2]);
}

/* ---- dead ends ---- */

static void a_session_blocked_by_a_message_that_is_gone_is_stuck(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID];
    send_first(&a, first);
    answer(&a, first, busy);
    run(&a);
    assert_ok(store_outbox_drop(b.store, first));
    keep(&b, "joao", second);
    assert_false(courier_is_stuck(a.courier));
    pass(&a, LIMIT_RESEND_FIRST_MS);
    assert_true(courier_is_stuck(a.courier));
    assert_int_equal(a.said_count, 1);
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    log_in(&a);
    assert_false(courier_is_stuck(a.courier));
    expect_said(&a, 0, SEND, second);
}

static void it_is_stuck_too_when_nothing_else_waits(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    send_first(&a, id);
    answer(&a, id, busy);
    run(&a);
    assert_ok(store_outbox_drop(b.store, id));
    pass(&a, LIMIT_RESEND_FIRST_MS);
    assert_true(courier_is_stuck(a.courier));
}

static void no_more_streams_are_begun_than_a_server_lets_block(void **state)
{
    (void)state;
    uint8_t id[LIMIT_BLOCKED_STREAMS + 1][ENVELOPE_ID];
    for (unsigned i = 0; i <= LIMIT_BLOCKED_STREAMS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "u%03u", i);
        keep(&a, name, id[i]);
    }
    log_in(&a);
    assert_int_equal(a.said_count, LIMIT_SEND_WINDOW);
    forget(&a);
    for (unsigned i = 0; i < LIMIT_BLOCKED_STREAMS; i++)
        answer(&a, id[i], busy);
    run(&a);
    assert_int_equal(a.said_count, 0); /* the window is free, but every place is taken */
    pass(&a, LIMIT_RESEND_FIRST_MS);
    assert_int_equal(a.said_count, LIMIT_BLOCKED_STREAMS);
    forget(&a);
    answer(&a, id[3], delivered);
    run(&a);
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, SEND, id[LIMIT_BLOCKED_STREAMS]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COURIER_TEST(after_a_refusal_that_passes_all_go_again_from_there_in_order),
        COURIER_TEST(the_pause_doubles_up_to_its_most_and_begins_anew),
        COURIER_TEST(a_recipient_who_has_to_wait_delays_nobody_else),
        COURIER_TEST(a_notice_of_loss_is_no_answer_to_what_is_under_way),
        COURIER_TEST(what_is_lost_again_and_again_goes_again_with_a_growing_pause),
        COURIER_TEST(the_pause_after_a_loss_grows_from_session_to_session),
        COURIER_TEST(stored_does_not_end_the_growing_of_a_pause),
        COURIER_TEST(a_session_blocked_by_a_message_that_is_gone_is_stuck),
        COURIER_TEST(it_is_stuck_too_when_nothing_else_waits),
        COURIER_TEST(no_more_streams_are_begun_than_a_server_lets_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
