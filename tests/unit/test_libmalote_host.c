/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

/* What the library leaves to its host: the process, its forks, its libcrypto, its own memory. */

static int end(void **state)
{
    ERR_clear_error();
    return host_end(state);
}

/* ---- memory that runs out before libcrypto has started ---- */

static unsigned allocations, failing;

static bool fails(void)
{
    return ++allocations == failing;
}

static void *allocate(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : malloc(n);
}

static void *allocate_again(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : realloc(p, n);
}

static void release(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* In a process of its own, where nothing has been started but the queue of errors, which alone asks
 * for a thousand pieces. */
static void start_without(unsigned nth)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct mlt_client *one = NULL;
        bool led = CRYPTO_set_mem_functions(allocate, allocate_again, release) == 1;
        ERR_clear_error();
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        allocations = 0;
        failing = nth;
        enum mlt_error error = mlt_open("/tmp", 0, &one); /* not private: refused, if it starts */
        bool is_told =
            error == MLT_ERROR_NOMEM || error == MLT_ERROR_CRYPTO || error == MLT_ERROR_PERMISSION;
        _exit(led && allocations >= nth && is_told && one == NULL ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    /* libcrypto itself calls abort() for three pieces that its locked heap is made of. */
    bool its_own_end = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && nth < 10;
    assert_true(its_own_end || status == 0);
}

static void a_start_without_memory_fails_and_does_no_harm(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth <= 100; nth++)
        start_without(nth);
}

/* ---- a host ---- */

static void damage(const char *name)
{
    static const char text[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    int fd = openat(scene->home.dirfd, name, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    assert_int_equal(close(fd), 0);
}

static void the_hosts_queue_of_errors_is_left_alone(void **state)
{
    (void)state;
    scene_make_joined();
    store_close(&scene->store);
    damage("ca.pem");
    assert_int_equal(mlt_open(scene->path, 0, &client), MLT_ERROR_NONE);
    ERR_clear_error();
    assert_int_not_equal(mlt_load(client, NULL, 0), MLT_ERROR_NONE);
    assert_int_equal(ERR_peek_error(), 0);

    ERR_raise(ERR_LIB_USER, 7);
    unsigned long before = ERR_peek_last_error();
    assert_int_not_equal(mlt_load(client, NULL, 0), MLT_ERROR_NONE);
    assert_int_equal(ERR_peek_last_error(), before);
    mlt_close(&client);
    assert_int_equal(ERR_get_error(), before);
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_handshake_that_fails_leaves_no_errors(void **state)
{
    (void)state;
    scene->server.config.server_key = pair_house()->other_key;
    host_open_joined();
    struct mlt_connection how = MLT_CONNECTION_INIT;
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_NONE);
    for (int turns = 0; turns < 600 && !mlt_is_over(client); turns++) {
        small_server_turn(&scene->server);
        ERR_clear_error(); /* the server's, in this thread */
        mlt_process(client);
        assert_int_equal(ERR_peek_error(), 0);
    }
    assert_true(mlt_is_over(client));
    host_await(MLT_EVENT_LOST);
}

static void events_that_were_not_taken_are_not_thrown_away(void **state)
{
    (void)state;
    host_open_joined();
    struct mlt_connection how = MLT_CONNECTION_INIT;
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_NONE);
    host_await(MLT_EVENT_LOGGED_IN);
    mlt_leave(client);
    for (int turns = 0; turns < 600 && !mlt_is_over(client); turns++) {
        small_server_turn(&scene->server);
        mlt_process(client);
    }
    assert_true(mlt_is_over(client));
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_STATE);
    assert_int_equal(mlt_load(client, NULL, 0), MLT_ERROR_STATE);
    host_await(MLT_EVENT_CLOSED);
    assert_int_equal(mlt_load(client, NULL, 0), MLT_ERROR_NONE);
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_NONE);
}

/* Whose messages are wanted is copied: the host's own text goes its way. */
static void what_the_host_passes_in_is_copied(void **state)
{
    (void)state;
    char only[] = "joao";
    host_open_joined();
    struct mlt_connection how = MLT_CONNECTION_INIT;
    how.only = only;
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_NONE);
    memcpy(only, "ana\0", sizeof(only));
    host_await(MLT_EVENT_LOGGED_IN);
    small_server_deliver(&scene->server, "ana", 1, "not this one");
    small_server_deliver(&scene->server, "joao", 2, "this one");
    assert_string_equal(mlt_event_peer(host_await(MLT_EVENT_MESSAGE)), "joao");
}

/* It leaves the handles alone, and holds copies of all their descriptors. */
static void a_forked_child_does_not_keep_the_home_locked(void **state)
{
    (void)state;
    struct mlt_membership wanted = MLT_MEMBERSHIP_INIT;
    enum mlt_join_plan plan;
    wanted.name = "maria";
    wanted.url = "malote://127.0.0.1:6256/"
                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    assert_int_equal(mlt_open(scene->path, 0, &client), MLT_ERROR_NONE);
    assert_int_equal(mlt_plan_join(client, &wanted, &plan), MLT_ERROR_NONE);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        pause();
        _exit(0);
    }
    mlt_close(&client);
    assert_int_equal(mlt_open(scene->path, 0, &client), MLT_ERROR_NONE);
    enum mlt_error error = mlt_plan_join(client, &wanted, &plan);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(error, MLT_ERROR_NONE);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, scene_begin_now, end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_without_memory_fails_and_does_no_harm), /* before any start */
        T(the_hosts_queue_of_errors_is_left_alone),
        T(a_handshake_that_fails_leaves_no_errors),
        T(events_that_were_not_taken_are_not_thrown_away),
        T(what_the_host_passes_in_is_copied),
        T(a_forked_child_does_not_keep_the_home_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
