/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include "client/reach.h"
#include "client/watch.h"
#include "name_server.h"
#include "pair.h"

static struct name_server server;
static struct pair_env clocks;
static int watch;

static int begin(void **state)
{
    (void)state;
    pair_env_start(&clocks);
    name_server_start(&server);
    watch = -1;
    return watch_open(&watch) == MLT_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    name_server_stop(&server);
    return close(watch);
}

static struct resolver *ask(const char *name)
{
    struct resolver *r = NULL;
    assert_ok(resolver_new(&clocks.env, watch, name, 6256, &r));
    return r;
}

/* As a host would: nothing but the one descriptor says when to go on. */
static void run(struct resolver *r)
{
    for (int turns = 0; turns < 200 && !resolver_is_done(r); turns++) {
        struct pollfd moved = { .fd = watch, .events = POLLIN };
        poll(&moved, 1, 20);
        name_server_turn(&server);
        resolver_process(r);
    }
}

static void expect_failure(const char *name, enum mlt_err err)
{
    struct dial_list list = { .count = 7 };
    char detail[DIAL_DETAIL] = "";
    struct resolver *r = ask(name);
    run(r);
    assert_true(resolver_is_done(r));
    assert_err(resolver_take(r, &list, detail), err);
    assert_int_equal(list.count, 7);
    assert_non_null(strstr(detail, name));
    resolver_free(&r);
}

static unsigned count_descriptors(void)
{
    unsigned n = 0;
    DIR *listing = opendir("/proc/self/fd");
    assert_non_null(listing);
    while (readdir(listing) != NULL)
        n++;
    closedir(listing);
    return n;
}

static void a_name_is_asked_of_the_name_server(void **state)
{
    (void)state;
    struct dial_list list = { .count = 0 };
    char detail[DIAL_DETAIL] = "";
    unsigned before = count_descriptors();
    struct resolver *r = ask("relay.example.org");
    run(r);
    assert_ok(resolver_take(r, &list, detail));
    assert_true(server.questions >= 1);
    assert_int_equal(list.count, 1);
    dial_describe(&list.at[0], "here", detail);
    assert_string_equal(detail, "127.0.0.1:6256: here");
    resolver_free(&r);
    assert_int_equal(count_descriptors(), before);
}

static void a_name_that_nobody_has_is_unknown(void **state)
{
    (void)state;
    server.knows_nothing = true;
    expect_failure("no-such-name.example.org", MLT_ERR_UNKNOWN_HOST);
}

static void without_a_name_server_a_name_is_unknown(void **state)
{
    (void)state;
    name_server_stop(&server);
    expect_failure("relay.example.org", MLT_ERR_UNKNOWN_HOST);
}

static void an_answer_that_is_none_is_not_taken(void **state)
{
    (void)state;
    struct dial_list list = { .count = 0 };
    char detail[DIAL_DETAIL] = "";
    server.lies = "\300\14\300\14 this is no answer";
    struct resolver *r = ask("relay.example.org");
    for (int turns = 0; turns < 10; turns++) {
        name_server_turn(&server);
        resolver_process(r);
    }
    assert_true(server.questions >= 1);
    assert_false(resolver_is_done(r)); /* the true answer may still come */
    clocks.mono_ms += LIMIT_LOOK_UP_MS;
    resolver_process(r);
    assert_err(resolver_take(r, &list, detail), MLT_ERR_UNREACHABLE);
    resolver_free(&r);
}

/* A black hole: no call waits, and the clock ends it. */
static void a_silent_name_server_is_given_up(void **state)
{
    (void)state;
    struct dial_list list = { .count = 0 };
    char detail[DIAL_DETAIL] = "";
    server.is_mute = true;
    struct resolver *r = ask("relay.example.org");
    for (int turns = 0; turns < 20; turns++) {
        name_server_turn(&server);
        resolver_process(r);
        assert_in_range(resolver_timeout_ms(r), 1, LIMIT_LOOK_UP_MS);
    }
    assert_false(resolver_is_done(r));
    assert_true(server.questions >= 1);
    clocks.mono_ms += LIMIT_LOOK_UP_MS - 1;
    resolver_process(r);
    assert_false(resolver_is_done(r));
    assert_int_equal(resolver_timeout_ms(r), 1);
    clocks.mono_ms += 1;
    resolver_process(r);
    assert_true(resolver_is_done(r));
    assert_err(resolver_take(r, &list, detail), MLT_ERR_UNREACHABLE);
    assert_string_equal(detail, "relay.example.org: no name server answered");
    resolver_free(&r);
}

/* A host that sleeps as long as it is told is called a few times, and not in a circle. */
static void while_nobody_answers_the_host_sleeps(void **state)
{
    (void)state;
    server.is_mute = true;
    struct resolver *r = ask("relay.example.org");
    int turns = 0;
    for (; !resolver_is_done(r); turns++) {
        int ms = resolver_timeout_ms(r);
        assert_true(ms > 0 && turns < 10);
        clocks.mono_ms += ms;
        resolver_process(r);
    }
    assert_true(turns >= 2);
    resolver_free(&r);
}

static void an_answer_wakes_the_host(void **state)
{
    (void)state;
    struct pollfd moved = { .fd = watch, .events = POLLIN };
    struct resolver *r = ask("relay.example.org");
    for (int turns = 0; !resolver_is_done(r); turns++) {
        assert_true(turns < 10);
        name_server_turn(&server);
        assert_int_equal(poll(&moved, 1, resolver_timeout_ms(r)), 1);
        resolver_process(r);
    }
    assert_int_equal(poll(&moved, 1, 0), 0);
    resolver_free(&r);
}

/* A copy of the socket, as a child that was forked has it, would keep it watched. */
static void a_socket_is_not_watched_once_it_is_given_up(void **state)
{
    (void)state;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(at);
    struct pollfd moved = { .fd = watch, .events = POLLIN };
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
    struct reach r = { .env = &clocks.env, .watch = watch, .fd = -1 };
    for (int handed_out = 0; handed_out < 2; handed_out++) {
        assert_ok(reach_look_up(&r, "127.0.0.1", ntohs(at.sin_port)));
        assert_ok(reach_start(&r));
        assert_ok(watch_set(watch, r.fd, false, true));
        assert_int_equal(poll(&moved, 1, 5000), 1);
        int copy = dup(r.fd);
        int fd = -1;
        if (handed_out == 1)
            assert_ok(reach_process(&r, &fd));
        assert_int_equal(fd >= 0, handed_out == 1);
        reach_stop(&r);
        if (fd >= 0)
            close(fd);
        assert_int_equal(poll(&moved, 1, 0), 0);
        close(copy);
    }
    close(listener);
}

static void a_look_up_may_be_given_up_at_any_moment(void **state)
{
    (void)state;
    unsigned before = count_descriptors();
    server.is_mute = true;
    struct resolver *r = ask("relay.example.org");
    resolver_process(r);
    resolver_free(&r);
    assert_null(r);
    assert_int_equal(count_descriptors(), before);
}

static void numeric_addresses_are_read_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } good[] = { { "192.0.2.7", "192.0.2.7:6256: x" },
                 { "::1", "[::1]:6256: x" },
                 { "2001:DB8::7", "[2001:db8::7]:6256: x" },
                 { "fe80::1%lo", "[fe80::1]:6256: x" },
                 { "::ffff:192.0.2.7", "[::ffff:192.0.2.7]:6256: x" } };
    static const char *const bad[] = {
        "",           "relay",
        "192.0.2.7 ", "192.0.2",
        "192.0.2.7.", "[::1]",
        "::1%",       "::1%no-such-if",
        "1::2::3",    "192.0.2.7%lo",
        "::1\n",      "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"
    };
    struct dial_address address;
    char detail[DIAL_DETAIL];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_ok(dial_numeric(good[i].text, 6256, &address));
        dial_describe(&address, "x", detail);
        assert_string_equal(detail, good[i].shown);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_err(dial_numeric(bad[i], 6256, &address), MLT_ERR_USAGE);
}

/* An address that answers is found behind the name; and what the host gives is not asked for. */
static void what_the_host_gives_is_not_looked_up(void **state)
{
    (void)state;
    struct reach r = { .env = &clocks.env, .watch = watch, .fd = -1, .given = { .count = 1 } };
    assert_ok(dial_numeric("127.0.0.1", 9, &r.given.at[0]));
    assert_ok(reach_look_up(&r, "relay.example.org", 6256));
    assert_null(r.resolver);
    assert_int_equal(r.addresses.count, 1);
    r.given.count = 0;
    assert_ok(reach_look_up(&r, "127.0.0.1", 6256));
    assert_null(r.resolver);
    assert_ok(reach_look_up(&r, "relay.example.org", 6256));
    assert_non_null(r.resolver);
    reach_clear(&r);
    assert_int_equal(server.questions, 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_name_is_asked_of_the_name_server),
        T(a_name_that_nobody_has_is_unknown),
        T(without_a_name_server_a_name_is_unknown),
        T(an_answer_that_is_none_is_not_taken),
        T(a_silent_name_server_is_given_up),
        T(while_nobody_answers_the_host_sleeps),
        T(an_answer_wakes_the_host),
        T(a_socket_is_not_watched_once_it_is_given_up),
        T(a_look_up_may_be_given_up_at_any_moment),
        T(numeric_addresses_are_read_and_nothing_else),
        T(what_the_host_gives_is_not_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
