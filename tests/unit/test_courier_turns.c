/* SPDX-License-Identifier: Apache-2.0 */
#include "courier_scene.h"

/* One process of a home at a time has messages to one recipient under way. */

static void one_process_at_a_time_sends_to_a_recipient(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID], other[ENVELOPE_ID];
    send_first(&a, first);
    keep(&b, "joao", second);
    keep(&b, "ana", other);
    log_in(&b);
    assert_int_equal(b.said_count, 1); /* to ana; the turn for joao is taken */
    expect_said(&b, 0, SEND, other);
    assert_true(courier_due_ms(b.courier) <= clock_now.mono_ms + LIMIT_TURN_MS);
    pass(&b, LIMIT_TURN_MS);
    assert_int_equal(b.said_count, 1);
    assert_int_equal(a.said_count, 1);
    answer(&a, first, stored);
    run(&a); /* sends what b kept, since it looked: it is next */
    assert_int_equal(a.said_count, 2);
    expect_said(&a, 1, SEND, second);
    answer(&a, second, delivered);
    run(&a);
    pass(&b, LIMIT_TURN_MS);
    assert_int_equal(b.said_count, 1); /* it was sent, and never twice */
    assert_int_equal(state_of(&b, second), STORE_DELIVERED);
    assert_true(courier_take_news(b.courier).fates);
}

static void the_turn_passes_on_when_nothing_is_under_way(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID];
    send_first(&a, first);
    answer(&a, first, stored);
    run(&a);
    keep(&b, "joao", second);
    log_in(&b);
    expect_said(&b, 0, SEND, second);
    assert_int_equal(b.said[0].number, 2);
}

/* What was applied but not committed must not let another process send it again. */
static void the_turn_is_kept_until_the_answer_is_on_disk(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID], next[ENVELOPE_ID];
    keep(&a, "joao", id);
    keep(&b, "joao", next);
    log_in(&b); /* b sends both */
    assert_int_equal(b.said_count, 2);
    log_in(&a);
    forget(&a);
    answer(&b, id, stored);
    answer(&b, next, stored);
    /* b has not committed */
    bool taken = true;
    assert_ok(turn_take(a.turn, 1, &taken));
    assert_false(taken);
    run(&b);
    assert_ok(turn_take(a.turn, 1, &taken));
    assert_true(taken);
    turn_leave(a.turn, 1);
    pass(&a, LIMIT_TURN_MS);
    assert_int_equal(a.said_count, 0);
}

static void a_dead_process_leaves_its_turn(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    send_first(&a, id);
    log_in(&b);
    assert_int_equal(b.said_count, 0);
    stop(&a);
    pass(&b, LIMIT_TURN_MS);
    expect_said(&b, 0, SEND, id);
    start(&a);
}

/* While a stream is blocked for this session only this session can go on with it. */
static void a_blocked_stream_keeps_its_turn(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    send_first(&a, id);
    answer(&a, id, busy);
    run(&a);
    log_in(&b);
    pass(&b, LIMIT_TURN_MS);
    assert_int_equal(b.said_count, 0);
    courier_down(a.courier, MLT_ERR_CUT);
    pass(&b, LIMIT_TURN_MS);
    expect_said(&b, 0, SEND, id);
}

static void who_waits_for_a_turn_too_long_tells_its_host(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID];
    send_first(&a, first);
    keep(&b, "joao", second);
    log_in(&b);
    int passed = 0;
    for (; b.wait_count == 0 && passed <= LIMIT_OUTCOME_MS; passed += LIMIT_FATE_MS) {
        clock_now.wall_ms += LIMIT_FATE_MS;
        pass(&b, LIMIT_FATE_MS);
    }
    assert_in_range(passed, LIMIT_OUTCOME_MS, LIMIT_OUTCOME_MS + LIMIT_FATE_MS);
    assert_int_equal(b.wait_count, 1);
    assert_memory_equal(b.waits[0].id, second, ENVELOPE_ID);
    assert_err(b.waits[0].err, MLT_ERR_TIMEOUT);
    pass(&b, LIMIT_FATE_MS);
    assert_int_equal(b.wait_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COURIER_TEST(one_process_at_a_time_sends_to_a_recipient),
        COURIER_TEST(the_turn_passes_on_when_nothing_is_under_way),
        COURIER_TEST(the_turn_is_kept_until_the_answer_is_on_disk),
        COURIER_TEST(a_dead_process_leaves_its_turn),
        COURIER_TEST(a_blocked_stream_keeps_its_turn),
        COURIER_TEST(who_waits_for_a_turn_too_long_tells_its_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
