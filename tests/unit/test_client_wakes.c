/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scene.h"

/*
 * When a client wants to be called: the host polls for exactly as long as it says.  A poll that
 * runs out is a lost wake-up, one that returns with nothing to do is a host that spins.
 */

enum { TURNS_MOST = 200 };

static unsigned wake_ups;

static bool is_ready(int ms)
{
    struct pollfd fd = { .fd = client_fd(scene->client) };
    unsigned want = client_want(scene->client);
    fd.events =
        (short)((want & CLIENT_WANT_READ ? POLLIN : 0) | (want & CLIENT_WANT_WRITE ? POLLOUT : 0));
    return poll(&fd, 1, ms) == 1;
}

/* The server does all it can; what it did, or the clock, wakes the client. */
static void turn(void)
{
    for (int i = 0; i < 4; i++)
        small_server_turn(&scene->server);
    int ms = client_timeout_ms(scene->client);
    assert_true(ms >= 0);
    if (ms > 0) {
        assert_true(is_ready(ms));
        wake_ups++;
    }
    client_process(scene->client);
}

static void await(enum client_event_kind kind)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    for (int turns = 0; event.kind == CLIENT_EVENT_NONE; turns++) {
        assert_true(turns < TURNS_MOST);
        turn();
        assert_ok(client_next_event(scene->client, &event));
    }
    assert_int_equal(event.kind, kind);
}

static void take_events(void)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    do
        assert_ok(client_next_event(scene->client, &event));
    while (event.kind != CLIENT_EVENT_NONE);
}

static void make_and_connect(enum client_auth_kind kind)
{
    wake_ups = 0;
    scene_make_joined();
    scene_make_client(kind, true);
    assert_ok(client_connect(scene->client));
}

static void every_step_wakes_the_host_and_nothing_else_does(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    make_and_connect(CLIENT_AUTH_RECEIVE);
    await(CLIENT_EVENT_LOGGED_IN);
    assert_true(wake_ups >= 2); /* connected, and greeted; ServerAuth; Welcome */
    take_events();
    assert_int_equal(client_timeout_ms(scene->client), LIMIT_KEEPALIVE_MS);
    assert_false(is_ready(0));

    small_server_deliver(&scene->server, "joao", 1, "oi");
    await(CLIENT_EVENT_MESSAGE);
    take_events();
    scene_send("ola", id);
    await(CLIENT_EVENT_OUTCOME);
    take_events();
    for (int i = 0; i < 4; i++)
        small_server_turn(&scene->server);
    assert_false(is_ready(0));
    assert_int_equal(client_timeout_ms(scene->client), LIMIT_KEEPALIVE_MS);

    small_server_close(&scene->server, CLOSE_SHUTDOWN);
    await(CLIENT_EVENT_CLOSED);
    assert_true(client_timeout_ms(scene->client) > 0);
    assert_false(is_ready(0));
}

/* The server reads late and says nothing: only that there is room again can wake the host. */
static void room_to_write_wakes_the_host(void **state)
{
    (void)state;
    static char body[LIMIT_BODY + 1];
    const int small = 4096;
    uint8_t id[ENVELOPE_ID];
    memset(body, 'x', LIMIT_BODY);
    assert_int_equal(
        setsockopt(scene->server.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    scene->server.confirms = false;
    make_and_connect(CLIENT_AUTH_SEND);
    await(CLIENT_EVENT_LOGGED_IN);
    for (int i = 0; i < LIMIT_SEND_WINDOW; i++)
        scene_send(body, id);
    client_process(scene->client);
    assert_false(is_ready(0)); /* full: it does not spin */
    unsigned turns = 0;
    wake_ups = 0;
    while (scene->server.sends < LIMIT_SEND_WINDOW) {
        assert_true(++turns < 100 * TURNS_MOST);
        small_server_turn(&scene->server);
        if (is_ready(0)) {
            client_process(scene->client);
            wake_ups++;
        }
    }
    assert_true(wake_ups >= 2);
    for (int i = 0; i < 4; i++)
        small_server_turn(&scene->server);
    client_process(scene->client);
    assert_false(is_ready(0)); /* all is said */
}

static pid_t fork_one_that_waits(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        pause();
        _exit(0);
    }
    return child;
}

static void end_child(pid_t child)
{
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

/* The child holds copies of all sockets: closed ones would stay watched, and ready for ever. */
static void a_forked_child_does_not_make_the_host_spin(void **state)
{
    (void)state;
    make_and_connect(CLIENT_AUTH_RECEIVE);
    await(CLIENT_EVENT_LOGGED_IN);
    take_events();
    pid_t child = fork_one_that_waits();
    assert_int_equal(shutdown(scene->server.fd, SHUT_RDWR), 0);
    small_server_drop(&scene->server);
    assert_true(is_ready(client_timeout_ms(scene->client)));
    client_process(scene->client);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    assert_ok(client_next_event(scene->client, &event));
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_true(client_timeout_ms(scene->client) > 0);
    bool spins = is_ready(0);
    end_child(child);
    assert_false(spins);
    scene_clock_now()->mono_ms += event.retry_ms;
    await(CLIENT_EVENT_LOGGED_IN);
}

static void rename_messages(const char *sql)
{
    char path[80];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/malote.db", scene->path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_failing_database_is_asked_once_a_second(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    struct envelope e = { .time_ms = 1, .number = 1, .body = span_str("kept") };
    bool fresh = false;
    assert_ok(name_parse(span_str("joao"), &e.sender.name));
    scene_make_joined();
    assert_ok(store_put(scene->store, &e, &fresh));
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_int_equal(client_timeout_ms(scene->client), 0);
    rename_messages("ALTER TABLE messages RENAME TO gone");
    for (int i = 0; i < 3; i++) {
        assert_err(client_next_event(scene->client, &event), MLT_ERR_DATABASE);
        assert_int_equal(client_timeout_ms(scene->client), LIMIT_STORE_RETRY_MS);
        assert_ok(client_next_event(scene->client, &event));
        assert_int_equal(event.kind, CLIENT_EVENT_NONE);
        scene_clock_now()->mono_ms += LIMIT_STORE_RETRY_MS - 1;
        assert_int_equal(client_timeout_ms(scene->client), 1);
        scene_clock_now()->mono_ms += 1;
        assert_int_equal(client_timeout_ms(scene->client), 0);
    }
    rename_messages("ALTER TABLE gone RENAME TO messages");
    assert_ok(client_next_event(scene->client, &event));
    assert_int_equal(event.kind, CLIENT_EVENT_MESSAGE);
    assert_ok(client_next_event(scene->client, &event));
    assert_int_equal(client_timeout_ms(scene->client), -1);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        T(every_step_wakes_the_host_and_nothing_else_does),
        T(room_to_write_wakes_the_host),
        T(a_forked_child_does_not_make_the_host_spin),
        T(a_failing_database_is_asked_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
