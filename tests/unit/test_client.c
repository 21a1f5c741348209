/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/resource.h>

#include "scene.h"

/* The client and its messages: the machine against a server in the same thread (scene.h). */

static void a_login_is_announced_and_ends_with_a_close(void **state)
{
    (void)state;
    scene_log_in(CLIENT_AUTH_SEND);
    assert_true(client_is_logged_in(scene->client));
    assert_int_equal(strlen(client_id(scene->client)), 8);
    assert_string_not_equal(client_id(scene->client), "--------");
    client_close(scene->client);
    scene_expect(CLIENT_EVENT_CLOSED);
    assert_true(client_is_over(scene->client));
    assert_int_equal(scene->server.closes, 1);
}

/* What the server sees when the receipt comes: the message is in the database already. */
static void look_into_store(void *ctx)
{
    struct store *other = NULL;
    uint64_t *count = ctx;
    assert_ok(store_open(&scene->home, &other));
    assert_ok(store_count_unshown(other, NULL, count));
    store_close(&other);
}

static void a_message_is_in_the_store_before_its_receipt_leaves(void **state)
{
    (void)state;
    uint64_t seen = 0;
    scene->server.on_receipt = look_into_store;
    scene->server.ctx = &seen;
    scene_log_in(CLIENT_AUTH_RECEIVE);
    small_server_deliver(&scene->server, "joao", 0x31, "oi");
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_MESSAGE);
    for (int i = 0; i < 10 && scene->server.receipts == 0; i++)
        small_server_turn(&scene->server);
    assert_int_equal(scene->server.receipts, 1);
    assert_int_equal(scene->server.receipt_id[0], 0x31);
    assert_int_equal(seen, 1);
}

/* A limit on file sizes stands in for a full disk. */
static void what_cannot_be_stored_is_not_acknowledged(void **state)
{
    (void)state;
    static char large[60000];
    struct rlimit before;
    scene_log_in(CLIENT_AUTH_RECEIVE);
    memset(large, 'x', sizeof(large) - 1);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = { 40000, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    small_server_deliver(&scene->server, "joao", 1, large);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_true(err_fault(event.err) == FAULT_LOCAL);
    for (int i = 0; i < 10; i++)
        small_server_turn(&scene->server);
    assert_int_equal(scene->server.receipts, 0);
}

static void a_repeated_message_is_acknowledged_again_and_shown_once(void **state)
{
    (void)state;
    scene_log_in(CLIENT_AUTH_RECEIVE);
    small_server_deliver(&scene->server, "joao", 0x31, "oi");
    small_server_deliver(&scene->server, "joao", 0x31, "oi");
    small_server_deliver(&scene->server, "ana", 0x31, "another sender's");
    scene_expect_message("joao", "oi");
    scene_expect_message("ana", "another sender's");
    scene_expect(CLIENT_EVENT_NONE);
    assert_int_equal(scene->server.receipts, 3);
}

static void messages_not_shown_yet_come_first_and_without_a_server(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_log_in(CLIENT_AUTH_RECEIVE);
    small_server_deliver(&scene->server, "joao", 1, "seen");
    scene_expect_message("joao", "seen");
    small_server_deliver(&scene->server, "joao", 2, "not seen");
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_MESSAGE);
    client_free(&scene->client);
    scene_make_client(CLIENT_AUTH_RECEIVE, false);
    scene_expect_message("joao", "not seen");
}

/* A host that could not deal with a message gets it again, though it was not restarted. */
static void what_was_not_marked_shown_comes_again_after_the_next_login(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    small_server_deliver(&scene->server, "joao", 1, "marked");
    scene_expect_message("joao", "marked");
    small_server_deliver(&scene->server, "joao", 2, "not marked");
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_MESSAGE);
    small_server_drop(&scene->server);
    scene_expect(CLIENT_EVENT_LOST);
    scene_clock_now()->mono_ms += LIMIT_RETRY_MOST_MS;
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_expect_message("joao", "not marked");
    scene_expect(CLIENT_EVENT_NONE);
}

static void a_message_for_somebody_else_ends_the_session(void **state)
{
    (void)state;
    scene_log_in(CLIENT_AUTH_RECEIVE);
    struct envelope e = { .sender.kind = ADDRESS_USER,
                          .recipient.kind = ADDRESS_USER,
                          .time_ms = 1,
                          .number = 1,
                          .body_kind = BODY_PLAIN,
                          .body = span_str("not for us") };
    assert_ok(name_parse(span_str("joao"), &e.sender.name));
    assert_ok(name_parse(span_str("ana"), &e.recipient.name));
    CLEANUP(buf_clear) struct buf body = { 0 };
    assert_ok(envelope_encode_deliver(&e, &body));
    small_server_put(&scene->server, RECORD_DELIVER, buf_span(&body));
    scene_expect_lost(MLT_ERR_UNEXPECTED);
    assert_int_equal(scene->server.receipts, 0);
}

static void a_sending_session_takes_no_mail(void **state)
{
    (void)state;
    scene_log_in(CLIENT_AUTH_SEND);
    small_server_deliver(&scene->server, "joao", 1, "oi");
    scene_expect_lost(MLT_ERR_UNEXPECTED);
}

static void an_outcome_names_the_message_it_is_about(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    struct name joao;
    uint8_t id[ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &joao));
    scene_log_in(CLIENT_AUTH_SEND);
    assert_ok(client_send(scene->client, &joao, span_str("oi"), id));
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.outcome.state, OUTCOME_DELIVERED);
    assert_memory_equal(event.outcome.id, id, ENVELOPE_ID);
    assert_memory_equal(scene->server.send_id, id, ENVELOPE_ID);
    assert_string_equal(event.recipient.text, "joao");
}

/* Whom it reached cannot be noted: that it reached them is told all the same. */
static void an_outcome_is_told_though_the_disk_is_full(void **state)
{
    (void)state;
    struct name joao;
    uint8_t id[ENVELOPE_ID];
    struct rlimit before;
    assert_ok(name_parse(span_str("joao"), &joao));
    scene_log_in(CLIENT_AUTH_SEND);
    assert_ok(client_send(scene->client, &joao, span_str("oi"), id));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit none = { 0, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.outcome.state, OUTCOME_DELIVERED);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_true(err_fault(event.err) == FAULT_LOCAL);
}

static void an_outcome_nobody_waits_for_ends_the_session(void **state)
{
    (void)state;
    scene_log_in(CLIENT_AUTH_SEND);
    const struct outcome outcome = { .id = { 1 }, .state = OUTCOME_DELIVERED };
    CLEANUP(buf_clear) struct buf body = { 0 };
    assert_ok(outcome_encode(&outcome, &body));
    small_server_put(&scene->server, RECORD_OUTCOME, buf_span(&body));
    scene_expect_lost(MLT_ERR_UNEXPECTED);
}

static void a_lost_link_leaves_the_fate_of_a_message_unknown(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    struct name joao;
    uint8_t id[ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &joao));
    scene->server.confirms = false;
    scene_log_in(CLIENT_AUTH_SEND);
    assert_ok(client_send(scene->client, &joao, span_str("oi"), id));
    for (int i = 0; i < 100 && scene->server.sends == 0; i++) {
        client_process(scene->client);
        small_server_turn(&scene->server);
    }
    small_server_drop(&scene->server);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.outcome.state, OUTCOME_UNKNOWN);
    assert_err(event.err, MLT_ERR_CUT);
    assert_memory_equal(event.outcome.id, id, ENVELOPE_ID);
    scene_expect_lost(MLT_ERR_CUT);
}

static void an_outcome_that_never_comes_is_given_up(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    struct name joao;
    uint8_t id[ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &joao));
    scene->server.confirms = false;
    scene_log_in(CLIENT_AUTH_SEND);
    assert_ok(client_send(scene->client, &joao, span_str("oi"), id));
    for (int passed = 0; passed < LIMIT_OUTCOME_MS; passed += 10000) {
        scene_settle_down();
        scene_clock_now()->mono_ms += 10000;
    }
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.outcome.state, OUTCOME_UNKNOWN);
    assert_true(client_is_logged_in(scene->client));
    assert_true(scene->server.pings >= 3);
}

static void put_outcome(const uint8_t id[static ENVELOPE_ID])
{
    struct outcome outcome = { .state = OUTCOME_DELIVERED };
    CLEANUP(buf_clear) struct buf body = { 0 };
    memcpy(outcome.id, id, ENVELOPE_ID);
    assert_ok(outcome_encode(&outcome, &body));
    small_server_put(&scene->server, RECORD_OUTCOME, buf_span(&body));
}

/* All are given up: the host may send on, and what comes late is nobody's mistake. */
static void messages_that_were_given_up_make_room(void **state)
{
    (void)state;
    struct name joao;
    uint8_t id[LIMIT_SEND_WINDOW + 1][ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &joao));
    scene->server.confirms = false;
    scene_log_in(CLIENT_AUTH_SEND);
    for (size_t i = 0; i < LIMIT_SEND_WINDOW; i++)
        assert_ok(client_send(scene->client, &joao, span_str("oi"), id[i]));
    for (int passed = 0; passed < LIMIT_OUTCOME_MS; passed += 10000) {
        scene_settle_down();
        assert_err(client_send(scene->client, &joao, span_str("oi"), id[LIMIT_SEND_WINDOW]),
                   MLT_ERR_TOO_MANY);
        scene_clock_now()->mono_ms += 10000;
    }
    scene_settle_down();
    for (size_t i = 0; i < LIMIT_SEND_WINDOW; i++)
        assert_ok(client_send(scene->client, &joao, span_str("oi"), id[LIMIT_SEND_WINDOW]));
    assert_err(client_send(scene->client, &joao, span_str("oi"), id[LIMIT_SEND_WINDOW]),
               MLT_ERR_TOO_MANY);
    for (size_t i = 0; i < LIMIT_SEND_WINDOW; i++)
        put_outcome(id[i]);
    scene_expect(CLIENT_EVENT_NONE);
    assert_true(client_is_logged_in(scene->client));
    put_outcome(id[LIMIT_SEND_WINDOW]);
    scene_expect(CLIENT_EVENT_OUTCOME);
    put_outcome(id[0]); /* a second time */
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    do
        scene_await(&event);
    while (event.kind == CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_err(event.err, MLT_ERR_UNEXPECTED);
}

static void what_is_too_much_is_not_sent(void **state)
{
    (void)state;
    struct name joao;
    uint8_t id[ENVELOPE_ID];
    static const uint8_t body[LIMIT_BODY + 1];
    assert_ok(name_parse(span_str("joao"), &joao));
    scene->server.confirms = false;
    scene->server.welcome = (struct welcome) { .result = WELCOME_LOGGED_IN, .max_body = 1000 };
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_SEND, false);
    assert_err(client_send(scene->client, &joao, span_str("oi"), id), MLT_ERR_STATE);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    assert_err(client_send(scene->client, &joao, SPAN_OF(body), id), MLT_ERR_RANGE);
    assert_err(client_send(scene->client, &joao, span_of(body, 1001), id), MLT_ERR_RANGE);
    for (int i = 0; i < LIMIT_SEND_WINDOW; i++)
        assert_ok(client_send(scene->client, &joao, span_of(body, 1000), id));
    assert_err(client_send(scene->client, &joao, span_of(body, 1), id), MLT_ERR_TOO_MANY);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        T(a_login_is_announced_and_ends_with_a_close),
        T(a_message_is_in_the_store_before_its_receipt_leaves),
        T(what_cannot_be_stored_is_not_acknowledged),
        T(a_repeated_message_is_acknowledged_again_and_shown_once),
        T(messages_not_shown_yet_come_first_and_without_a_server),
        T(what_was_not_marked_shown_comes_again_after_the_next_login),
        T(a_message_for_somebody_else_ends_the_session),
        T(a_sending_session_takes_no_mail),
        T(an_outcome_names_the_message_it_is_about),
        T(an_outcome_is_told_though_the_disk_is_full),
        T(an_outcome_nobody_waits_for_ends_the_session),
        T(a_lost_link_leaves_the_fate_of_a_message_unknown),
        T(an_outcome_that_never_comes_is_given_up),
        T(messages_that_were_given_up_make_room),
        T(what_is_too_much_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
