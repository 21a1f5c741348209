/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

/* How a client becomes a member: the machine against a server in the same thread (scene.h). */

static void an_enrolment_ends_in_a_joined_home(void **state)
{
    (void)state;
    scene_make_joining();
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect(CLIENT_EVENT_ISSUED);
    scene_settle_down();
    struct server_file server;
    assert_ok(home_read_server(&scene->home, &server));
    assert_int_equal(server.state, SERVER_JOINED);
    client_free(&scene->client);
    assert_ok(store_open(&scene->home, &scene_clock_now()->env, &scene->store));
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}

static void a_pending_enrolment_is_taken_up_with_the_same_key(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_make_joining();
    scene->server.welcome =
        (struct welcome) { .result = WELCOME_PENDING, .retry_after_s = LIMIT_RETRY_S };
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_PENDING);
    assert_int_equal(event.retry_after_s, LIMIT_RETRY_S);
    assert_int_equal(scene->me.server.state, SERVER_PENDING);
    scene_settle_down();
    client_free(&scene->client);
    scene->server.welcome = (struct welcome) { 0 };
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect(CLIENT_EVENT_ISSUED);
    assert_memory_equal(scene->me.own.spki_hash, scene->me.key_hash, HASH_LEN);
}

static void a_lost_welcome_does_not_lock_the_newcomer_out(void **state)
{
    (void)state;
    scene_make_joining();
    scene->server.cuts_welcome = true;
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect_lost(MLT_ERR_CUT);
    client_free(&scene->client);
    scene->server.cuts_welcome = false;
    scene->server.cut_after = -1;
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect(CLIENT_EVENT_ISSUED);
}

/* Whoever lost it gets the one that he has (PROTOCOL.md 7), and from there only RENEW leads on. */
static void one_that_has_ended_is_kept_to_be_renewed(void **state)
{
    (void)state;
    scene_make_joining();
    scene->server.ahead_s = -86400 - 100;
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect(CLIENT_EVENT_ISSUED);
    assert_err(scene->me.verdict, MLT_ERR_CERT_EXPIRED);
    assert_int_equal(scene->me.own.fields.not_after_s, scene_clock_now()->wall_ms / 1000 - 100);
    scene_settle_down();
    struct server_file server;
    assert_ok(home_read_server(&scene->home, &server));
    assert_int_equal(server.state, SERVER_JOINED);
    client_free(&scene->client);
    assert_ok(store_open(&scene->home, &scene_clock_now()->env, &scene->store));
    scene->server.welcome.result = WELCOME_RENEW;
    scene->server.is_ca_mute = true;
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
}

static void a_refusal_is_told_with_its_reason(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_make_joining();
    scene->server.welcome =
        (struct welcome) { .result = WELCOME_REFUSED, .reason = REFUSAL_NAME_TAKEN };
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_REFUSED);
    assert_int_equal(event.refusal, REFUSAL_NAME_TAKEN);
    scene_settle_down();
    assert_true(client_is_over(scene->client));
    assert_int_equal(scene->me.server.state, SERVER_JOINING);
}

static void an_answer_to_another_question_is_refused(void **state)
{
    (void)state;
    scene_make_joining();
    scene->server.welcome = (struct welcome) { .result = WELCOME_LOGGED_IN };
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect_lost(MLT_ERR_UNEXPECTED);
    assert_int_equal(scene->server.peer_alert, ALERT_PROTOCOL);
}

/* PROTOCOL.md 4: the server has ten seconds for the handshake and ten for its CA. */
static void an_enrolment_waits_as_long_as_the_ca_may_take(void **state)
{
    (void)state;
    scene_make_joining();
    scene->server.is_mute = true;
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_settle_down();
    scene_clock_now()->mono_ms += 2 * LIMIT_HANDSHAKE_MS - 1;
    scene_settle_down();
    assert_false(client_is_over(scene->client));
    scene_clock_now()->mono_ms += 1;
    scene_expect_lost(MLT_ERR_TIMEOUT);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        T(an_enrolment_ends_in_a_joined_home),
        T(an_enrolment_waits_as_long_as_the_ca_may_take),
        T(a_pending_enrolment_is_taken_up_with_the_same_key),
        T(a_lost_welcome_does_not_lock_the_newcomer_out),
        T(one_that_has_ended_is_kept_to_be_renewed),
        T(a_refusal_is_told_with_its_reason),
        T(an_answer_to_another_question_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
