/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "client/client.h"
#include "crypto/pss.h"
#include "crypto/rsa.h"
#include "small_server.h"
#include "wire/cursor.h"

/* The client's machine against a server in the same thread, over loopback. */

struct scene {
    char path[64];
    struct home home;
    struct identity me;
    struct store *store;
    struct client *client;
    struct small_server server;
};

static struct scene *scene;

static struct pair_env *clock_now(void)
{
    return &pair_house()->clock;
}

static int begin(void **state)
{
    (void)state;
    static struct scene s;
    s = (struct scene) { .path = "/tmp/malote-test-client-XXXXXX", .home = HOME_CLOSED };
    scene = &s;
    pair_env_start(clock_now());
    if (mkdtemp(s.path) == NULL || home_open(s.path, false, &s.home) != MLT_OK)
        return -1;
    small_server_start(&s.server);
    return 0;
}

static int end(void **state)
{
    (void)state;
    static const char *const names[] = { "malote.db", "malote.db-wal", "malote.db-shm",   "key",
                                         "server",    "ca.pem",        "certificate.pem", "lock" };
    client_free(&scene->client);
    store_close(&scene->store);
    identity_clear(&scene->me);
    small_server_stop(&scene->server);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlinkat(scene->home.dirfd, names[i], 0);
    home_close(&scene->home);
    return rmdir(scene->path);
}

/* Who we are, before joining; the key is the pair's. */
static void make_joining(void)
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

static void make_joined(void)
{
    struct pair_house *house = pair_house();
    make_joining();
    assert_ok(identity_keep_issued(&scene->home, &scene->me, buf_span(&house->ca_der),
                                   buf_span(&house->client_der), house->clock.wall_ms / 1000));
    assert_ok(store_open(&scene->home, &scene->store));
}

static void make_client(enum client_auth_kind kind, bool comes_back)
{
    const struct client_config config = { .env = &clock_now()->env,
                                          .home = &scene->home,
                                          .identity = &scene->me,
                                          .store = scene->store,
                                          .kind = kind,
                                          .comes_back = comes_back };
    assert_ok(client_new(&config, &scene->client));
}

static void connect_as(enum client_auth_kind kind)
{
    make_client(kind, false);
    assert_ok(client_connect(scene->client));
}

/* Both ends in turn until the client has something to say; NONE when it has not after a while. */
static void await(struct client_event *event)
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

static void expect(enum client_event_kind kind)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    await(&event);
    assert_int_equal(event.kind, kind);
}

static void expect_lost(enum mlt_err err)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_err(event.err, err);
    assert_int_equal(event.retry_ms, -1);
    assert_true(client_is_over(scene->client));
    for (int i = 0; i < 20; i++)
        small_server_turn(&scene->server);
}

static void expect_message(const char *from, const char *text)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_MESSAGE);
    assert_string_equal(event.message.sender.text, from);
    assert_span_equal(buf_span(&event.message.body), span_str(text));
    assert_ok(client_shown(scene->client, event.message.row));
}

static void settle_down(void)
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

static void log_in(enum client_auth_kind kind)
{
    make_joined();
    connect_as(kind);
    expect(CLIENT_EVENT_LOGGED_IN);
}

static void a_login_is_announced_and_ends_with_a_close(void **state)
{
    (void)state;
    log_in(CLIENT_AUTH_SEND);
    assert_true(client_is_logged_in(scene->client));
    assert_int_equal(strlen(client_id(scene->client)), 8);
    assert_string_not_equal(client_id(scene->client), "--------");
    client_close(scene->client);
    expect(CLIENT_EVENT_CLOSED);
    assert_true(client_is_over(scene->client));
    assert_int_equal(scene->server.closes, 1);
}

static void an_enrolment_ends_in_a_joined_home(void **state)
{
    (void)state;
    make_joining();
    connect_as(CLIENT_AUTH_ENROL);
    expect(CLIENT_EVENT_ISSUED);
    settle_down();
    struct server_file server;
    assert_ok(home_read_server(&scene->home, &server));
    assert_int_equal(server.state, SERVER_JOINED);
    client_free(&scene->client);
    assert_ok(store_open(&scene->home, &scene->store));
    connect_as(CLIENT_AUTH_RECEIVE);
    expect(CLIENT_EVENT_LOGGED_IN);
}

static void a_pending_enrolment_is_taken_up_with_the_same_key(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    make_joining();
    scene->server.welcome =
        (struct welcome) { .result = WELCOME_PENDING, .retry_after_s = LIMIT_RETRY_S };
    connect_as(CLIENT_AUTH_ENROL);
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_PENDING);
    assert_int_equal(event.retry_after_s, LIMIT_RETRY_S);
    assert_int_equal(scene->me.server.state, SERVER_PENDING);
    settle_down();
    client_free(&scene->client);
    scene->server.welcome = (struct welcome) { 0 };
    connect_as(CLIENT_AUTH_ENROL);
    expect(CLIENT_EVENT_ISSUED);
    assert_memory_equal(scene->me.own.spki_hash, scene->me.key_hash, HASH_LEN);
}

static void a_lost_welcome_does_not_lock_the_newcomer_out(void **state)
{
    (void)state;
    make_joining();
    scene->server.cuts_welcome = true;
    connect_as(CLIENT_AUTH_ENROL);
    expect_lost(MLT_ERR_CUT);
    client_free(&scene->client);
    scene->server.cuts_welcome = false;
    scene->server.cut_after = -1;
    connect_as(CLIENT_AUTH_ENROL);
    expect(CLIENT_EVENT_ISSUED);
}

static void a_refusal_is_told_with_its_reason(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    make_joining();
    scene->server.welcome =
        (struct welcome) { .result = WELCOME_REFUSED, .reason = REFUSAL_NAME_TAKEN };
    connect_as(CLIENT_AUTH_ENROL);
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_REFUSED);
    assert_int_equal(event.refusal, REFUSAL_NAME_TAKEN);
    settle_down();
    assert_true(client_is_over(scene->client));
    assert_int_equal(scene->me.server.state, SERVER_JOINING);
}

static void an_answer_to_another_question_is_refused(void **state)
{
    (void)state;
    make_joining();
    scene->server.welcome = (struct welcome) { .result = WELCOME_LOGGED_IN };
    connect_as(CLIENT_AUTH_ENROL);
    expect_lost(MLT_ERR_UNEXPECTED);
    assert_int_equal(scene->server.peer_alert, ALERT_PROTOCOL);
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
    log_in(CLIENT_AUTH_RECEIVE);
    small_server_deliver(&scene->server, "joao", 0x31, "oi");
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    await(&event);
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
    log_in(CLIENT_AUTH_RECEIVE);
    memset(large, 'x', sizeof(large) - 1);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = { 40000, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    small_server_deliver(&scene->server, "joao", 1, large);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    await(&event);
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
    log_in(CLIENT_AUTH_RECEIVE);
    small_server_deliver(&scene->server, "joao", 0x31, "oi");
    small_server_deliver(&scene->server, "joao", 0x31, "oi");
    small_server_deliver(&scene->server, "ana", 0x31, "another sender's");
    expect_message("joao", "oi");
    expect_message("ana", "another sender's");
    expect(CLIENT_EVENT_NONE);
    assert_int_equal(scene->server.receipts, 3);
}

static void messages_not_shown_yet_come_first_and_without_a_server(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    log_in(CLIENT_AUTH_RECEIVE);
    small_server_deliver(&scene->server, "joao", 1, "seen");
    expect_message("joao", "seen");
    small_server_deliver(&scene->server, "joao", 2, "not seen");
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_MESSAGE);
    client_free(&scene->client);
    make_client(CLIENT_AUTH_RECEIVE, false);
    expect_message("joao", "not seen");
}

static void a_message_for_somebody_else_ends_the_session(void **state)
{
    (void)state;
    log_in(CLIENT_AUTH_RECEIVE);
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
    expect_lost(MLT_ERR_UNEXPECTED);
    assert_int_equal(scene->server.receipts, 0);
}

static void a_sending_session_takes_no_mail(void **state)
{
    (void)state;
    log_in(CLIENT_AUTH_SEND);
    small_server_deliver(&scene->server, "joao", 1, "oi");
    expect_lost(MLT_ERR_UNEXPECTED);
}

static void an_outcome_names_the_message_it_is_about(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    struct name joao;
    uint8_t id[ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &joao));
    log_in(CLIENT_AUTH_SEND);
    assert_ok(client_send(scene->client, &joao, span_str("oi"), id));
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.outcome.state, OUTCOME_DELIVERED);
    assert_memory_equal(event.outcome.id, id, ENVELOPE_ID);
    assert_memory_equal(scene->server.send_id, id, ENVELOPE_ID);
    assert_string_equal(event.recipient.text, "joao");
}

static void an_outcome_nobody_waits_for_ends_the_session(void **state)
{
    (void)state;
    log_in(CLIENT_AUTH_SEND);
    const struct outcome outcome = { .id = { 1 }, .state = OUTCOME_DELIVERED };
    CLEANUP(buf_clear) struct buf body = { 0 };
    assert_ok(outcome_encode(&outcome, &body));
    small_server_put(&scene->server, RECORD_OUTCOME, buf_span(&body));
    expect_lost(MLT_ERR_UNEXPECTED);
}

static void a_lost_link_leaves_the_fate_of_a_message_unknown(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    struct name joao;
    uint8_t id[ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &joao));
    scene->server.confirms = false;
    log_in(CLIENT_AUTH_SEND);
    assert_ok(client_send(scene->client, &joao, span_str("oi"), id));
    for (int i = 0; i < 100 && scene->server.sends == 0; i++) {
        client_process(scene->client);
        small_server_turn(&scene->server);
    }
    small_server_drop(&scene->server);
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.outcome.state, OUTCOME_UNKNOWN);
    assert_err(event.err, MLT_ERR_CUT);
    assert_memory_equal(event.outcome.id, id, ENVELOPE_ID);
    expect_lost(MLT_ERR_CUT);
}

static void an_outcome_that_never_comes_is_given_up(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    struct name joao;
    uint8_t id[ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &joao));
    scene->server.confirms = false;
    log_in(CLIENT_AUTH_SEND);
    assert_ok(client_send(scene->client, &joao, span_str("oi"), id));
    for (int passed = 0; passed < LIMIT_OUTCOME_MS; passed += 10000) {
        settle_down();
        clock_now()->mono_ms += 10000;
    }
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_OUTCOME);
    assert_int_equal(event.outcome.state, OUTCOME_UNKNOWN);
    assert_true(client_is_logged_in(scene->client));
    assert_true(scene->server.pings >= 3);
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
    make_joined();
    make_client(CLIENT_AUTH_SEND, false);
    assert_err(client_send(scene->client, &joao, span_str("oi"), id), MLT_ERR_STATE);
    assert_ok(client_connect(scene->client));
    expect(CLIENT_EVENT_LOGGED_IN);
    assert_err(client_send(scene->client, &joao, SPAN_OF(body), id), MLT_ERR_RANGE);
    assert_err(client_send(scene->client, &joao, span_of(body, 1001), id), MLT_ERR_RANGE);
    for (int i = 0; i < LIMIT_SEND_WINDOW; i++)
        assert_ok(client_send(scene->client, &joao, span_of(body, 1000), id));
    assert_err(client_send(scene->client, &joao, span_of(body, 1), id), MLT_ERR_TOO_MANY);
}

static void a_replaced_session_says_so_and_does_not_come_back(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    make_joined();
    make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    expect(CLIENT_EVENT_LOGGED_IN);
    small_server_close(&scene->server, CLOSE_REPLACED);
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_CLOSED);
    assert_int_equal(event.close, CLOSE_REPLACED);
    assert_int_equal(event.retry_ms, -1);
    assert_true(client_is_over(scene->client));
}

static void a_lost_listener_comes_back_with_growing_pauses(void **state)
{
    (void)state;
    make_joined();
    make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    expect(CLIENT_EVENT_LOGGED_IN);
    small_server_stop(&scene->server);
    int64_t before = 0;
    for (int tries = 0; tries < 8; tries++) {
        CLEANUP(client_event_clear) struct client_event event = { 0 };
        await(&event);
        assert_int_equal(event.kind, CLIENT_EVENT_LOST);
        assert_true(event.retry_ms >= (tries == 0 ? 150 : 200));
        assert_true(event.retry_ms <= LIMIT_RETRY_MOST_MS);
        assert_true(event.retry_ms >= before * 3 / 4);
        before = event.retry_ms;
        assert_int_equal(client_timeout_ms(scene->client), event.retry_ms);
        clock_now()->mono_ms += event.retry_ms;
    }
    assert_true(before >= LIMIT_RETRY_MOST_MS * 3 / 4);
    small_server_start(&scene->server);
    scene->me.server.port = scene->server.port;
    assert_ok(client_connect(scene->client));
    clock_now()->mono_ms += LIMIT_RETRY_MOST_MS;
    expect(CLIENT_EVENT_LOGGED_IN);
    small_server_deliver(&scene->server, "joao", 9, "back again");
    expect_message("joao", "back again");
}

static void a_first_connection_that_fails_is_not_tried_for_ever(void **state)
{
    (void)state;
    make_joined();
    make_client(CLIENT_AUTH_RECEIVE, true);
    small_server_stop(&scene->server);
    assert_ok(client_connect(scene->client));
    expect_lost(MLT_ERR_UNREACHABLE);
    assert_non_null(strstr(client_detail(scene->client), "127.0.0.1"));
}

/* A name of two addresses, of which the first refuses; all else is the system's. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **answers)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name == NULL || strcmp(name, "two-addresses.example") != 0)
        return real(name, service, hints, answers);
    int rc = real("127.0.0.2", service, hints, answers);
    return rc != 0 ? rc : real("127.0.0.1", service, hints, &(*answers)->ai_next);
}

static void every_address_of_a_name_is_tried(void **state)
{
    (void)state;
    make_joined();
    snprintf(scene->me.server.host, sizeof(scene->me.server.host), "two-addresses.example");
    connect_as(CLIENT_AUTH_SEND);
    expect(CLIENT_EVENT_LOGGED_IN);
    client_free(&scene->client);
    small_server_stop(&scene->server);
    connect_as(CLIENT_AUTH_SEND);
    expect_lost(MLT_ERR_UNREACHABLE);
}

/* Only the network sends us on to the next address: a liar there does not. */
static void a_server_that_lies_ends_the_trying(void **state)
{
    (void)state;
    make_joined();
    scene->server.config.server_key = pair_house()->other_key;
    snprintf(scene->me.server.host, sizeof(scene->me.server.host), "two-addresses.example");
    connect_as(CLIENT_AUTH_SEND);
    expect_lost(MLT_ERR_AUTH);
    assert_int_equal(scene->server.accepted, 1);
}

static void a_name_without_an_address_is_unreachable(void **state)
{
    (void)state;
    make_joined();
    make_client(CLIENT_AUTH_SEND, false);
    snprintf(scene->me.server.host, sizeof(scene->me.server.host), "no-such-host.invalid");
    assert_err(client_connect(scene->client), MLT_ERR_UNREACHABLE);
    assert_non_null(strstr(client_detail(scene->client), "no-such-host.invalid"));
}

static void a_silent_server_is_given_up_in_the_handshake(void **state)
{
    (void)state;
    make_joined();
    scene->server.is_mute = true;
    connect_as(CLIENT_AUTH_SEND);
    settle_down();
    clock_now()->mono_ms += LIMIT_HANDSHAKE_MS - 1;
    settle_down();
    assert_false(client_is_over(scene->client));
    assert_int_equal(client_timeout_ms(scene->client), 1);
    clock_now()->mono_ms += 1;
    expect_lost(MLT_ERR_TIMEOUT);
}

static void a_link_gone_silent_is_noticed(void **state)
{
    (void)state;
    log_in(CLIENT_AUTH_RECEIVE);
    assert_int_equal(client_timeout_ms(scene->client), LIMIT_KEEPALIVE_MS);
    clock_now()->mono_ms += LIMIT_KEEPALIVE_MS;
    settle_down();
    assert_int_equal(scene->server.pings, 1);
    clock_now()->mono_ms += LIMIT_KEEPALIVE_MS;
    settle_down();
    assert_int_equal(scene->server.pings, 2);
    assert_true(client_is_logged_in(scene->client));
    /* From here on nobody answers. */
    clock_now()->mono_ms += LIMIT_SILENCE_MS;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    for (int i = 0; i < 10 && event.kind == CLIENT_EVENT_NONE; i++) {
        client_process(scene->client);
        assert_ok(client_next_event(scene->client, &event));
    }
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_err(event.err, MLT_ERR_TIMEOUT);
}

/* ---- hostile servers ---- */

static void put_hello(struct span p, struct span g, struct buf *frame)
{
    static const uint8_t random[32] = { 1, 2, 3, 4 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct wire_out out = wire_out(&body);
    wire_put_u16(&out, 0);
    wire_put_bytes(&out, SPAN_OF(random));
    wire_put_vec16(&out, p, 0, 65535);
    wire_put_vec16(&out, g, 0, 65535);
    wire_put_u16(&out, 0);
    assert_ok(wire_out_end(&out));
    out = wire_out(frame);
    wire_put_u8(&out, FRAME_SERVER_HELLO);
    wire_put_u24(&out, (uint32_t)body.len);
    wire_put_bytes(&out, buf_span(&body));
    assert_ok(wire_out_end(&out));
}

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void refuse_hello(struct span p, struct span g)
{
    CLEANUP(buf_clear) struct buf hello = { 0 };
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    put_hello(p, g, &hello);
    scene->server.instead = buf_span(&hello);
    connect_as(CLIENT_AUTH_SEND);
    int64_t start = cpu_ms();
    await(&event);
    assert_true(cpu_ms() - start < 50);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_true(event.err == MLT_ERR_GROUP || event.err == MLT_ERR_RANGE);
    client_free(&scene->client);
}

/* Attack row 2. */
static void row_2_no_group_but_those_of_rfc_7919_is_taken(void **state)
{
    (void)state;
    static uint8_t p[4096];
    static const uint8_t two = 2, zero = 0, one = 1, three = 3;
    struct span known_p, known_g;
    make_joined();
    dh_group_params(DH_FFDHE2048, &known_p, &known_g);
    const struct span g = span_of(&two, 1);

    memset(p, 0xa5, sizeof(p));
    p[0] = 0xff;
    refuse_hello(span_of(p, 64), g);   /* 512 bits */
    refuse_hello(span_of(p, 255), g);  /* just below 2048 */
    refuse_hello(span_of(p, 256), g);  /* composite, of the right length */
    refuse_hello(span_of(p, 4096), g); /* 32,768 bits */
    memcpy(p, known_p.p, known_p.n);
    p[known_p.n - 1] ^= 0x02; /* a backdoored prime looks like this, one bit away */
    refuse_hello(span_of(p, known_p.n), g);
    p[known_p.n - 1] ^= 0x02;
    p[100] ^= 0x80;
    refuse_hello(span_of(p, known_p.n), g);
    refuse_hello(known_p, span_of(&zero, 1));
    refuse_hello(known_p, span_of(&one, 1));
    refuse_hello(known_p, span_of(&three, 1));
    memcpy(p, known_p.p, known_p.n);
    p[known_p.n - 1] ^= 0x01;
    refuse_hello(known_p, span_of(p, known_p.n)); /* p - 1 as generator */
    refuse_hello(known_p, span_of(NULL, 0));

    scene->server.instead = span_of(NULL, 0);
    connect_as(CLIENT_AUTH_SEND);
    expect(CLIENT_EVENT_LOGGED_IN);
}

/* Attack row 3's plain case: below the client's own minimum. */
static void a_group_below_the_minimum_is_refused(void **state)
{
    (void)state;
    make_joined();
    scene->me.server.min_group = DH_FFDHE3072;
    connect_as(CLIENT_AUTH_SEND);
    expect_lost(MLT_ERR_GROUP);
    assert_false(scene->server.client_auth_seen);
}

/* Attack row 4: whoever stands between has no certificate of the pinned CA. */
static void row_4_a_twin_ca_learns_nothing_of_us(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf ca = { 0 };
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    make_joined();
    pair_forge_ca(house->other_key, &ca);
    pair_issue_by(house->other_key, buf_span(&ca), CERT_SERVER, house->server_key, &leaf);
    scene->server.config.ca_der = buf_span(&ca);
    scene->server.config.server_der = buf_span(&leaf);
    connect_as(CLIENT_AUTH_SEND);
    expect_lost(MLT_ERR_PIN);
    assert_false(scene->server.client_auth_seen);
    assert_int_equal(scene->server.peer_alert, ALERT_PROTOCOL);
}

static void row_4_a_leaf_of_a_twin_under_the_real_ca_is_refused(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf ca = { 0 };
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    make_joined();
    pair_forge_ca(house->other_key, &ca);
    pair_issue_by(house->other_key, buf_span(&ca), CERT_SERVER, house->server_key, &leaf);
    scene->server.config.server_der = buf_span(&leaf);
    connect_as(CLIENT_AUTH_SEND);
    expect_lost(MLT_ERR_CERT_FOREIGN);
    assert_false(scene->server.client_auth_seen);
}

static void a_member_cannot_pose_as_the_server(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    make_joined();
    scene->server.config.server_der = buf_span(&house->client_der);
    scene->server.config.server_key = house->client_key;
    connect_as(CLIENT_AUTH_SEND);
    expect_lost(MLT_ERR_CERT_ROLE);
    assert_false(scene->server.client_auth_seen);
}

static void a_server_without_the_certified_key_is_refused(void **state)
{
    (void)state;
    make_joined();
    scene->server.config.server_key = pair_house()->other_key;
    connect_as(CLIENT_AUTH_SEND);
    expect_lost(MLT_ERR_AUTH);
    assert_false(scene->server.client_auth_seen);
}

static void an_expired_server_certificate_is_refused(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    int64_t now_s = house->clock.wall_ms / 1000;
    make_joined();
    pair_issue(CERT_SERVER, "relay", house->server_key, now_s - 7200, now_s - 1, &leaf);
    scene->server.config.server_der = buf_span(&leaf);
    connect_as(CLIENT_AUTH_SEND);
    expect_lost(MLT_ERR_CERT_EXPIRED);
    assert_false(scene->server.client_auth_seen);
}

/* The pinned key under a CA certificate of another realm, with a server of that realm. */
static void make_other_realm(struct buf *ca_der, struct buf *leaf_der)
{
    struct pair_house *house = pair_house();
    int64_t now_s = house->clock.wall_ms / 1000;
    struct cert_fields fields = { .role = CERT_CA,
                                  .realm = "elsewhere.example",
                                  .serial = { 0x22 },
                                  .not_before_s = now_s - 300,
                                  .not_after_s = now_s + 86400 };
    X509 *ca = X509_new();
    assert_ok(profile_build(&fields, house->ca_key, NULL, ca));
    assert_ok(profile_sign(ca, house->ca_key));
    assert_ok(cert_der(ca, ca_der));
    fields.role = CERT_SERVER;
    fields.serial[1] = 1;
    assert_ok(name_parse(span_str("relay"), &fields.name));
    X509 *leaf = X509_new();
    assert_ok(profile_build(&fields, house->server_key, ca, leaf));
    assert_ok(profile_sign(leaf, house->ca_key));
    assert_ok(cert_der(leaf, leaf_der));
    X509_free(ca);
    X509_free(leaf);
}

static void the_pinned_key_in_another_realm_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf ca_der = { 0 };
    CLEANUP(buf_clear) struct buf leaf_der = { 0 };
    CLEANUP(cert_clear) struct cert ca = { 0 };
    make_joined();
    make_other_realm(&ca_der, &leaf_der);
    assert_ok(cert_read_ca(buf_span(&ca_der), scene->me.server.pin, &ca));
    scene->server.config.ca_der = buf_span(&ca_der);
    scene->server.config.server_der = buf_span(&leaf_der);
    connect_as(CLIENT_AUTH_SEND);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_true(err_fault(event.err) == FAULT_PEER);
    assert_false(client_is_logged_in(scene->client));
}

static void a_flood_of_pings_is_not_answered_without_end(void **state)
{
    (void)state;
    log_in(CLIENT_AUTH_RECEIVE);
    for (int i = 0; i < 2000; i++)
        small_server_put(&scene->server, RECORD_PING, span_of(NULL, 0));
    settle_down();
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
    await(&event);
    while (event.kind == CLIENT_EVENT_LOGGED_IN || event.kind == CLIENT_EVENT_MESSAGE)
        await(&event);
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
    make_joined();
    for (size_t n = 1; n < bytes.len; n++) {
        scene->server.instead = span_of(bytes.p, n);
        scene->server.cut_after = (int64_t)n;
        connect_as(CLIENT_AUTH_SEND);
        expect_cut();
    }
}

static void row_10_a_session_cut_after_any_byte_is_a_truncation(void **state)
{
    (void)state;
    make_joined();
    connect_as(CLIENT_AUTH_RECEIVE);
    for (int i = 0; i < 100 && !scene->server.up; i++) {
        small_server_turn(&scene->server);
        client_process(scene->client);
    }
    int64_t handshake = scene->server.sent;
    expect(CLIENT_EVENT_LOGGED_IN);
    int64_t welcomed = scene->server.sent;
    small_server_deliver(&scene->server, "joao", 1, "oi");
    expect_message("joao", "oi");
    int64_t delivered = scene->server.sent;
    assert_true(delivered > welcomed);
    client_free(&scene->client);
    small_server_drop(&scene->server);
    for (int64_t n = handshake - 60; n < delivered; n++) {
        scene->server.cut_after = n;
        connect_as(CLIENT_AUTH_RECEIVE);
        if (n >= welcomed) {
            expect(CLIENT_EVENT_LOGGED_IN);
            if (!scene->server.ended)
                small_server_deliver(&scene->server, "joao", 1, "oi");
        }
        expect_cut();
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_login_is_announced_and_ends_with_a_close),
        T(an_enrolment_ends_in_a_joined_home),
        T(a_pending_enrolment_is_taken_up_with_the_same_key),
        T(a_lost_welcome_does_not_lock_the_newcomer_out),
        T(a_refusal_is_told_with_its_reason),
        T(an_answer_to_another_question_is_refused),
        T(a_message_is_in_the_store_before_its_receipt_leaves),
        T(what_cannot_be_stored_is_not_acknowledged),
        T(a_repeated_message_is_acknowledged_again_and_shown_once),
        T(messages_not_shown_yet_come_first_and_without_a_server),
        T(a_message_for_somebody_else_ends_the_session),
        T(a_sending_session_takes_no_mail),
        T(an_outcome_names_the_message_it_is_about),
        T(an_outcome_nobody_waits_for_ends_the_session),
        T(a_lost_link_leaves_the_fate_of_a_message_unknown),
        T(an_outcome_that_never_comes_is_given_up),
        T(what_is_too_much_is_not_sent),
        T(a_replaced_session_says_so_and_does_not_come_back),
        T(a_lost_listener_comes_back_with_growing_pauses),
        T(a_first_connection_that_fails_is_not_tried_for_ever),
        T(every_address_of_a_name_is_tried),
        T(a_server_that_lies_ends_the_trying),
        T(a_name_without_an_address_is_unreachable),
        T(a_silent_server_is_given_up_in_the_handshake),
        T(a_link_gone_silent_is_noticed),
        T(row_2_no_group_but_those_of_rfc_7919_is_taken),
        T(a_group_below_the_minimum_is_refused),
        T(row_4_a_twin_ca_learns_nothing_of_us),
        T(row_4_a_leaf_of_a_twin_under_the_real_ca_is_refused),
        T(a_member_cannot_pose_as_the_server),
        T(a_server_without_the_certified_key_is_refused),
        T(an_expired_server_certificate_is_refused),
        T(the_pinned_key_in_another_realm_is_refused),
        T(a_flood_of_pings_is_not_answered_without_end),
        T(row_10_a_handshake_cut_after_any_byte_is_a_truncation),
        T(row_10_a_session_cut_after_any_byte_is_a_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
