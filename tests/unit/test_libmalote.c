/* SPDX-License-Identifier: Apache-2.0 */
#undef _FORTIFY_SOURCE /* its inline functions are in the way of those below */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <malote/client.h>

#include "name_server.h"
#include "scene.h"

/*
 * The library as a host has it: the shared object, by its public header.  What it asks of libc goes
 * through this program first, which sees whether a call could have waited for the network.
 */

#define SEEN __attribute__((visibility("default")))

static bool inside;     /* a public function is at work */
static unsigned calls;  /* of it to the functions below */
static unsigned waited; /* how often it did what may wait */
static unsigned noisy;  /* how often it wrote so that SIGPIPE may come */
static bool is_virtual; /* the wall clock is the scene's, for its certificates */

static bool is_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

static void look(bool may_wait)
{
    calls += inside ? 1 : 0;
    waited += inside && may_wait ? 1 : 0;
}

#define REAL(name) *(void **)&real = dlsym(RTLD_NEXT, name)

SEEN int connect(int fd, const struct sockaddr *to, socklen_t n)
{
    int (*real)(int, const struct sockaddr *, socklen_t);
    REAL("connect");
    look(is_blocking(fd));
    return real(fd, to, n);
}

SEEN ssize_t recv(int fd, void *bytes, size_t n, int flags)
{
    ssize_t (*real)(int, void *, size_t, int);
    REAL("recv");
    look(is_blocking(fd));
    return real(fd, bytes, n, flags);
}

SEEN ssize_t recvfrom(int fd, void *restrict bytes, size_t n, int flags,
                      struct sockaddr *restrict from, socklen_t *restrict from_n)
{
    ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
    REAL("recvfrom");
    look(is_blocking(fd));
    return real(fd, bytes, n, flags, from, from_n);
}

SEEN ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    ssize_t (*real)(int, const void *, size_t, int);
    REAL("send");
    look(is_blocking(fd));
    noisy += inside && (flags & MSG_NOSIGNAL) == 0 ? 1 : 0;
    return real(fd, bytes, n, flags);
}

SEEN ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t (*real)(int, const struct msghdr *, int);
    REAL("sendmsg");
    look(is_blocking(fd));
    noisy += inside && (flags & MSG_NOSIGNAL) == 0 ? 1 : 0;
    return real(fd, message, flags);
}

SEEN int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    int (*real)(struct pollfd *, nfds_t, int);
    REAL("poll");
    look(timeout != 0);
    return real(fds, n, timeout);
}

SEEN int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    int (*real)(const struct timespec *, struct timespec *);
    REAL("nanosleep");
    look(true);
    return real(wanted, left);
}

SEEN int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict how,
                        void *(*run)(void *), void *restrict ctx)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    REAL("pthread_create");
    look(true);
    return real(thread, how, run, ctx);
}

SEEN int clock_gettime(clockid_t which, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *);
    REAL("clock_gettime");
    int rc = real(which, now);
    if (is_virtual && which == CLOCK_REALTIME)
        now->tv_sec = scene_clock_now()->wall_ms / 1000;
    return rc;
}

/* ---- a host ---- */

static struct mlt_client *client;
static struct name_server names;

static int begin(void **state)
{
    names.fd = -1;
    calls = waited = noisy = 0;
    is_virtual = true;
    return scene_begin(state);
}

static int end(void **state)
{
    mlt_close(&client);
    name_server_stop(&names);
    is_virtual = false;
    return scene_end(state);
}

static void open_joined(const char *host)
{
    scene_make_joined();
    store_close(&scene->store);
    struct server_file server = scene->me.server;
    snprintf(server.host, sizeof(server.host), "%s", host);
    assert_ok(home_write_server(&scene->home, &server));
    inside = true;
    assert_int_equal(mlt_open(scene->path, 0, &client), MLT_ERROR_NONE);
    assert_int_equal(mlt_load(client, NULL, 0), MLT_ERROR_NONE);
    inside = false;
}

static void connect_as(enum mlt_kind kind)
{
    struct mlt_connection how = MLT_CONNECTION_INIT;
    how.kind = kind;
    inside = true;
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_NONE);
    inside = false;
}

/* One turn of a host's loop, and of everybody it may talk to. */
static const struct mlt_event *turn(void)
{
    const struct mlt_event *event = NULL;
    struct pollfd moved = { .fd = mlt_fd(client) };
    int ms = mlt_timeout_ms(client);
    moved.events = (short)((mlt_want(client) & MLT_WANT_READ ? POLLIN : 0) |
                           (mlt_want(client) & MLT_WANT_WRITE ? POLLOUT : 0));
    poll(&moved, 1, ms >= 0 && ms < 5 ? ms : 5);
    if (names.fd >= 0)
        name_server_turn(&names);
    small_server_turn(&scene->server);
    inside = true;
    mlt_process(client);
    assert_int_equal(mlt_next_event(client, &event), MLT_ERROR_NONE);
    inside = false;
    return event;
}

static const struct mlt_event *await(enum mlt_event_kind kind)
{
    const struct mlt_event *event = NULL;
    for (int turns = 0; turns < 600 && event == NULL; turns++)
        event = turn();
    assert_non_null(event);
    assert_int_equal(mlt_event_kind(event), kind);
    return event;
}

static void a_host_logs_in_receives_sends_and_leaves(void **state)
{
    (void)state;
    uint8_t id[MLT_ID_SIZE];
    size_t n = 0;
    open_joined("127.0.0.1");
    assert_string_equal(mlt_name(client), PAIR_USER);
    assert_string_equal(mlt_realm(client), PAIR_REALM);
    assert_int_equal(mlt_port(client), scene->server.port);
    assert_int_equal(strlen(mlt_ca_fingerprint(client)), 64);
    assert_int_equal(strlen(mlt_key_fingerprint(client)), 64);
    assert_int_equal(strlen(mlt_serial(client)), 32);
    assert_true(mlt_not_before_s(client) < mlt_not_after_s(client));
    assert_string_equal(mlt_minimum_group(client), "ffdhe2048");
    assert_int_equal(mlt_fd(client), -1);
    assert_int_equal(mlt_timeout_ms(client), -1);
    assert_true(mlt_is_over(client));

    connect_as(MLT_KIND_RECEIVE);
    assert_true(mlt_fd(client) >= 0);
    await(MLT_EVENT_LOGGED_IN);
    small_server_deliver(&scene->server, "joao", 0x31, "oi");
    const struct mlt_event *event = await(MLT_EVENT_MESSAGE);
    assert_string_equal(mlt_event_peer(event), "joao");
    assert_int_equal(mlt_event_id(event)[0], 0x31);
    assert_string_equal(mlt_event_body(event, &n), "oi");
    assert_int_equal(n, 2);
    assert_int_equal(mlt_shown(client, mlt_event_row(event)), MLT_ERROR_NONE);

    assert_int_equal(mlt_send(client, "joao", "ola", 3, id), MLT_ERROR_NONE);
    event = await(MLT_EVENT_OUTCOME);
    assert_int_equal(mlt_event_outcome(event), MLT_OUTCOME_DELIVERED);
    assert_memory_equal(mlt_event_id(event), id, MLT_ID_SIZE);
    assert_string_equal(mlt_event_peer(event), "joao");

    struct mlt_contact contact = MLT_CONTACT_INIT;
    bool found = false;
    assert_int_equal(mlt_next_contact(client, NULL, &contact, &found), MLT_ERROR_NONE);
    assert_true(found && contact.received_ms > 0 && contact.reached_ms > 0);
    assert_string_equal(contact.name, "joao");
    assert_int_equal(mlt_next_contact(client, "joao", &contact, &found), MLT_ERROR_NONE);
    assert_false(found);

    mlt_leave(client);
    event = await(MLT_EVENT_CLOSED);
    assert_int_equal(mlt_event_closed(event), MLT_CLOSED_DONE);
    assert_true(mlt_is_over(client));
    assert_int_equal(mlt_fd(client), -1);
    assert_true(calls > 0);
    assert_int_equal(waited, 0);
}

static void log_in(enum mlt_kind kind)
{
    open_joined("127.0.0.1");
    connect_as(kind);
    await(MLT_EVENT_LOGGED_IN);
}

static void expect_message(uint8_t id, bool shown)
{
    const struct mlt_event *event = await(MLT_EVENT_MESSAGE);
    assert_int_equal(mlt_event_id(event)[0], id);
    if (shown)
        assert_int_equal(mlt_shown(client, mlt_event_row(event)), MLT_ERROR_NONE);
}

static void expect_nothing(void)
{
    for (int turns = 0; turns < 10; turns++)
        assert_null(turn());
}

static void messages_not_shown_come_once_more_when_asked_for(void **state)
{
    (void)state;
    const struct mlt_event *event = NULL;
    log_in(MLT_KIND_RECEIVE);
    for (uint8_t id = 1; id <= 3; id++) {
        small_server_deliver(&scene->server, "joao", id, "oi");
        expect_message(id, id == 2);
    }
    expect_nothing();

    mlt_again(client);
    assert_int_equal(mlt_timeout_ms(client), 0);
    assert_int_equal(mlt_next_event(client, &event), MLT_ERROR_NONE);
    assert_null(event);
    expect_message(1, true);
    expect_message(3, false);
    expect_nothing();
    assert_int_not_equal(mlt_timeout_ms(client), 0);

    /* A new one does not bring the old ones with it. */
    small_server_deliver(&scene->server, "joao", 4, "oi");
    expect_message(4, true);
    expect_nothing();
    mlt_again(client);
    mlt_again(client);
    expect_message(3, true);
    expect_nothing();
    mlt_again(client);
    expect_nothing();
}

static void what_waits_comes_before_what_comes_again(void **state)
{
    (void)state;
    uint8_t id[MLT_ID_SIZE];
    const struct mlt_event *event = NULL;
    log_in(MLT_KIND_RECEIVE);
    small_server_deliver(&scene->server, "joao", 1, "oi");
    expect_message(1, false);
    assert_int_equal(mlt_send(client, "joao", "a", 1, id), MLT_ERROR_NONE);
    assert_int_equal(mlt_send(client, "joao", "b", 1, id), MLT_ERROR_NONE);
    await(MLT_EVENT_OUTCOME);
    mlt_again(client);
    for (int turns = 0; turns < 100 && event == NULL; turns++)
        event = turn();
    assert_int_equal(mlt_event_kind(event), MLT_EVENT_OUTCOME);
    expect_message(1, false);
    expect_nothing();
}

static void who_asks_for_every_message_still_sees_the_last_event(void **state)
{
    (void)state;
    log_in(MLT_KIND_RECEIVE);
    for (uint8_t id = 1; id <= 3; id++) {
        small_server_deliver(&scene->server, "joao", id, "oi");
        expect_message(id, false);
    }
    mlt_again(client);
    for (int round = 0; round < 5; round++) {
        unsigned came = 0;
        const struct mlt_event *event = NULL;
        mlt_process(client);
        do {
            assert_int_equal(mlt_next_event(client, &event), MLT_ERROR_NONE);
            came += event != NULL;
            mlt_again(client);
        } while (event != NULL && came < 100);
        assert_int_equal(came, 3);
    }
}

static void nothing_comes_again_where_nothing_is_received(void **state)
{
    (void)state;
    log_in(MLT_KIND_RECEIVE);
    small_server_deliver(&scene->server, "joao", 1, "oi");
    expect_message(1, false);
    mlt_again(client);
    mlt_leave(client);
    mlt_again(client);
    await(MLT_EVENT_CLOSED);
    mlt_again(client);
    assert_null(turn());
    assert_int_equal(mlt_timeout_ms(client), -1);
    connect_as(MLT_KIND_SEND);
    await(MLT_EVENT_LOGGED_IN);
    expect_nothing();
    mlt_again(client);
    assert_int_not_equal(mlt_timeout_ms(client), 0);
    expect_nothing();
}

/* Of a new message each time, to somebody new: one that has to wait delays no other. */
static const struct mlt_event *outcome_of(enum outcome_state what, enum outcome_reason reason)
{
    static unsigned made;
    uint8_t id[MLT_ID_SIZE];
    char recipient[16];
    unsigned sends = scene->server.sends;
    snprintf(recipient, sizeof(recipient), "joao.%u", ++made);
    assert_int_equal(mlt_send(client, recipient, "oi", 2, id), MLT_ERROR_NONE);
    for (int turns = 0; turns < 100 && scene->server.sends == sends; turns++)
        assert_null(turn());
    struct outcome outcome = { .state = what, .reason = reason };
    memcpy(outcome.id, id, sizeof(id));
    small_server_outcome(&scene->server, &outcome);
    const struct mlt_event *event = await(MLT_EVENT_OUTCOME);
    assert_memory_equal(mlt_event_id(event), id, sizeof(id));
    assert_string_equal(mlt_event_peer(event), recipient);
    return event;
}

static void what_became_of_a_message_has_its_text(void **state)
{
    (void)state;
    static const char *const texts[] = { [MLT_WHY_NO_SUCH_NAME] = "nobody of that name",
                                         [MLT_WHY_AWAY] = "not connected",
                                         [MLT_WHY_BUSY] = "too many",
                                         [MLT_WHY_DUPLICATE] = "already",
                                         [MLT_WHY_NO_ROOM] = "cannot store",
                                         [MLT_WHY_FULL] = "mailbox is full",
                                         [MLT_WHY_SHARE] = "your share",
                                         [MLT_WHY_ERASED] = "erased" };
    scene->server.confirms = false;
    log_in(MLT_KIND_SEND);
    for (int why = MLT_WHY_NO_SUCH_NAME; why <= MLT_WHY_ERASED; why++) {
        bool waits = why == MLT_WHY_BUSY || why == MLT_WHY_NO_ROOM;
        const struct mlt_event *event = outcome_of(OUTCOME_REFUSED, (enum outcome_reason)why);
        assert_int_equal(mlt_event_outcome(event),
                         waits ? MLT_OUTCOME_WAITING : MLT_OUTCOME_REFUSED);
        assert_int_equal(mlt_event_why(event), why);
        assert_non_null(strstr(mlt_event_text(event), texts[why]));
    }
    assert_string_equal(mlt_event_text(outcome_of(OUTCOME_DELIVERED, 0)), "delivered");
    assert_non_null(strstr(mlt_event_text(outcome_of(OUTCOME_STORED, 0)), "mailbox"));
    assert_non_null(strstr(mlt_event_text(outcome_of(OUTCOME_EXPIRED, 0)), "expired"));
    assert_string_equal(mlt_event_text(outcome_of(OUTCOME_READ, 0)), "read");
    const struct mlt_event *event = outcome_of(OUTCOME_UNKNOWN, 0);
    assert_int_equal(mlt_event_outcome(event), MLT_OUTCOME_WAITING);
    assert_non_null(strstr(mlt_event_text(event), "nobody knows"));

    uint8_t id[MLT_ID_SIZE];
    assert_int_equal(mlt_send(client, "joao", "oi", 2, id), MLT_ERROR_NONE);
    small_server_drop(&scene->server);
    event = await(MLT_EVENT_OUTCOME);
    assert_int_equal(mlt_event_outcome(event), MLT_OUTCOME_WAITING);
    assert_int_not_equal(mlt_event_error(event), MLT_ERROR_NONE);
    assert_string_equal(mlt_event_text(event), mlt_error_text(mlt_event_error(event)));
}

/* A host of a later version than the library: what it added is neither read nor written. */
static void larger_structures_are_taken(void **state)
{
    (void)state;
    struct {
        struct mlt_connection is;
        uint8_t later[16];
    } how = { .is = MLT_CONNECTION_INIT };
    struct {
        struct mlt_contact is;
        uint8_t later[16];
    } contact = { .is = MLT_CONTACT_INIT };
    bool found = false;
    how.is.size = sizeof(how);
    contact.is.size = sizeof(contact);
    memset(how.later, 0xff, sizeof(how.later));
    memset(contact.later, 0x5a, sizeof(contact.later));
    open_joined("127.0.0.1");
    assert_int_equal(mlt_connect(client, &how.is), MLT_ERROR_NONE);
    await(MLT_EVENT_LOGGED_IN);
    small_server_deliver(&scene->server, "joao", 1, "oi");
    expect_message(1, true);
    assert_int_equal(mlt_next_contact(client, NULL, &contact.is, &found), MLT_ERROR_NONE);
    assert_true(found);
    assert_string_equal(contact.is.name, "joao");
    assert_int_equal(contact.is.size, sizeof(contact));
    for (size_t i = 0; i < sizeof(contact.later); i++)
        assert_int_equal(contact.later[i], 0x5a);
}

static void structures_below_the_first_version_are_refused(void **state)
{
    (void)state;
    bool found = false;
    struct mlt_connection how = MLT_CONNECTION_INIT;
    struct mlt_contact contact = MLT_CONTACT_INIT;
    open_joined("127.0.0.1");
    for (how.size = 0; how.size < offsetof(struct mlt_connection, tells_read); how.size++)
        assert_int_equal(mlt_connect(client, &how), MLT_ERROR_USAGE);
    struct mlt_outgoing outgoing = MLT_OUTGOING_INIT;
    uint8_t id[MLT_ID_SIZE];
    outgoing.recipient = "joao";
    for (outgoing.size = 0; outgoing.size <= offsetof(struct mlt_outgoing, wants_read);
         outgoing.size++)
        assert_int_equal(mlt_put(client, &outgoing, id), MLT_ERROR_USAGE);
    struct mlt_message message = MLT_MESSAGE_INIT;
    for (message.size = 0; message.size < sizeof(message); message.size++) {
        assert_int_equal(mlt_next_message(client, NULL, 0, &message, &found), MLT_ERROR_USAGE);
        assert_int_equal(mlt_next_waiting(client, 0, &message, &found), MLT_ERROR_USAGE);
        assert_int_equal(mlt_fate(client, id, &message, &found), MLT_ERROR_USAGE);
    }
    for (contact.size = 0; contact.size < sizeof(contact); contact.size++)
        assert_int_equal(mlt_next_contact(client, NULL, &contact, &found), MLT_ERROR_USAGE);
}

static void a_name_is_looked_up_without_waiting(void **state)
{
    (void)state;
    name_server_start(&names);
    open_joined("relay.example.org");
    connect_as(MLT_KIND_SEND);
    await(MLT_EVENT_LOGGED_IN);
    assert_true(names.questions > 0);
    assert_true(calls > 0);
    assert_int_equal(waited, 0);
    assert_int_equal(noisy, 0);
}

/* A name server that hears and says nothing, then a server that accepts and says nothing. */
static void nothing_waits_for_who_says_nothing(void **state)
{
    (void)state;
    name_server_start(&names);
    names.is_mute = true;
    open_joined("relay.example.org");
    connect_as(MLT_KIND_SEND);
    for (int turns = 0; turns < 20; turns++)
        assert_null(turn());
    assert_true(names.questions > 0);
    inside = true;
    mlt_leave(client);
    inside = false;
    assert_true(mlt_is_over(client));

    static const char *const here[] = { "127.0.0.1" };
    scene->server.is_mute = true;
    assert_int_equal(mlt_set_addresses(client, here, 1), MLT_ERROR_NONE);
    connect_as(MLT_KIND_SEND);
    for (int turns = 0; turns < 20; turns++)
        assert_null(turn());
    assert_int_equal(scene->server.accepted, 1);
    assert_int_equal(waited, 0);
}

/* The wrappers above see a call that waits: each of them, once. */
static void a_call_that_waits_would_be_seen(void **state)
{
    (void)state;
    int pair[2];
    char byte = 0;
    struct pollfd none = { .fd = -1 };
    const struct timespec moment = { .tv_nsec = 1 };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    inside = true;
    assert_int_equal(send(pair[0], &byte, 1, 0), 1);
    assert_int_equal(recv(pair[1], &byte, 1, 0), 1);
    poll(&none, 1, 1);
    nanosleep(&moment, NULL);
    inside = false;
    assert_int_equal(waited, 4);
    assert_int_equal(noisy, 1);
    close(pair[0]);
    close(pair[1]);
}

static void a_name_that_nobody_knows_may_be_given_by_the_host(void **state)
{
    (void)state;
    static const char *const here[] = { "127.0.0.2", "127.0.0.1" };
    name_server_start(&names);
    names.knows_nothing = true;
    open_joined("relay.local");
    connect_as(MLT_KIND_SEND);
    const struct mlt_event *event = await(MLT_EVENT_LOST);
    assert_int_equal(mlt_event_error(event), MLT_ERROR_UNKNOWN_HOST);
    assert_int_equal(mlt_error_blame(mlt_event_error(event)), MLT_BLAME_LOCAL);
    assert_int_equal(mlt_event_retry_ms(event), -1);
    assert_non_null(strstr(mlt_detail(client), "relay.local"));
    assert_int_equal(mlt_set_addresses(client, here, 2), MLT_ERROR_NONE);
    connect_as(MLT_KIND_SEND);
    await(MLT_EVENT_LOGGED_IN);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "127.0.0.1", "relay.example.org" };
    const char *many[17];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = "127.0.0.1";
    open_joined("127.0.0.1");
    assert_int_equal(mlt_set_addresses(client, bad, 2), MLT_ERROR_USAGE);
    assert_int_equal(mlt_set_addresses(client, many, 17), MLT_ERROR_TOO_MANY);
    assert_int_equal(mlt_set_addresses(client, many, 16), MLT_ERROR_NONE);
    assert_int_equal(mlt_set_addresses(client, NULL, 0), MLT_ERROR_NONE);
}

static void calls_in_the_wrong_state_are_refused(void **state)
{
    (void)state;
    uint8_t id[MLT_ID_SIZE];
    uint64_t count = 7;
    struct mlt_connection how = MLT_CONNECTION_INIT;
    const struct mlt_event *event = NULL;
    static const char *const here[] = { "127.0.0.1" };
    assert_int_equal(mlt_open(scene->path, 2, &client), MLT_ERROR_USAGE);
    assert_int_equal(mlt_open(scene->path, 0, &client), MLT_ERROR_NONE);
    assert_int_equal(mlt_look(client), MLT_ERROR_NONE);
    assert_int_equal(mlt_state(client), MLT_STATE_EMPTY);
    assert_string_equal(mlt_name(client), "");
    assert_string_equal(mlt_ca_fingerprint(client), "");
    assert_string_equal(mlt_minimum_group(client), "");
    assert_string_equal(mlt_connection_id(client), "--------");
    assert_string_equal(mlt_detail(client), "");
    assert_int_equal(mlt_load(client, NULL, 0), MLT_ERROR_MISSING);
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_STATE);
    assert_int_equal(mlt_set_addresses(client, here, 1), MLT_ERROR_STATE);
    assert_int_equal(mlt_count_unshown(client, NULL, &count), MLT_ERROR_STATE);
    struct mlt_message message = MLT_MESSAGE_INIT;
    bool found = false;
    assert_int_equal(mlt_send(client, "joao", "oi", 2, id), MLT_ERROR_STATE);
    assert_int_equal(mlt_shown(client, 1), MLT_ERROR_STATE);
    assert_int_equal(mlt_drop(client, id), MLT_ERROR_STATE);
    assert_int_equal(mlt_count_waiting(client, &count), MLT_ERROR_STATE);
    assert_int_equal(mlt_next_waiting(client, 0, &message, &found), MLT_ERROR_STATE);
    assert_int_equal(mlt_next_event(client, &event), MLT_ERROR_NONE);
    assert_null(event);
    mlt_process(client);
    mlt_leave(client);
    assert_int_equal(count, 7);
    mlt_close(&client);
    assert_null(client);
    mlt_close(&client);

    open_joined("127.0.0.1");
    how.kind = MLT_KIND_JOIN;
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_STATE);
    how.kind = (enum mlt_kind)9;
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_USAGE);
    how.kind = MLT_KIND_SEND;
    how.only = "No Name";
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_NAME);
    how.only = NULL;
    how.size = 1;
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_USAGE);
    connect_as(MLT_KIND_SEND);
    how.size = sizeof(how);
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_STATE);
    assert_int_equal(mlt_load(client, NULL, 0), MLT_ERROR_STATE);
    await(MLT_EVENT_LOGGED_IN);
    assert_int_equal(mlt_send(client, "relay", "oi", 2, id), MLT_ERROR_NAME);
}

/* Handles in several threads at once, the first of which start what is shared. */
static void *open_and_close(void *ctx)
{
    for (int i = 0; i < 20; i++) {
        struct mlt_client *one = NULL;
        if (mlt_open(ctx, 0, &one) != MLT_ERROR_NONE || mlt_load(one, NULL, 0) != MLT_ERROR_NONE)
            return ctx;
        mlt_close(&one);
    }
    return NULL;
}

static void handles_in_several_threads_share_a_start(void **state)
{
    (void)state;
    pthread_t threads[4];
    scene_make_joined();
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, scene->path), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(handles_in_several_threads_share_a_start),
        T(a_host_logs_in_receives_sends_and_leaves),
        T(messages_not_shown_come_once_more_when_asked_for),
        T(what_waits_comes_before_what_comes_again),
        T(who_asks_for_every_message_still_sees_the_last_event),
        T(nothing_comes_again_where_nothing_is_received),
        T(what_became_of_a_message_has_its_text),
        T(larger_structures_are_taken),
        T(structures_below_the_first_version_are_refused),
        T(a_name_is_looked_up_without_waiting),
        T(nothing_waits_for_who_says_nothing),
        T(a_call_that_waits_would_be_seen),
        T(a_name_that_nobody_knows_may_be_given_by_the_host),
        T(what_is_no_address_is_refused),
        T(calls_in_the_wrong_state_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
