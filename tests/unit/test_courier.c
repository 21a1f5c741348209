/* SPDX-License-Identifier: Apache-2.0 */
#include "courier_scene.h"

/* What comes and is confirmed, what goes and is answered. */

/* ---- receiving ---- */

static void what_came_is_on_disk_before_its_receipt(void **state)
{
    (void)state;
    log_in(&a);
    deliver(&a, "joao", 1);
    deliver(&a, "joao", 2);
    deliver(&a, "ana", 2);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(count_from_outside(), 0);
    run(&a);
    assert_int_equal(a.said_count, 3);
    assert_int_equal(a.said[1].what, RECEIPT);
    assert_int_equal(a.said[1].state, OUTCOME_DELIVERED);
    assert_int_equal(a.said[1].id[0], 2);
    assert_int_equal(a.unshown_at_receipt, 3);
    assert_true(courier_take_news(a.courier).messages);
    assert_false(courier_take_news(a.courier).messages);
}

static void what_came_twice_is_confirmed_twice_and_there_once(void **state)
{
    (void)state;
    log_in(&a);
    deliver(&a, "joao", 1);
    deliver(&a, "joao", 1);
    run(&a);
    assert_int_equal(a.said_count, 2);
    assert_int_equal(count_from_outside(), 1);
    stop(&a);
    start(&a);
    log_in(&a);
    deliver(&a, "joao", 1);
    run(&a);
    assert_int_equal(a.said_count, 1);
    assert_int_equal(count_from_outside(), 1);
    assert_false(courier_take_news(a.courier).messages);
}

static void what_was_not_committed_is_not_confirmed_by_any_end(void **state)
{
    (void)state;
    log_in(&a);
    deliver(&a, "joao", 1);
    courier_down(a.courier, MLT_ERR_CUT);
    assert_int_equal(count_from_outside(), 0);
    log_in(&a);
    deliver(&a, "joao", 1);
    stop(&a);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(count_from_outside(), 0);
    start(&a);
}

static void more_than_a_batch_is_confirmed_in_parts(void **state)
{
    (void)state;
    log_in(&a);
    struct envelope e = envelope_from("joao", 0);
    for (unsigned i = 0; i < LIMIT_CONFIRM_BATCH + 1; i++) {
        e.number = i + 1;
        memcpy(e.id, &i, sizeof(i));
        assert_ok(courier_deliver(a.courier, &e));
    }
    assert_int_equal(a.said_count, LIMIT_CONFIRM_BATCH);
    assert_int_equal(a.unshown_at_receipt, LIMIT_CONFIRM_BATCH);
    run(&a);
    assert_int_equal(a.said_count, LIMIT_CONFIRM_BATCH + 1);
}

/* The second of three cannot be kept: none is. */
static void a_batch_with_a_failure_confirms_nothing(void **state)
{
    (void)state;
    run_sql("CREATE TRIGGER full BEFORE INSERT ON messages WHEN NEW.peer = 'ana'"
            " BEGIN SELECT raise(ABORT, 'no'); END");
    log_in(&a);
    deliver(&a, "joao", 1);
    const struct envelope e = envelope_from("ana", 1);
    assert_err(courier_deliver(a.courier, &e), MLT_ERR_DATABASE);
    deliver(&a, "joao", 2); /* a caller that does not stop */
    assert_err(courier_settle(a.courier), MLT_ERR_DATABASE);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(count_from_outside(), 0);
    assert_false(courier_take_news(a.courier).messages);
    courier_down(a.courier, MLT_ERR_DATABASE);
    run_sql("DROP TRIGGER full");
    log_in(&a);
    deliver(&a, "joao", 1);
    run(&a);
    assert_int_equal(a.said_count, 1);
}

static void what_was_read_is_said_once(void **state)
{
    (void)state;
    struct envelope e = envelope_from("joao", 1);
    e.flags = ENVELOPE_WANTS_READ;
    log_in(&a);
    assert_ok(courier_deliver(a.courier, &e));
    run(&a);
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    assert_ok(store_shown(a.store, 1, true)); /* while there is no session */
    courier_wake(a.courier);
    run(&a);
    assert_int_equal(a.said_count, 0);
    log_in(&a);
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, RECEIPT, e.id);
    assert_int_equal(a.said[0].state, OUTCOME_READ);
    courier_wake(a.courier);
    run(&a);
    assert_int_equal(a.said_count, 1);
}

/* ---- sending ---- */

static void messages_go_in_order_and_recipients_in_turn(void **state)
{
    (void)state;
    uint8_t to_joao[3][ENVELOPE_ID], to_ana[2][ENVELOPE_ID];
    for (size_t i = 0; i < 3; i++)
        keep(&a, "joao", to_joao[i]);
    for (size_t i = 0; i < 2; i++)
        keep(&a, "ana", to_ana[i]);
    assert_int_equal(a.said_count, 0);
    log_in(&a);
    assert_int_equal(a.said_count, 5);
    expect_said(&a, 0, SEND, to_ana[0]);
    expect_said(&a, 1, SEND, to_joao[0]);
    expect_said(&a, 2, SEND, to_ana[1]);
    expect_said(&a, 3, SEND, to_joao[1]);
    expect_said(&a, 4, SEND, to_joao[2]);
    run(&a);
    assert_int_equal(a.said_count, 5); /* once */
}

static void no_more_than_a_window_is_under_way_in_all(void **state)
{
    (void)state;
    static const char *const names[] = { "ana", "joao", "zoe" };
    uint8_t id[ENVELOPE_ID];
    for (size_t i = 0; i < LIMIT_SEND_WINDOW + 2; i++)
        keep(&a, names[i % COUNT_OF(names)], id);
    log_in(&a);
    assert_int_equal(a.said_count, LIMIT_SEND_WINDOW);
    assert_int_equal(courier_under_way(a.courier), LIMIT_SEND_WINDOW);
    answer(&a, a.said[0].id, stored);
    run(&a);
    assert_int_equal(a.said_count, LIMIT_SEND_WINDOW + 1);
}

static void an_outcome_is_on_disk_before_it_is_noted(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    struct outcome kept = delivered;
    kept.kept = true;
    send_first(&a, id);
    forget(&a);
    answer(&a, id, kept);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(state_of(&b, id), STORE_WAITING);
    run(&a);
    expect_said(&a, 0, NOTED, id);
    assert_int_equal(state_of(&b, id), STORE_DELIVERED);
    assert_true(courier_take_news(a.courier).fates);
    answer(&a, id, kept); /* the server missed our word */
    run(&a);
    expect_said(&a, 1, NOTED, id);
    assert_int_equal(a.said_count, 2);
}

static void a_lost_session_sends_again_with_the_same_ids(void **state)
{
    (void)state;
    uint8_t id[2][ENVELOPE_ID];
    keep(&a, "joao", id[0]);
    keep(&a, "joao", id[1]);
    log_in(&a);
    answer(&a, id[0], stored);
    run(&a);
    courier_down(a.courier, MLT_ERR_CUT);
    assert_int_equal(a.wait_count, 1); /* of the one nobody had answered */
    assert_memory_equal(a.waits[0].id, id[1], ENVELOPE_ID);
    assert_err(a.waits[0].err, MLT_ERR_CUT);
    assert_string_equal(a.waits[0].recipient.text, "joao");
    forget(&a);
    log_in(&a);
    assert_int_equal(a.said_count, 1); /* what is stored is not sent again */
    expect_said(&a, 0, SEND, id[1]);
    assert_int_equal(a.said[0].number, 2);
}

static void silence_is_told_once_and_lasts(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    send_first(&a, id);
    pass(&a, LIMIT_OUTCOME_MS - 1);
    assert_int_equal(a.wait_count, 0);
    pass(&a, 1);
    assert_int_equal(a.wait_count, 1);
    assert_err(a.waits[0].err, MLT_ERR_TIMEOUT);
    pass(&a, LIMIT_OUTCOME_MS);
    courier_down(a.courier, MLT_ERR_CUT);
    assert_int_equal(a.wait_count, 1);
}

/* The server owes an answer that it will not give: another session asks again. */
static void a_session_whose_server_does_not_answer_is_stuck(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    send_first(&a, id);
    pass(&a, LIMIT_OUTCOME_MS - 1);
    assert_false(courier_is_stuck(a.courier));
    pass(&a, 1);
    assert_true(courier_is_stuck(a.courier));
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    log_in(&a);
    assert_false(courier_is_stuck(a.courier));
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, SEND, id);
}

static void jump(int64_t seconds)
{
    clock_now.wall_ms += seconds * INT64_C(1000);
}

static void a_clock_that_jumps_in_a_session_makes_nothing_too_old(void **state)
{
    (void)state;
    uint8_t waiting[ENVELOPE_ID], lies_there[ENVELOPE_ID];
    keep(&a, "ana", lies_there);
    send_first(&a, waiting);
    answer(&a, lies_there, stored);
    run(&a);
    answer(&a, waiting, busy);
    run(&a);
    jump(LIMIT_OUTBOX_S + 1);
    pass(&a, LIMIT_OUTBOX_LOOK_MS);
    assert_int_equal(state_of(&a, waiting), STORE_WAITING);
    assert_int_equal(state_of(&a, lies_there), STORE_STORED);
    courier_down(a.courier, MLT_ERR_CUT);
    log_in(&a); /* the server had the same idea of the time */
    assert_int_equal(state_of(&a, waiting), STORE_EXPIRED);
    assert_int_equal(state_of(&a, lies_there), STORE_UNKNOWN);
}

/* Nor is what was sent meanwhile taken for older than it is. */
static void a_clock_that_jumps_back_in_a_session_dates_nothing(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    log_in(&a);
    pass(&a, LIMIT_OUTBOX_LOOK_MS - 1);
    jump(-(LIMIT_OUTBOX_S + 1));
    keep(&a, "joao", id);
    run(&a);
    pass(&a, 1);
    jump(LIMIT_OUTBOX_S + 1);
    courier_down(a.courier, MLT_ERR_CUT);
    log_in(&a);
    assert_int_equal(state_of(&a, id), STORE_WAITING);
}

static void what_becomes_too_old_in_a_session_is_given_up(void **state)
{
    (void)state;
    const int64_t most_ms = (LIMIT_OUTBOX_S + 1) * INT64_C(1000);
    uint8_t id[ENVELOPE_ID];
    send_first(&a, id);
    answer(&a, id, stored);
    clock_now.wall_ms += most_ms + LIMIT_CLOCK_JUMP_MS; /* set right by so much, on the way */
    pass(&a, most_ms);
    assert_int_equal(state_of(&a, id), STORE_UNKNOWN);
}

static void what_is_too_old_is_given_up_and_not_sent(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    send_first(&a, id);
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    clock_now.wall_ms += (LIMIT_OUTBOX_S + 1) * INT64_C(1000);
    log_in(&a);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(state_of(&a, id), STORE_EXPIRED);
    assert_true(courier_take_news(a.courier).fates);
}

/* As old as it may be: beyond the window it was not even sent once. */
static void what_was_never_sent_is_sent_however_old_it_is(void **state)
{
    (void)state;
    uint8_t id[LIMIT_SEND_WINDOW + 1][ENVELOPE_ID];
    for (size_t i = 0; i < COUNT_OF(id); i++)
        keep(&a, "joao", id[i]);
    clock_now.wall_ms += (LIMIT_OUTBOX_S + 1) * INT64_C(1000);
    log_in(&a);
    assert_int_equal(a.said_count, LIMIT_SEND_WINDOW);
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    clock_now.wall_ms += (LIMIT_OUTBOX_S + 1) * INT64_C(1000);
    log_in(&a);
    for (size_t i = 0; i < LIMIT_SEND_WINDOW; i++)
        assert_int_equal(state_of(&a, id[i]), STORE_EXPIRED);
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, SEND, id[LIMIT_SEND_WINDOW]);
    assert_int_equal(state_of(&a, id[LIMIT_SEND_WINDOW]), STORE_WAITING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COURIER_TEST(what_came_is_on_disk_before_its_receipt),
        COURIER_TEST(what_came_twice_is_confirmed_twice_and_there_once),
        COURIER_TEST(what_was_not_committed_is_not_confirmed_by_any_end),
        COURIER_TEST(more_than_a_batch_is_confirmed_in_parts),
        COURIER_TEST(a_batch_with_a_failure_confirms_nothing),
        COURIER_TEST(what_was_read_is_said_once),
        COURIER_TEST(messages_go_in_order_and_recipients_in_turn),
        COURIER_TEST(no_more_than_a_window_is_under_way_in_all),
        COURIER_TEST(an_outcome_is_on_disk_before_it_is_noted),
        COURIER_TEST(a_lost_session_sends_again_with_the_same_ids),
        COURIER_TEST(silence_is_told_once_and_lasts),
        COURIER_TEST(a_session_whose_server_does_not_answer_is_stuck),
        COURIER_TEST(a_clock_that_jumps_in_a_session_makes_nothing_too_old),
        COURIER_TEST(a_clock_that_jumps_back_in_a_session_dates_nothing),
        COURIER_TEST(what_becomes_too_old_in_a_session_is_given_up),
        COURIER_TEST(what_is_too_old_is_given_up_and_not_sent),
        COURIER_TEST(what_was_never_sent_is_sent_however_old_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
