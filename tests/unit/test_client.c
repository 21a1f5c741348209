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
    assert_ok(store_open(&scene->home, env_system(), &other));
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
    uint8_t id[ENVELOPE_ID];
    struct store_contact contact;
    bool found = false;
    scene_log_in(CLIENT_AUTH_SEND);
    scene_send("oi", id);
    scene_expect_fate(id, STORE_DELIVERED);
    assert_memory_equal(scene->server.send_id, id, ENVELOPE_ID);
    assert_ok(store_next_contact(scene->store, NULL, &contact, &found));
    assert_true(found);
    assert_string_equal(contact.name.text, "joao");
    assert_true(contact.sent_ms > 0);
}

static void what_was_put_before_the_login_is_sent_by_it(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID];
    uint8_t second[ENVELOPE_ID];
    scene_make_joined();
    scene_send("before there is a client", first);
    scene_make_client(CLIENT_AUTH_SEND, false);
    scene_send("before it is connected", second);
    assert_int_equal(scene->server.sends, 0);
    assert_ok(client_connect(scene->client));
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_LOGGED_IN);
    scene_expect_fate(first, STORE_DELIVERED);
    scene_expect_fate(second, STORE_DELIVERED);
    assert_int_equal(scene->server.sends, 2);
}

/* A limit on file sizes stands in for a full disk. */
static void fill_disk(struct rlimit *before)
{
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, before), 0);
    const struct rlimit none = { 0, before->rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
}

static void what_cannot_be_taken_down_is_not_noted_and_comes_again(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    struct rlimit before;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene->server.answer.kept = true;
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_SEND, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_send("oi", id);
    fill_disk(&before);
    scene_await(&event);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_err(event.err, MLT_ERR_SYSTEM);
    assert_true(event.retry_ms > 0);
    for (int i = 0; i < 10; i++)
        small_server_turn(&scene->server);
    assert_int_equal(scene->server.noteds, 0);
    scene_clock_now()->mono_ms += LIMIT_DISK_RETRY_MS;
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_expect_fate(id, STORE_DELIVERED);
    assert_int_equal(scene->server.sends, 2);
    for (int i = 0; i < 10 && scene->server.noteds == 0; i++)
        small_server_turn(&scene->server);
    assert_int_equal(scene->server.noteds, 1);
}

static void an_outcome_of_no_message_of_ours_is_noted_if_it_is_kept(void **state)
{
    (void)state;
    scene_log_in(CLIENT_AUTH_SEND);
    struct outcome outcome = { .id = { 1 }, .state = OUTCOME_DELIVERED };
    small_server_outcome(&scene->server, &outcome);
    scene_expect_quiet();
    assert_int_equal(scene->server.noteds, 0);
    outcome.kept = true;
    small_server_outcome(&scene->server, &outcome);
    scene_expect_quiet();
    assert_int_equal(scene->server.noteds, 1);
    assert_int_equal(scene->server.noted.id[0], 1);
    assert_int_equal(scene->server.noted.state, OUTCOME_DELIVERED);
    assert_true(client_is_logged_in(scene->client));
}

static void wait_for_send(void)
{
    unsigned before = scene->server.sends;
    for (int i = 0; i < 100 && scene->server.sends == before; i++) {
        client_process(scene->client);
        small_server_turn(&scene->server);
    }
    assert_true(scene->server.sends > before);
}

static void a_lost_link_leaves_the_message_waiting_for_the_next(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    uint8_t id[ENVELOPE_ID];
    scene->server.confirms = false;
    scene_log_in(CLIENT_AUTH_SEND);
    scene_send("oi", id);
    wait_for_send();
    small_server_drop(&scene->server);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.message.state, STORE_WAITING);
    assert_err(event.err, MLT_ERR_CUT);
    assert_memory_equal(event.message.id, id, ENVELOPE_ID);
    scene_expect_lost(MLT_ERR_CUT);
    scene->server.confirms = true;
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_expect_fate(id, STORE_DELIVERED);
    assert_memory_equal(scene->server.send_id, id, ENVELOPE_ID);
    assert_int_equal(scene->server.send_number, 1);
}

static void an_answer_that_does_not_come_is_told_and_asked_for_in_a_new_session(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    uint8_t id[ENVELOPE_ID];
    scene->server.confirms = false;
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_SEND, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_send("oi", id);
    wait_for_send();
    for (int passed = 0; passed < LIMIT_OUTCOME_MS; passed += 10000) {
        scene_settle_down();
        scene_clock_now()->mono_ms += 10000;
    }
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.message.state, STORE_WAITING);
    assert_err(event.err, MLT_ERR_TIMEOUT);
    assert_true(scene->server.pings >= 3);
    scene->server.confirms = true;
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_CLOSED);
    assert_int_equal(event.close, CLOSE_AGAIN);
    assert_int_equal(event.retry_ms, 0);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_expect_fate(id, STORE_DELIVERED);
    assert_int_equal(scene->server.sends, 2);
    assert_memory_equal(scene->server.send_id, id, ENVELOPE_ID);
}

static void no_more_than_a_window_is_under_way(void **state)
{
    (void)state;
    uint8_t id[LIMIT_SEND_WINDOW + 2][ENVELOPE_ID];
    scene->server.confirms = false;
    scene_log_in(CLIENT_AUTH_SEND);
    for (size_t i = 0; i < COUNT_OF(id); i++)
        scene_send("oi", id[i]);
    scene_settle_down();
    assert_int_equal(scene->server.sends, LIMIT_SEND_WINDOW);
    struct outcome outcome = { .state = OUTCOME_DELIVERED };
    memcpy(outcome.id, id[0], ENVELOPE_ID);
    small_server_outcome(&scene->server, &outcome);
    scene_expect_fate(id[0], STORE_DELIVERED);
    scene_settle_down();
    assert_int_equal(scene->server.sends, LIMIT_SEND_WINDOW + 1);
    assert_memory_equal(scene->server.send_id, id[LIMIT_SEND_WINDOW], ENVELOPE_ID);
}

static void what_is_too_long_for_this_server_is_refused_and_stops_nobody(void **state)
{
    (void)state;
    uint8_t fits[ENVELOPE_ID], is_too_long[ENVELOPE_ID], follows[ENVELOPE_ID];
    static char body[1002];
    memset(body, 'x', sizeof(body) - 1);
    scene->server.welcome = (struct welcome) { .result = WELCOME_LOGGED_IN, .max_body = 1000 };
    scene_log_in(CLIENT_AUTH_SEND);
    scene_send(body, is_too_long);
    scene_send(body + 1, fits);
    scene_send("oi", follows);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_memory_equal(event.message.id, is_too_long, ENVELOPE_ID);
    assert_int_equal(event.message.state, STORE_REFUSED);
    assert_int_equal(event.message.why, STORE_WHY_TOO_LONG);
    scene_expect_fate(fits, STORE_DELIVERED);
    scene_expect_fate(follows, STORE_DELIVERED);
    assert_int_equal(scene->server.sends, 2);
}

static void a_refusal_that_may_pass_is_told_and_sent_again(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    scene->server.answer =
        (struct outcome) { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_NO_ROOM };
    scene_log_in(CLIENT_AUTH_SEND);
    scene_send("oi", id);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.message.state, STORE_WAITING);
    assert_int_equal(event.message.why, OUTCOME_REASON_NO_ROOM);
    scene_expect_quiet();
    assert_int_equal(scene->server.sends, 1);
    scene->server.answer = (struct outcome) { .state = OUTCOME_STORED };
    scene_clock_now()->mono_ms += LIMIT_RESEND_FIRST_MS;
    scene_expect_fate(id, STORE_STORED);
    assert_int_equal(scene->server.sends, 2);
}

/* The message was dropped on which the server would wait for ever. */
static void a_session_that_cannot_go_on_is_begun_anew(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID];
    scene->server.answer =
        (struct outcome) { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_BUSY };
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_SEND, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_send("the first", first);
    scene_expect_fate(first, STORE_WAITING);
    assert_ok(store_outbox_drop(scene->store, first));
    scene_send("the second", second);
    scene_clock_now()->mono_ms += LIMIT_RETRY_MOST_MS;
    scene->server.answer = (struct outcome) { .state = OUTCOME_DELIVERED };
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    do
        scene_await(&event);
    while (event.kind == CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.kind, CLIENT_EVENT_CLOSED);
    assert_int_equal(event.close, CLOSE_AGAIN);
    assert_int_equal(event.retry_ms, 0);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_expect_fate(second, STORE_DELIVERED);
}

static void a_server_that_asks_for_a_new_login_gets_it_at_once_and_then_slower(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    scene_clock_now()->mono_ms += LIMIT_RETRY_MOST_MS;
    small_server_close(&scene->server, CLOSE_AGAIN);
    scene_await(&event);
    assert_int_equal(event.close, CLOSE_AGAIN);
    assert_int_equal(event.retry_ms, 0);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    small_server_close(&scene->server, CLOSE_AGAIN);
    scene_await(&event);
    assert_int_equal(event.close, CLOSE_AGAIN);
    assert_true(event.retry_ms > 0);
}

/* Between our close and its end the server may still say what became of a message. */
static void an_outcome_that_crosses_our_close_is_taken_down(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    scene->server.confirms = false;
    scene_log_in(CLIENT_AUTH_SEND);
    scene_send("oi", id);
    wait_for_send();
    struct outcome outcome = { .state = OUTCOME_DELIVERED, .kept = true };
    memcpy(outcome.id, id, ENVELOPE_ID);
    small_server_outcome(&scene->server, &outcome);
    client_close(scene->client);
    scene_expect_fate(id, STORE_DELIVERED);
    scene_expect(CLIENT_EVENT_CLOSED);
    assert_int_equal(scene->server.noteds, 0);
}

static void whoever_asked_hears_that_it_was_read(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_log_in(CLIENT_AUTH_RECEIVE);
    small_server_deliver_asking(&scene->server, "joao", 0x31, "oi");
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_MESSAGE);
    assert_int_equal(event.message.flags, ENVELOPE_WANTS_READ);
    scene_settle_down();
    assert_int_equal(scene->server.reads, 0);
    assert_ok(store_shown(scene->store, event.message.row, true));
    client_wake(scene->client);
    small_server_deliver(&scene->server, "joao", 0x32, "this one does not ask");
    scene_await(&event);
    assert_ok(store_shown(scene->store, event.message.row, true));
    client_wake(scene->client);
    scene_settle_down();
    assert_int_equal(scene->server.reads, 1);
    assert_int_equal(scene->server.read_id[0], 0x31);
}

/* As another process of this home would. */
static void what_another_process_hears_is_told(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    struct store *other = NULL;
    scene->server.confirms = false;
    scene_log_in(CLIENT_AUTH_SEND);
    scene_send("oi", id);
    scene_settle_down();
    assert_ok(store_open(&scene->home, env_system(), &other));
    struct outcome outcome = { .state = OUTCOME_DELIVERED };
    struct store_news news;
    memcpy(outcome.id, id, ENVELOPE_ID);
    assert_ok(store_outbox_note(other, &outcome, &news));
    store_close(&other);
    scene_expect_quiet();
    assert_in_range(client_timeout_ms(scene->client), 0, LIMIT_FATE_MS);
    scene_clock_now()->mono_ms += LIMIT_FATE_MS;
    scene_expect_fate(id, STORE_DELIVERED);
    scene_clock_now()->mono_ms += LIMIT_FATE_MS;
    scene_settle_down();
    assert_true(client_timeout_ms(scene->client) > LIMIT_FATE_MS); /* nothing is awaited */
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
        T(what_was_put_before_the_login_is_sent_by_it),
        T(what_cannot_be_taken_down_is_not_noted_and_comes_again),
        T(an_outcome_of_no_message_of_ours_is_noted_if_it_is_kept),
        T(a_lost_link_leaves_the_message_waiting_for_the_next),
        T(an_answer_that_does_not_come_is_told_and_asked_for_in_a_new_session),
        T(no_more_than_a_window_is_under_way),
        T(what_is_too_long_for_this_server_is_refused_and_stops_nobody),
        T(a_refusal_that_may_pass_is_told_and_sent_again),
        T(a_session_that_cannot_go_on_is_begun_anew),
        T(a_server_that_asks_for_a_new_login_gets_it_at_once_and_then_slower),
        T(an_outcome_that_crosses_our_close_is_taken_down),
        T(whoever_asked_hears_that_it_was_read),
        T(what_another_process_hears_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
