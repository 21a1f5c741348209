/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/rsa.h"

struct scene *scene;

struct pair_env *scene_clock_now(void)
{
    return &pair_house()->clock;
}

int scene_begin(void **state)
{
    (void)state;
    static struct scene s;
    s = (struct scene) { .path = "/tmp/malote-test-client-XXXXXX", .home = HOME_CLOSED };
    scene = &s;
    pair_env_start(scene_clock_now());
    if (mkdtemp(s.path) == NULL || home_open(s.path, false, &s.home) != MLT_OK)
        return -1;
    small_server_start(&s.server);
    return 0;
}

/* For a library that has no other clock. */
int scene_begin_now(void **state)
{
    struct pair_house *house = pair_house();
    int status = scene_begin(state);
    house->clock.wall_ms = env_wall_ms(env_system());
    int64_t now_s = house->clock.wall_ms / 1000;
    buf_clear(&house->server_der);
    buf_clear(&house->client_der);
    pair_issue(CERT_SERVER, "relay", house->server_key, now_s - 300, now_s + 86400,
               &house->server_der);
    pair_issue(CERT_CLIENT, PAIR_USER, house->client_key, now_s - 300, now_s + 86400,
               &house->client_der);
    scene->server.config.server_der = buf_span(&house->server_der);
    return status;
}

int scene_end(void **state)
{
    (void)state;
    static const char *const names[] = { "malote.db", "malote.db-wal", "malote.db-shm",   "key",
                                         "server",    "ca.pem",        "certificate.pem", "lock",
                                         "turns" };
    client_free(&scene->client);
    store_close(&scene->store);
    identity_clear(&scene->me);
    small_server_stop(&scene->server);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlinkat(scene->home.dirfd, names[i], 0);
    home_close(&scene->home);
    return rmdir(scene->path);
}

void scene_make_joining(void)
{
    struct pair_house *house = pair_house();
    struct identity *me = &scene->me;
    me->server = (struct server_file) { .state = SERVER_JOINING,
                                        .host = "127.0.0.1",
                                        .port = scene->server.port,
                                        .min_group = DH_FFDHE2048 };
    assert_ok(name_parse(span_str(PAIR_USER), &me->server.name));
    memcpy(me->server.pin, house->ca.spki_hash, HASH_LEN);
    assert_ok(rsa_key_share(house->client_key, &me->key));
    assert_ok(rsa_public_hash(me->key, me->key_hash));
    assert_ok(key_file_write(&scene->home, me->key, NULL));
    assert_ok(home_write_server(&scene->home, &me->server));
}

void scene_make_joined(void)
{
    struct pair_house *house = pair_house();
    scene_make_joining();
    assert_ok(identity_keep_issued(&scene->home, &scene->me, buf_span(&house->ca_der),
                                   buf_span(&house->client_der), house->clock.wall_ms / 1000));
    assert_ok(store_open(&scene->home, &scene_clock_now()->env, &scene->store));
}

void scene_make_client(enum client_auth_kind kind, bool comes_back)
{
    const struct client_config config = { .env = &scene_clock_now()->env,
                                          .home = &scene->home,
                                          .identity = &scene->me,
                                          .store = scene->store,
                                          .kind = kind,
                                          .comes_back = comes_back };
    assert_ok(client_new(&config, &scene->client));
}

void scene_connect_as(enum client_auth_kind kind)
{
    scene_make_client(kind, false);
    assert_ok(client_connect(scene->client));
}

void scene_await(struct client_event *event)
{
    for (int turns = 0; turns < 400; turns++) {
        assert_ok(client_next_event(scene->client, event));
        if (event->kind != CLIENT_EVENT_NONE)
            return;
        small_server_turn(&scene->server);
        struct pollfd fd = { .fd = client_fd(scene->client) };
        unsigned want = client_want(scene->client);
        fd.events = (short)((want & CLIENT_WANT_READ ? POLLIN : 0) |
                            (want & CLIENT_WANT_WRITE ? POLLOUT : 0));
        poll(&fd, 1, scene->server.fd < 0 || turns > 20 ? 5 : 0);
        client_process(scene->client);
    }
}

void scene_expect(enum client_event_kind kind)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, kind);
}

void scene_expect_lost(enum mlt_err err)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_err(event.err, err);
    assert_int_equal(event.retry_ms, -1);
    assert_true(client_is_over(scene->client));
    for (int i = 0; i < 20; i++)
        small_server_turn(&scene->server);
}

void scene_expect_message(const char *from, const char *text)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_MESSAGE);
    assert_string_equal(event.message.peer.text, from);
    assert_span_equal(buf_span(&event.message.body), span_str(text));
    assert_ok(store_shown(scene->store, event.message.row, false));
}

void scene_expect_fate(const uint8_t id[static ENVELOPE_ID], enum store_state state)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_memory_equal(event.message.id, id, ENVELOPE_ID);
    assert_int_equal(event.message.state, state);
}

void scene_send(const char *text, uint8_t id[static ENVELOPE_ID])
{
    struct store_outgoing message = { .body = span_str(text) };
    assert_ok(name_parse(span_str("joao"), &message.recipient));
    assert_ok(store_outbox_keep(scene->store, &message, id));
    if (scene->client != NULL)
        client_wake(scene->client);
}

void scene_expect_quiet(void)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    for (int i = 0; i < 30; i++) {
        small_server_turn(&scene->server);
        struct pollfd fd = { .fd = client_fd(scene->client), .events = POLLIN };
        poll(&fd, 1, 2);
        client_process(scene->client);
        assert_ok(client_next_event(scene->client, &event));
        assert_int_equal(event.kind, CLIENT_EVENT_NONE);
    }
}

void scene_settle_down(void)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    for (int i = 0; i < 30; i++) {
        small_server_turn(&scene->server);
        client_process(scene->client);
        do
            assert_ok(client_next_event(scene->client, &event));
        while (event.kind != CLIENT_EVENT_NONE);
    }
}

void scene_log_in(enum client_auth_kind kind)
{
    scene_make_joined();
    scene_connect_as(kind);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}
