/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

/* The outbox, the history and what is told of a message, as a host sees them. */

static void a_message_is_kept_without_a_connection_and_sent_by_the_next(void **state)
{
    (void)state;
    static const char body[] = "oi\0, with a NUL";
    struct mlt_outgoing outgoing = MLT_OUTGOING_INIT;
    struct mlt_message message = MLT_MESSAGE_INIT;
    uint8_t id[MLT_ID_SIZE], dropped[MLT_ID_SIZE];
    uint64_t count = 0;
    bool found = false;
    host_open_joined();
    mlt_close(&client); /* nothing needs to be loaded for it */
    assert_int_equal(mlt_open(scene->path, 0, &client), MLT_ERROR_NONE);
    assert_int_equal(mlt_look(client), MLT_ERROR_NONE);
    outgoing.recipient = "joao";
    outgoing.body = body;
    outgoing.n = sizeof(body) - 1;
    outgoing.wants_read = true;
    assert_int_equal(mlt_put(client, &outgoing, id), MLT_ERROR_NONE);
    assert_int_equal(mlt_send(client, "joao", "never mind", 10, dropped), MLT_ERROR_NONE);
    assert_int_equal(mlt_count_waiting(client, &count), MLT_ERROR_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(mlt_drop(client, dropped), MLT_ERROR_NONE);
    assert_int_equal(mlt_drop(client, dropped), MLT_ERROR_MISSING);
    assert_int_equal(mlt_next_waiting(client, 0, &message, &found), MLT_ERROR_NONE);
    assert_true(found && message.is_ours && message.wants_read && message.number == 1);
    assert_string_equal(message.peer, "joao");
    assert_memory_equal(message.id, id, sizeof(id));
    assert_int_equal(message.n, sizeof(body) - 1);
    assert_memory_equal(message.body, body, sizeof(body)); /* and a NUL behind it */
    assert_int_equal(message.outcome, MLT_OUTCOME_WAITING);
    assert_int_equal(mlt_next_waiting(client, message.row, &message, &found), MLT_ERROR_NONE);
    assert_false(found);

    scene->server.answer = (struct outcome) { .state = OUTCOME_STORED };
    assert_int_equal(mlt_load(client, NULL, 0), MLT_ERROR_NONE);
    host_connect(MLT_KIND_SEND, false);
    const struct mlt_event *event = host_await(MLT_EVENT_OUTCOME);
    assert_int_equal(mlt_event_outcome(event), MLT_OUTCOME_DROPPED); /* that was a change too */
    assert_memory_equal(mlt_event_id(event), dropped, sizeof(dropped));
    host_await(MLT_EVENT_LOGGED_IN);
    event = host_await(MLT_EVENT_OUTCOME);
    assert_int_equal(mlt_event_outcome(event), MLT_OUTCOME_STORED);
    assert_memory_equal(mlt_event_id(event), id, sizeof(id));
    assert_int_equal(scene->server.sends, 1);
    assert_int_equal(scene->server.send_flags, ENVELOPE_WANTS_READ);
    struct outcome read = { .state = OUTCOME_READ, .kept = true };
    memcpy(read.id, id, sizeof(id));
    small_server_outcome(&scene->server, &read);
    assert_int_equal(mlt_event_outcome(host_await(MLT_EVENT_OUTCOME)), MLT_OUTCOME_READ);
    assert_int_equal(mlt_fate(client, id, &message, &found), MLT_ERROR_NONE);
    assert_true(found && message.outcome == MLT_OUTCOME_READ && message.changed_ms > 0);
    assert_int_equal(mlt_next_waiting(client, 0, &message, &found), MLT_ERROR_NONE);
    assert_false(found);
    assert_int_equal(mlt_fate(client, dropped, &message, &found), MLT_ERROR_NONE);
    assert_true(found && message.outcome == MLT_OUTCOME_DROPPED);
    id[0] ^= 1;
    assert_int_equal(mlt_fate(client, id, &message, &found), MLT_ERROR_NONE);
    assert_false(found);
}

static void what_cannot_be_a_message_is_not_kept(void **state)
{
    (void)state;
    static const uint8_t body[MLT_BODY_MAX + 1];
    struct mlt_message message = MLT_MESSAGE_INIT;
    uint8_t id[MLT_ID_SIZE];
    bool found = false;
    host_open_joined();
    assert_int_equal(mlt_send(client, "joao", body, sizeof(body), id), MLT_ERROR_RANGE);
    assert_int_equal(mlt_send(client, "No Name", body, 1, id), MLT_ERROR_NAME);
    assert_int_equal(mlt_next_waiting(client, 0, &message, &found), MLT_ERROR_NONE);
    assert_false(found);
    assert_int_equal(mlt_send(client, "joao", body, MLT_BODY_MAX, id), MLT_ERROR_NONE);
    scene->server.welcome = (struct welcome) { .result = WELCOME_LOGGED_IN, .max_body = 1000 };
    host_connect(MLT_KIND_SEND, false);
    host_await(MLT_EVENT_LOGGED_IN);
    const struct mlt_event *event = host_await(MLT_EVENT_OUTCOME);
    assert_int_equal(mlt_event_outcome(event), MLT_OUTCOME_REFUSED);
    assert_int_equal(mlt_event_why(event), MLT_WHY_TOO_LONG);
    assert_non_null(strstr(mlt_event_text(event), "longer"));
}

static void history_and_gaps_are_told(void **state)
{
    (void)state;
    struct mlt_message message = MLT_MESSAGE_INIT;
    uint8_t id[MLT_ID_SIZE];
    bool found = false;
    host_open_joined();
    host_connect(MLT_KIND_RECEIVE, false);
    host_await(MLT_EVENT_LOGGED_IN);
    small_server_deliver(&scene->server, "joao", 1, "um");
    assert_int_equal(mlt_event_gap(host_await(MLT_EVENT_MESSAGE)), 0);
    assert_int_equal(mlt_send(client, "joao", "ola", 3, id), MLT_ERROR_NONE);
    host_await(MLT_EVENT_OUTCOME);
    small_server_deliver(&scene->server, "joao", 4, "quatro");
    const struct mlt_event *event = host_await(MLT_EVENT_MESSAGE);
    assert_int_equal(mlt_event_gap(event), 2);
    assert_int_equal(mlt_shown(client, mlt_event_row(event)), MLT_ERROR_NONE);
    small_server_deliver(&scene->server, "ana", 1, "de outra");
    host_await(MLT_EVENT_MESSAGE);

    static const struct {
        const char *body;
        bool is_ours, is_shown;
        uint64_t gap;
    } all[] = { { "um", false, false, 0 },
                { "ola", true, false, 0 },
                { "quatro", false, true, 2 } };
    int64_t after = 0;
    for (size_t i = 0; i < COUNT_OF(all); i++, after = message.row) {
        assert_int_equal(mlt_next_message(client, "joao", after, &message, &found), MLT_ERROR_NONE);
        assert_true(found);
        assert_string_equal(message.body, all[i].body);
        assert_int_equal(message.is_ours, all[i].is_ours);
        assert_int_equal(message.is_shown, all[i].is_shown);
        assert_int_equal(message.gap, all[i].gap);
    }
    assert_int_equal(mlt_next_message(client, "joao", after, &message, &found), MLT_ERROR_NONE);
    assert_false(found);
    assert_int_equal(mlt_next_message(client, NULL, after, &message, &found), MLT_ERROR_NONE);
    assert_true(found);
    assert_string_equal(message.peer, "ana");
    assert_int_equal(mlt_next_message(client, "No Name", 0, &message, &found), MLT_ERROR_NAME);
}

static void who_asked_hears_that_it_was_read_if_the_host_tells(void **state)
{
    (void)state;
    host_open_joined();
    for (uint8_t tells = 0; tells < 2; tells++) {
        host_connect(MLT_KIND_RECEIVE, tells == 1);
        host_await(MLT_EVENT_LOGGED_IN);
        small_server_deliver_asking(&scene->server, "joao", tells + 1, "oi");
        const struct mlt_event *event = host_await(MLT_EVENT_MESSAGE);
        assert_int_equal(mlt_shown(client, mlt_event_row(event)), MLT_ERROR_NONE);
        for (int turns = 0; turns < 10; turns++)
            assert_null(host_turn());
        assert_int_equal(scene->server.reads, tells);
        mlt_leave(client);
        host_await(MLT_EVENT_CLOSED);
    }
    assert_int_equal(scene->server.read_id[0], 2);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, scene_begin_now, host_end)
    const struct CMUnitTest tests[] = {
        T(a_message_is_kept_without_a_connection_and_sent_by_the_next),
        T(what_cannot_be_a_message_is_not_kept),
        T(history_and_gaps_are_told),
        T(who_asked_hears_that_it_was_read_if_the_host_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
