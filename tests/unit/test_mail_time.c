/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include "base/limits.h"

/* Stored mail and notices age by a clock of the store's own, which no jump of the wall clock moves.
 */

static const int64_t day_ms = 86400000;

static void mail_that_nobody_came_for_expires_and_its_sender_is_told(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_pass(10 * day_ms);
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mailroom_pass(20 * day_ms - 1);
    mailroom_tick(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ");
    mailroom_pass(1);
    mail_store_tick(m.store);
    struct mail_done told = mailroom_await(&m, MAIL_TOLD);
    assert_true(told.removed);
    assert_int_equal(told.notice.state, OUTCOME_EXPIRED);
    assert_string_equal(told.notice.recipient.text, "joao");
    assert_string_equal(mailroom_read(&m, "joao"), "ana:2:y ");
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:expired ");
    mailroom_check();
}

static void a_wall_clock_that_jumps_makes_nothing_expire(void **state)
{
    (void)state;
    static const int64_t jumps[] = { 4000, -8000, 4000 };
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    for (size_t i = 0; i < COUNT_OF(jumps); i++) {
        mailroom_jump(jumps[i] * day_ms);
        mailroom_tick(&m);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
        /* Nor over a new start. */
        mailroom_again(&m);
        mailroom_tick(&m);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
    }
}

/* The server's stop counts by the wall clock, a day at most. */
static void a_stop_counts_as_time_but_not_for_long(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_pass(28 * day_ms);
    mailroom_tick(&m);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
        mail_store_close(&m.store);
        mailroom_jump((i == 0 ? 100 : 1) * day_ms);
        mailroom_again(&m);
    }
    mailroom_tick(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "");
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:expired ");
}

/* A crash forgets no more of its age than a minute. */
static void time_goes_on_after_a_crash(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_pass_mono(29 * day_ms);
    mailroom_tick(&m);
    assert_int_equal(mailroom_sql("SELECT age_ms FROM clock"), 29 * day_ms);
    mailroom_pass_mono(30000);
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mail_store_close(&m.store);
    mailroom_sql("UPDATE clock SET age_ms = 29 * 86400000"); /* as if it had been killed */
    mailroom_again(&m);
    mailroom_keep(&m, "ana", "joao", 3, "z");
    assert_int_equal(mailroom_sql("SELECT kept FROM messages WHERE row = 3"), 29 * day_ms + 30000);
    /* A damaged row does not make it jump. */
    mail_store_close(&m.store);
    mailroom_sql("UPDATE messages SET kept = 1 << 60 WHERE row = 3");
    mailroom_again(&m);
    mailroom_settle(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ana:3:z ");
}

static void more_than_a_batch_expires_in_one_go(void **state)
{
    (void)state;
    enum { messages = 2 * LIMIT_EXPIRE_BATCH + 3 };
    MAILROOM(m);
    for (int i = 1; i <= messages; i++)
        mailroom_give(&m, "ana", i % 2 == 0 ? "joao" : "maria", i, "x");
    mailroom_await_stored(&m, messages);
    mailroom_pass(30 * day_ms);
    mail_store_tick(m.store);
    for (int i = 1; i <= messages; i++)
        assert_int_equal(mailroom_await(&m, MAIL_TOLD).notice.state, OUTCOME_EXPIRED);
    assert_string_equal(mailroom_read(&m, "joao"), "");
    mailroom_check();
}

static void a_notice_nobody_comes_for_is_forgotten(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 1, "x"), OUTCOME_DELIVERED);
    mailroom_pass((int64_t)LIMIT_NOTICE_S * 1000);
    mailroom_tick(&m);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered ");
    mailroom_pass(1);
    mailroom_tick(&m);
    assert_string_equal(mailroom_notices(&m, "ana"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_that_nobody_came_for_expires_and_its_sender_is_told),
        cmocka_unit_test(a_wall_clock_that_jumps_makes_nothing_expire),
        cmocka_unit_test(a_stop_counts_as_time_but_not_for_long),
        cmocka_unit_test(time_goes_on_after_a_crash),
        cmocka_unit_test(more_than_a_batch_expires_in_one_go),
        cmocka_unit_test(a_notice_nobody_comes_for_is_forgotten),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
