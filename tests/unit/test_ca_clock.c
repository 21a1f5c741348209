/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "authority.h"
#include "base/limits.h"
#include "ca/clock.h"
#include "ca/enrol.h"
#include "pki/request.h"

/* Row 25 at the ca: a clock that is wrong at its start, and one that jumps while it runs. */

static struct authority a;

static const int64_t year_ms = (int64_t)365 * 86400 * 1000;
static const int64_t minute_ms = 60000;

static int start(void **state)
{
    (void)state;
    authority_start(&a, ENROL_OPEN);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static enum mlt_err enrol(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct ipc_enrolled answer;
    const struct ipc_enrol ask =
        authority_ask(&a.ca.cert, name, authority_key(key), NULL, &request);
    return enrol_client(&a.ca, &ask, &answer, &der);
}

static int64_t newest(void)
{
    int64_t floor_s = 0;
    assert_ok(clock_floor(&a.ca.db, &floor_s));
    return floor_s;
}

static enum mlt_err reopen(bool accept, struct buf *why)
{
    ca_close(&a.ca);
    buf_reset(why);
    a.accept_clock = accept;
    enum mlt_err err = authority_open(&a, "", "passphrase", why);
    a.accept_clock = false;
    return err;
}

/* ---- the floor ---- */

static void the_floor_is_the_newest_time_that_was_signed(void **state)
{
    (void)state;
    assert_int_equal(newest(), AUTHORITY_NOW_S);
    a.now_ms += 1000 * minute_ms;
    assert_int_equal(newest(), AUTHORITY_NOW_S);
    assert_ok(enrol("maria", 0));
    assert_int_equal(newest(), a.now_ms / 1000);
    a.now_ms += minute_ms;
    assert_ok(head_sign(&a.ca));
    assert_int_equal(newest(), a.now_ms / 1000);
    assert_ok(clock_raise_floor(&a.ca.db, 5));
    assert_int_equal(newest(), a.now_ms / 1000);
}

static void ten_years_behind_it_does_not_open_and_says_both_times(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    assert_ok(enrol("maria", 0));
    a.now_ms -= 10 * year_ms;
    assert_err(reopen(false, &why), MLT_ERR_CLOCK);
    assert_ok(buf_text(&why, &text));
    assert_non_null(strstr(text, "2016-11-24T15:38:17Z"));
    assert_non_null(strstr(text, "2026-11-22T15:38:17Z"));
    assert_non_null(strstr(text, "--accept-clock"));
    assert_null(strchr(text, '\n'));
    a.now_ms += 10 * year_ms;
    assert_ok(reopen(false, &why));
    assert_ok(enrol("joao", 1));
}

static void within_the_hour_it_opens_and_goes_on(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    a.now_ms += year_ms;
    assert_ok(enrol("maria", 0));
    a.now_ms -= (int64_t)LIMIT_CLOCK_SLACK_S * 1000;
    assert_ok(reopen(false, &why));
    assert_ok(enrol("joao", 1));
    assert_int_equal(newest(), a.now_ms / 1000 + LIMIT_CLOCK_SLACK_S);
    a.now_ms -= 1000;
    assert_err(reopen(false, &why), MLT_ERR_CLOCK);
}

/* Ten years ahead, then set right: what was signed meanwhile was signed then. */
static void a_clock_that_was_wrong_and_is_right_is_accepted_once(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    a.now_ms += 9 * year_ms;
    assert_ok(reopen(false, &why));
    assert_ok(enrol("maria", 0));
    a.now_ms -= 9 * year_ms - minute_ms;
    assert_err(reopen(false, &why), MLT_ERR_CLOCK);
    assert_ok(reopen(true, &why));
    assert_int_equal(newest(), a.now_ms / 1000);
    assert_ok(enrol("joao", 1));
    assert_ok(reopen(false, &why));
    /* Once: the next clock that is behind is refused again. */
    a.now_ms -= 9 * year_ms;
    assert_err(reopen(false, &why), MLT_ERR_CLOCK);
}

static enum mlt_err certify_server(unsigned key)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name relay = authority_name("relay");
    assert_ok(request_make(authority_key(key), &relay, &request));
    return enrol_server(&a.ca, buf_span(&request), &der);
}

static void use_up_the_hour(void)
{
    for (unsigned i = 0; i < LIMIT_SERVER_CERTS_PER_HOUR; i++)
        assert_ok(certify_server(0));
    assert_err(certify_server(0), MLT_ERR_TOO_MANY);
}

/* Else the server would get no certificate until that future comes. */
static void what_was_certified_in_a_wrong_future_is_no_part_of_the_present_hour(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    a.now_ms += 9 * year_ms;
    assert_ok(reopen(false, &why));
    use_up_the_hour();
    a.now_ms -= 9 * year_ms - minute_ms;
    assert_ok(reopen(true, &why));
    use_up_the_hour();
}

/* So little is believed, and must not give the hour's certificates once more. */
static void a_clock_set_back_within_the_hour_gives_the_server_no_more(void **state)
{
    (void)state;
    use_up_the_hour();
    a.jumped_ms = -(int64_t)(LIMIT_CLOCK_SLACK_S - 600) * 1000;
    assert_err(certify_server(0), MLT_ERR_TOO_MANY);
    a.jumped_ms = 0;
    a.now_ms += 61 * minute_ms;
    assert_ok(certify_server(0));
}

/* Nor is a right clock made wrong by it. */
static void accepting_a_clock_that_is_ahead_of_the_floor_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    a.now_ms += year_ms;
    assert_ok(reopen(true, &why));
    assert_int_equal(newest(), AUTHORITY_NOW_S);
}

static void beyond_the_root_nothing_is_issued(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    a.now_ms += 11 * year_ms;
    assert_ok(reopen(false, &why));
    assert_err(enrol("maria", 0), MLT_ERR_CERT_EXPIRED);
}

/* ---- a jump ---- */

static void assert_signs_nothing(void)
{
    CLEANUP(buf_clear) struct buf before = { 0 };
    uint64_t size = 0, after = 0;
    assert_ok(buf_put(&before, head_newest(&a.ca)));
    assert_ok(ledger_size(&a.ca.db, &size));
    assert_err(ca_may_issue(&a.ca), MLT_ERR_CLOCK);
    assert_err(enrol("joao", 1), MLT_ERR_CLOCK);
    a.ahead_ms += LIMIT_HEAD_MS;
    head_tick(&a.ca);
    assert_span_equal(buf_span(&before), head_newest(&a.ca));
    assert_ok(ledger_size(&a.ca.db, &after));
    assert_int_equal(size, after);
}

static void a_jump_either_way_ends_all_signing_until_the_next_start(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    /* A minute beyond: the monotonic clock of the test goes on meanwhile. */
    static const int64_t jumps_s[] = { LIMIT_CLOCK_SLACK_S + 60, 10 * (int64_t)365 * 86400,
                                       -LIMIT_CLOCK_SLACK_S - 60, -10 * (int64_t)365 * 86400 };
    for (size_t i = 0; i < COUNT_OF(jumps_s); i++) {
        if (i > 0)
            authority_start(&a, ENROL_OPEN);
        assert_ok(enrol("maria", 0));
        a.jumped_ms = jumps_s[i] * 1000;
        assert_signs_nothing();
        /* Set back: nobody knows what else was done to it. */
        a.jumped_ms = 0;
        assert_signs_nothing();
        assert_ok(reopen(false, &why));
        assert_ok(enrol("joao", 1));
        if (i + 1 < COUNT_OF(jumps_s))
            authority_stop(&a);
    }
}

static void a_jump_is_seen_by_the_loop_before_anything_is_asked(void **state)
{
    (void)state;
    assert_true(clock_timeout(&a.ca) > 0);
    a.jumped_ms = 2 * 3600 * 1000;
    clock_tick(&a.ca);
    assert_false(a.ca.clock.jumped);
    a.ahead_ms += clock_timeout(&a.ca);
    assert_int_equal(clock_timeout(&a.ca), 0);
    clock_tick(&a.ca);
    assert_true(a.ca.clock.jumped);
}

static void a_clock_that_is_set_by_less_goes_on(void **state)
{
    (void)state;
    a.jumped_ms = (int64_t)LIMIT_CLOCK_SLACK_S * 1000 - minute_ms;
    assert_ok(enrol("maria", 0));
    a.jumped_ms = -10 * minute_ms;
    a.now_ms += 30 * minute_ms;
    assert_ok(enrol("joao", 1));
    assert_false(a.ca.clock.jumped);
}

/* Time that has passed on both clocks is no jump, however long. */
static void a_year_of_running_is_no_jump(void **state)
{
    (void)state;
    assert_ok(enrol("maria", 0));
    a.now_ms += year_ms;
    assert_ok(ca_may_issue(&a.ca));
    assert_ok(enrol("joao", 1));
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CA(the_floor_is_the_newest_time_that_was_signed),
        WITH_CA(ten_years_behind_it_does_not_open_and_says_both_times),
        WITH_CA(within_the_hour_it_opens_and_goes_on),
        WITH_CA(a_clock_that_was_wrong_and_is_right_is_accepted_once),
        WITH_CA(what_was_certified_in_a_wrong_future_is_no_part_of_the_present_hour),
        WITH_CA(a_clock_set_back_within_the_hour_gives_the_server_no_more),
        WITH_CA(accepting_a_clock_that_is_ahead_of_the_floor_changes_nothing),
        WITH_CA(beyond_the_root_nothing_is_issued),
        WITH_CA(a_jump_either_way_ends_all_signing_until_the_next_start),
        WITH_CA(a_jump_is_seen_by_the_loop_before_anything_is_asked),
        WITH_CA(a_clock_that_is_set_by_less_goes_on),
        WITH_CA(a_year_of_running_is_no_jump),
    };
    return cmocka_run_group_tests_name("ca_clock", tests, libraries, NULL);
}
