/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

/* How a client finds its server, loses it and comes back: the machine against a server in the same
 * thread (scene.h). */

static void a_replaced_session_says_so_and_does_not_come_back(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    small_server_close(&scene->server, CLOSE_REPLACED);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_CLOSED);
    assert_int_equal(event.close, CLOSE_REPLACED);
    assert_int_equal(event.retry_ms, -1);
    assert_true(client_is_over(scene->client));
}

static void a_lost_listener_comes_back_with_growing_pauses(void **state)
{
    (void)state;
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    small_server_stop(&scene->server);
    int64_t before = 0;
    for (int tries = 0; tries < 8; tries++) {
        CLEANUP(client_event_clear) struct client_event event = { 0 };
        scene_await(&event);
        assert_int_equal(event.kind, CLIENT_EVENT_LOST);
        assert_true(event.retry_ms >= (tries == 0 ? 150 : 200));
        assert_true(event.retry_ms <= LIMIT_RETRY_MOST_MS);
        assert_true(event.retry_ms >= before * 3 / 4);
        before = event.retry_ms;
        assert_int_equal(client_timeout_ms(scene->client), event.retry_ms);
        scene_clock_now()->mono_ms += event.retry_ms;
    }
    assert_true(before >= LIMIT_RETRY_MOST_MS * 3 / 4);
    small_server_start(&scene->server);
    scene->me.server.port = scene->server.port;
    /* The address it knows is the old one; having failed there once more it looks again. */
    scene_clock_now()->mono_ms += LIMIT_RETRY_MOST_MS;
    scene_expect(CLIENT_EVENT_LOST);
    scene_clock_now()->mono_ms += LIMIT_RETRY_MOST_MS;
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    small_server_deliver(&scene->server, "joao", 9, "back again");
    scene_expect_message("joao", "back again");
}

/* Half a second before its session ends again. */
static int64_t pause_after_a_short_session(void)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_clock_now()->mono_ms += 500;
    small_server_close(&scene->server, CLOSE_AGAIN);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_CLOSED);
    scene_clock_now()->mono_ms += event.retry_ms;
    return event.retry_ms;
}

static void pauses_grow_until_a_session_lasts(void **state)
{
    (void)state;
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    int64_t most = LIMIT_RETRY_FIRST_MS;
    for (int i = 0; i < 8; i++) {
        assert_in_range(pause_after_a_short_session(), most * 3 / 4, most);
        most = 2 * most < LIMIT_RETRY_MOST_MS ? 2 * most : LIMIT_RETRY_MOST_MS;
    }
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_clock_now()->mono_ms += LIMIT_RETRY_MOST_MS;
    small_server_close(&scene->server, CLOSE_SHUTDOWN);
    scene_await(&event);
    assert_in_range(event.retry_ms, LIMIT_RETRY_FIRST_MS * 3 / 4, LIMIT_RETRY_FIRST_MS);
}

static void a_first_connection_that_fails_is_not_tried_for_ever(void **state)
{
    (void)state;
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    small_server_stop(&scene->server);
    assert_ok(client_connect(scene->client));
    scene_expect_lost(MLT_ERR_UNREACHABLE);
    assert_non_null(strstr(client_detail(scene->client), "127.0.0.1"));
}

/* Two addresses, of which the first refuses. */
static void connect_to_two(void)
{
    struct dial_list two = { .count = 2 };
    assert_ok(dial_numeric("127.0.0.2", scene->server.port, &two.at[0]));
    assert_ok(dial_numeric("127.0.0.1", scene->server.port, &two.at[1]));
    scene_make_client(CLIENT_AUTH_SEND, false);
    client_give_addresses(scene->client, &two);
    assert_ok(client_connect(scene->client));
}

static void every_address_of_a_name_is_tried(void **state)
{
    (void)state;
    scene_make_joined();
    connect_to_two();
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    client_free(&scene->client);
    small_server_stop(&scene->server);
    connect_to_two();
    scene_expect_lost(MLT_ERR_UNREACHABLE);
}

/* Only the network sends us on to the next address: a liar there does not. */
static void a_server_that_lies_ends_the_trying(void **state)
{
    (void)state;
    scene_make_joined();
    scene->server.config.server_key = pair_house()->other_key;
    connect_to_two();
    scene_expect_lost(MLT_ERR_AUTH);
    assert_int_equal(scene->server.accepted, 1);
}

static void a_silent_server_is_given_up_in_the_handshake(void **state)
{
    (void)state;
    scene_make_joined();
    scene->server.is_mute = true;
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_settle_down();
    scene_clock_now()->mono_ms += LIMIT_HANDSHAKE_MS - 1;
    scene_settle_down();
    assert_false(client_is_over(scene->client));
    assert_int_equal(client_timeout_ms(scene->client), 1);
    scene_clock_now()->mono_ms += 1;
    scene_expect_lost(MLT_ERR_TIMEOUT);
}

static void a_link_gone_silent_is_noticed(void **state)
{
    (void)state;
    scene_log_in(CLIENT_AUTH_RECEIVE);
    scene_settle_down();
    assert_int_equal(client_timeout_ms(scene->client), LIMIT_KEEPALIVE_MS);
    scene_clock_now()->mono_ms += LIMIT_KEEPALIVE_MS;
    scene_settle_down();
    assert_int_equal(scene->server.pings, 1);
    scene_clock_now()->mono_ms += LIMIT_KEEPALIVE_MS;
    scene_settle_down();
    assert_int_equal(scene->server.pings, 2);
    assert_true(client_is_logged_in(scene->client));
    /* From here on nobody answers. */
    scene_clock_now()->mono_ms += LIMIT_SILENCE_MS;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    for (int i = 0; i < 10 && event.kind == CLIENT_EVENT_NONE; i++) {
        client_process(scene->client);
        assert_ok(client_next_event(scene->client, &event));
    }
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_err(event.err, MLT_ERR_TIMEOUT);
}

static void a_flood_of_pings_is_not_answered_without_end(void **state)
{
    (void)state;
    scene_log_in(CLIENT_AUTH_RECEIVE);
    for (int i = 0; i < 2000; i++)
        small_server_put(&scene->server, RECORD_PING, span_of(NULL, 0));
    scene_settle_down();
    assert_true(client_is_logged_in(scene->client));
    assert_int_equal(scene->server.err, MLT_OK);
    assert_int_equal(scene->server.records, 2000);
}

/* Attack row 10: all the server says, cut after every byte. */
static void put_whole_handshake(struct buf *bytes)
{
    struct pair p;
    pair_init(&p, CLIENT_AUTH_SEND);
    pair_start(&p);
    pair_run_to(&p, FRAME_SERVER_HELLO);
    assert_ok(buf_put(bytes, buf_span(&p.to_client)));
    pair_run_to(&p, FRAME_SERVER_AUTH);
    assert_ok(buf_put(bytes, buf_span(&p.to_client)));
    pair_clear(&p);
}

static void expect_cut(void)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    while (event.kind == CLIENT_EVENT_LOGGED_IN || event.kind == CLIENT_EVENT_MESSAGE)
        scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_err(event.err, MLT_ERR_CUT);
    client_free(&scene->client);
    small_server_drop(&scene->server);
}

/* An incomplete ServerAuth is never looked into, so one recorded handshake serves every cut. */
static void row_10_a_handshake_cut_after_any_byte_is_a_truncation(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    put_whole_handshake(&bytes);
    scene_make_joined();
    for (size_t n = 1; n < bytes.len; n++) {
        scene->server.instead = span_of(bytes.p, n);
        scene->server.cut_after = (int64_t)n;
        scene_connect_as(CLIENT_AUTH_SEND);
        expect_cut();
    }
}

static void row_10_a_session_cut_after_any_byte_is_a_truncation(void **state)
{
    (void)state;
    scene_make_joined();
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    for (int i = 0; i < 100 && !scene->server.up; i++) {
        small_server_turn(&scene->server);
        client_process(scene->client);
    }
    int64_t handshake = scene->server.sent;
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    int64_t welcomed = scene->server.sent;
    small_server_deliver(&scene->server, "joao", 1, "oi");
    scene_expect_message("joao", "oi");
    int64_t delivered = scene->server.sent;
    assert_true(delivered > welcomed);
    client_free(&scene->client);
    small_server_drop(&scene->server);
    for (int64_t n = handshake - 60; n < delivered; n++) {
        scene->server.cut_after = n;
        scene_connect_as(CLIENT_AUTH_RECEIVE);
        if (n >= welcomed) {
            scene_expect(CLIENT_EVENT_LOGGED_IN);
            if (!scene->server.ended)
                small_server_deliver(&scene->server, "joao", 1, "oi");
        }
        expect_cut();
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        T(a_replaced_session_says_so_and_does_not_come_back),
        T(a_lost_listener_comes_back_with_growing_pauses),
        T(pauses_grow_until_a_session_lasts),
        T(a_first_connection_that_fails_is_not_tried_for_ever),
        T(every_address_of_a_name_is_tried),
        T(a_server_that_lies_ends_the_trying),
        T(a_silent_server_is_given_up_in_the_handshake),
        T(a_link_gone_silent_is_noticed),
        T(a_flood_of_pings_is_not_answered_without_end),
        T(row_10_a_handshake_cut_after_any_byte_is_a_truncation),
        T(row_10_a_session_cut_after_any_byte_is_a_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
