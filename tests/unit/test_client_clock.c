/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_scene.h"

/* A client's clock against what its CA has signed.  PROTOCOL.md 11.6.  Attack row 25. */

static const int64_t years_s = INT64_C(10) * 365 * 86400;

static int64_t now_s(void)
{
    return scene_clock_now()->wall_ms / 1000;
}

static void set_clock(int64_t by_s)
{
    scene_clock_now()->wall_ms += by_s * 1000;
}

static void expect_clock(enum client_event_kind kind, int64_t signed_s)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, kind);
    if (kind == CLIENT_EVENT_LOST)
        assert_err(event.err, MLT_ERR_CLOCK);
    assert_int_equal(event.signed_s, signed_s);
    assert_int_equal(event.own_s, now_s());
}

static void connect_anew(void)
{
    client_free(&scene->client);
    small_server_drop(&scene->server);
    scene_connect_as(CLIENT_AUTH_RECEIVE);
}

/* Nothing is known but our own certificate. */
static void row_25_ten_years_back_is_noticed_before_anything_is_sent(void **state)
{
    (void)state;
    scene_make_joined();
    int64_t issued_s = now_s();
    set_clock(-years_s);
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    expect_clock(CLIENT_EVENT_LOST, issued_s);
    assert_true(client_is_over(scene->client));
    assert_int_equal(scene->server.accepted, 0);
}

static void row_25_ten_years_ahead_the_servers_certificate_has_expired(void **state)
{
    (void)state;
    scene_make_joined();
    set_clock(years_s - 2 * 86400); /* the CA's own lasts no longer */
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    scene_expect_lost(MLT_ERR_CERT_EXPIRED);
    assert_false(scene->server.client_auth_seen);
}

static void a_clock_that_is_an_hour_behind_what_was_seen_is_wrong(void **state)
{
    (void)state;
    ca_scene_grow(3);
    ca_scene_show(3);
    set_clock(7200);
    ca_scene_show(3);
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    int64_t seen_s = now_s();
    assert_int_equal(ca_scene_known()->newest_s, seen_s);
    set_clock(-3601);
    connect_anew();
    expect_clock(CLIENT_EVENT_LOST, seen_s);
    assert_int_equal(scene->server.accepted, 1);
}

static void within_the_hour_it_is_said_once_and_goes_on(void **state)
{
    (void)state;
    set_clock(7200);
    ca_scene_grow(3);
    ca_scene_show(3);
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    int64_t seen_s = now_s();
    set_clock(-3600);
    connect_anew();
    expect_clock(CLIENT_EVENT_CLOCK, seen_s);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_expect_quiet();
}

static void clocks_that_differ_by_minutes_are_nobodys_business(void **state)
{
    (void)state;
    set_clock(7200);
    ca_scene_grow(3);
    ca_scene_show(3);
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    set_clock(-LIMIT_BACKDATE_S);
    connect_anew();
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}

static void a_ca_that_is_an_hour_ahead_is_not_believed(void **state)
{
    (void)state;
    scene_make_joined();
    ca_scene->ahead_s = 3601;
    ca_scene_grow(3);
    ca_scene_show(3);
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    expect_clock(CLIENT_EVENT_LOST, now_s() + 3601);
    assert_in_range(ca_scene_known()->newest_s, 0, now_s()); /* nothing of it stays */
    assert_int_equal(ca_scene_held().size, 0);
    ca_scene->ahead_s = 0;
    ca_scene_show(3);
    connect_anew();
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}

static void a_ca_that_is_less_ahead_is_believed_and_that_is_said(void **state)
{
    (void)state;
    scene_make_joined();
    ca_scene->ahead_s = 1800;
    ca_scene_grow(3);
    ca_scene_show(3);
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    expect_clock(CLIENT_EVENT_CLOCK, now_s() + 1800);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    assert_int_equal(ca_scene_known()->newest_s, now_s() + 1800);
}

static void send_notice(uint64_t number)
{
    CLEANUP(buf_clear) struct buf record = { 0 };
    ca_scene_notice(number, 1, 1, &record);
    small_server_put(&scene->server, RECORD_REVOKED, buf_span(&record));
}

static void a_session_outlives_a_jump_until_the_ca_says_something(void **state)
{
    (void)state;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    int64_t then_s = now_s();
    set_clock(-years_s);
    small_server_deliver(&scene->server, "joao", 1, "oi");
    scene_expect_message("joao", "oi");
    ca_scene->ahead_s = years_s; /* its clock did not jump */
    send_notice(1);
    expect_clock(CLIENT_EVENT_LOST, then_s);
    assert_int_equal(ca_scene_known()->crl_number, 0);
}

static void a_jump_ahead_ends_nothing(void **state)
{
    (void)state;
    ca_scene->renewed = (struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_NOT_DUE };
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    set_clock(years_s);
    ca_scene->ahead_s = -years_s;
    send_notice(1);
    scene_expect_quiet();
    assert_true(client_is_logged_in(scene->client));
    assert_int_equal(ca_scene_known()->crl_number, 1);
    assert_int_equal(scene->server.renews, 1); /* by that clock it is due */
}

/* The certificates are of this moment, and the clock is late.  Nothing was kept yet. */
static void half_an_hour_behind_new_certificates_is_said_and_no_more(void **state)
{
    (void)state;
    scene_make_joined();
    int64_t issued_s = now_s();
    set_clock(-LIMIT_CLOCK_SLACK_S);
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    expect_clock(CLIENT_EVENT_CLOCK, issued_s);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_expect_quiet();
}

static void who_is_half_an_hour_behind_can_join(void **state)
{
    (void)state;
    scene_make_joining();
    int64_t issued_s = now_s();
    set_clock(-1800);
    scene->server.ahead_s = 1800;
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect(CLIENT_EVENT_ISSUED);
    assert_int_equal(scene->me.server.state, SERVER_JOINED);
    assert_int_equal(scene->me.own.fields.not_before_s, issued_s - LIMIT_BACKDATE_S);
}

static void who_is_more_than_an_hour_behind_cannot_join(void **state)
{
    (void)state;
    scene_make_joining();
    set_clock(-LIMIT_CLOCK_SLACK_S - 1);
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect_lost(MLT_ERR_CERT_NOT_YET);
    assert_false(scene->server.client_auth_seen);
}

static void a_renewed_certificate_of_half_an_hour_ahead_is_kept(void **state)
{
    (void)state;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    set_clock(11 * 3600);
    ca_scene->ahead_s = 1800;
    int64_t signed_s = now_s() + 1800;
    ca_scene_issue(PAIR_USER, pair_house()->client_key, 86400, &ca_scene->certificate);
    expect_clock(CLIENT_EVENT_CLOCK, signed_s);
    scene_expect(CLIENT_EVENT_RENEWED);
    assert_int_equal(scene->me.own.fields.not_before_s, signed_s - LIMIT_BACKDATE_S);
}

static void a_renewed_certificate_of_the_future_is_not_kept(void **state)
{
    (void)state;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    set_clock(11 * 3600);
    ca_scene->ahead_s = 7200;
    int64_t signed_s = now_s() + 7200;
    ca_scene_issue(PAIR_USER, pair_house()->client_key, 86400, &ca_scene->certificate);
    expect_clock(CLIENT_EVENT_LOST, signed_s);
    assert_in_range(scene->me.own.fields.not_after_s, 0, now_s() + 86400);
}

static void a_floor_that_was_wrong_can_be_taken_away_and_a_right_one_cannot(void **state)
{
    (void)state;
    int64_t was_s = 1;
    scene_make_joined();
    assert_ok(store_authority_note_time(scene->store, now_s() - 60));
    assert_ok(store_authority_accept_clock(scene->store, now_s(), &was_s));
    assert_int_equal(was_s, 0);
    assert_int_equal(ca_scene_known()->newest_s, now_s() - 60);
    assert_ok(store_authority_note_time(scene->store, now_s() + years_s));
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    expect_clock(CLIENT_EVENT_LOST, now_s() + years_s);
    assert_ok(store_authority_accept_clock(scene->store, now_s(), &was_s));
    assert_int_equal(was_s, now_s() + years_s);
    connect_anew();
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, ca_scene_begin, ca_scene_end)
    const struct CMUnitTest tests[] = {
        T(row_25_ten_years_back_is_noticed_before_anything_is_sent),
        T(row_25_ten_years_ahead_the_servers_certificate_has_expired),
        T(a_clock_that_is_an_hour_behind_what_was_seen_is_wrong),
        T(within_the_hour_it_is_said_once_and_goes_on),
        T(clocks_that_differ_by_minutes_are_nobodys_business),
        T(a_ca_that_is_an_hour_ahead_is_not_believed),
        T(a_ca_that_is_less_ahead_is_believed_and_that_is_said),
        T(a_session_outlives_a_jump_until_the_ca_says_something),
        T(a_jump_ahead_ends_nothing),
        T(half_an_hour_behind_new_certificates_is_said_and_no_more),
        T(who_is_half_an_hour_behind_can_join),
        T(who_is_more_than_an_hour_behind_cannot_join),
        T(a_renewed_certificate_of_half_an_hour_ahead_is_kept),
        T(a_renewed_certificate_of_the_future_is_not_kept),
        T(a_floor_that_was_wrong_can_be_taken_away_and_a_right_one_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
