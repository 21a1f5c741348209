/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "client/renewal.h"
#include "pair.h"

/* When a session asks for its certificate's successor. */

static struct pair_env clock_now;
static struct renewal r;
static const int64_t day_s = 86400;

static int begin(void **state)
{
    (void)state;
    pair_env_start(&clock_now);
    r = (struct renewal) { 0 };
    return 0;
}

static int64_t now_s(void)
{
    return clock_now.wall_ms / 1000;
}

/* Issued `age_s` ago, as the CA does. */
static struct cert_fields issued(int64_t age_s, int64_t life_s)
{
    return (struct cert_fields) { .role = CERT_CLIENT,
                                  .not_before_s = now_s() - age_s - LIMIT_BACKDATE_S,
                                  .not_after_s = now_s() - age_s + life_s };
}

static void pass(int64_t s)
{
    clock_now.wall_ms += s * 1000;
    clock_now.mono_ms += s * 1000;
}

static void it_is_due_after_a_third_of_the_life_and_before_five_twelfths(void **state)
{
    (void)state;
    static const int64_t lives_s[] = { 600, 3600, 90 * 86400 };
    for (size_t i = 0; i < COUNT_OF(lives_s); i++) {
        struct cert_fields own = issued(0, lives_s[i]);
        for (int chance = 0; chance < 256; chance++) {
            own.serial[CERT_SERIAL - 2] = (uint8_t)chance;
            own.serial[CERT_SERIAL - 1] = (uint8_t)(7 * chance);
            int64_t after_s = renewal_due_s(&own) - now_s();
            assert_in_range(after_s, lives_s[i] / 3 + 1, lives_s[i] * 5 / 12 + 1);
        }
    }
}

static void a_fleet_does_not_come_at_once(void **state)
{
    (void)state;
    struct cert_fields own = issued(0, 90 * day_s);
    unsigned days[8] = { 0 };
    for (int i = 0; i < 65536; i += 16) {
        own.serial[CERT_SERIAL - 2] = (uint8_t)(i >> 8);
        own.serial[CERT_SERIAL - 1] = (uint8_t)i;
        int64_t late_s = renewal_due_s(&own) - now_s() - 30 * day_s - 1;
        days[late_s / day_s]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(days[i], 4096 / 9, 4096 / 6);
}

static void a_session_asks_when_it_is_due_and_then_waits_for_the_answer(void **state)
{
    (void)state;
    const struct cert_fields own = issued(0, 600);
    renewal_begin(&r, &clock_now.env, &own, false);
    assert_false(renewal_is_due(&r));
    int64_t left_ms = renewal_due_ms(&r) - clock_now.mono_ms;
    assert_in_range(left_ms, 200000, 252000);
    pass(left_ms / 1000 - 1);
    assert_false(renewal_is_due(&r));
    pass(2);
    assert_true(renewal_is_due(&r));
    renewal_asked(&r);
    assert_false(renewal_is_due(&r));
    assert_true(renewal_due_ms(&r) == INT64_MAX);
}

static void a_session_with_an_old_certificate_asks_at_once(void **state)
{
    (void)state;
    const struct cert_fields own = issued(80 * day_s, 90 * day_s);
    renewal_begin(&r, &clock_now.env, &own, false);
    assert_true(renewal_is_due(&r));
}

static void who_was_let_in_to_renew_asks_at_once(void **state)
{
    (void)state;
    const struct cert_fields own = issued(0, 90 * day_s);
    renewal_begin(&r, &clock_now.env, &own, true);
    assert_true(renewal_is_due(&r));
}

static void without_a_session_nothing_is_due(void **state)
{
    (void)state;
    assert_false(renewal_is_due(&r));
    const struct cert_fields own = issued(80 * day_s, 90 * day_s);
    renewal_begin(&r, &clock_now.env, &own, false);
    renewal_end(&r);
    assert_false(renewal_is_due(&r));
    assert_true(renewal_due_ms(&r) == INT64_MAX);
}

static void a_successor_is_not_due_itself(void **state)
{
    (void)state;
    const struct cert_fields own = issued(300, 600);
    renewal_begin(&r, &clock_now.env, &own, false);
    renewal_asked(&r);
    const struct cert_fields next = issued(0, 600);
    renewal_issued(&r, &next);
    assert_false(renewal_is_due(&r));
    assert_in_range(renewal_due_ms(&r) - clock_now.mono_ms, 200000, 252000);
}

/* Whatever the wall clock does in a session: never late, and in no circle. */
static void a_clock_that_jumps_makes_nobody_late_and_nobody_hasty(void **state)
{
    (void)state;
    static const int64_t years_ms = INT64_C(10) * 365 * 86400 * 1000;
    const struct cert_fields own = issued(0, 600);
    bool tell = false;
    renewal_begin(&r, &clock_now.env, &own, false);
    clock_now.wall_ms -= years_ms;
    pass(252);
    assert_true(renewal_is_due(&r));
    renewal_begin(&r, &clock_now.env, &own, false);
    clock_now.wall_ms += 2 * years_ms;
    assert_true(renewal_is_due(&r));
    renewal_asked(&r);
    renewal_refused(&r, REFUSAL_NOT_DUE, 0, &tell);
    assert_false(renewal_is_due(&r));
    assert_false(tell);
}

static int64_t pause_after(enum refusal reason, uint32_t retry_after_s)
{
    bool tell = false;
    renewal_asked(&r);
    renewal_refused(&r, reason, retry_after_s, &tell);
    int64_t pause_ms = renewal_due_ms(&r) - clock_now.mono_ms;
    assert_false(renewal_is_due(&r));
    clock_now.mono_ms += pause_ms;
    assert_true(renewal_is_due(&r));
    return pause_ms;
}

static void pauses_grow_while_the_ca_is_busy(void **state)
{
    (void)state;
    const struct cert_fields own = issued(60 * day_s, 90 * day_s);
    renewal_begin(&r, &clock_now.env, &own, false);
    int64_t most_ms = 10000;
    for (int i = 0; i < 20; i++) {
        assert_in_range(pause_after(REFUSAL_BUSY, 0), most_ms * 3 / 4 - 1, most_ms);
        most_ms = 2 * most_ms < 3600000 ? 2 * most_ms : 3600000;
    }
    assert_int_equal(most_ms, 3600000);
}

/* ... and never so that a short life is over before there were many tries. */
static void a_short_life_has_short_pauses(void **state)
{
    (void)state;
    const struct cert_fields own = issued(300, 600);
    renewal_begin(&r, &clock_now.env, &own, false);
    for (int i = 0; i < 20; i++)
        assert_in_range(pause_after(REFUSAL_BUSY, 0), 7000, 12000);
    assert_in_range(pause_after(REFUSAL_NOT_DUE, 0), 37000, 50000);
}

static void a_busy_server_may_ask_for_patience_within_bounds(void **state)
{
    (void)state;
    struct cert_fields own = issued(60 * day_s, 90 * day_s);
    renewal_begin(&r, &clock_now.env, &own, false);
    assert_int_equal(pause_after(REFUSAL_BUSY, 60), 60000);
    assert_int_equal(pause_after(REFUSAL_BUSY, UINT32_MAX), 3600000);
    own = issued(300, 600);
    renewal_begin(&r, &clock_now.env, &own, false);
    assert_int_equal(pause_after(REFUSAL_BUSY, UINT32_MAX), 12000);
}

static void a_refusal_is_told_once_a_session_and_asked_again_slowly(void **state)
{
    (void)state;
    static const enum refusal reasons[] = { REFUSAL_STOPPED, REFUSAL_REVOKED, REFUSAL_EXPIRED };
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        const struct cert_fields own = issued(60 * day_s, 90 * day_s);
        bool tell = false;
        renewal_begin(&r, &clock_now.env, &own, false);
        renewal_asked(&r);
        renewal_refused(&r, reasons[i], 0, &tell);
        assert_true(tell);
        assert_in_range(renewal_due_ms(&r) - clock_now.mono_ms, 2700000 - 1, 3600000);
        renewal_asked(&r);
        renewal_refused(&r, reasons[i], 0, &tell);
        assert_false(tell);
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        T(it_is_due_after_a_third_of_the_life_and_before_five_twelfths),
        T(a_fleet_does_not_come_at_once),
        T(a_session_asks_when_it_is_due_and_then_waits_for_the_answer),
        T(a_session_with_an_old_certificate_asks_at_once),
        T(who_was_let_in_to_renew_asks_at_once),
        T(without_a_session_nothing_is_due),
        T(a_successor_is_not_due_itself),
        T(a_clock_that_jumps_makes_nobody_late_and_nobody_hasty),
        T(pauses_grow_while_the_ca_is_busy),
        T(a_short_life_has_short_pauses),
        T(a_busy_server_may_ask_for_patience_within_bounds),
        T(a_refusal_is_told_once_a_session_and_asked_again_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
