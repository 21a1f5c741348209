/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "client/turn.h"

static char scratch[64];
static struct home home = HOME_CLOSED;

static int begin(void **state)
{
    (void)state;
    snprintf(scratch, sizeof(scratch), "/tmp/malote-test-turn-XXXXXX");
    if (mkdtemp(scratch) == NULL)
        return -1;
    return home_open(scratch, false, &home) == MLT_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    unlinkat(home.dirfd, "turns", 0);
    home_close(&home);
    return rmdir(scratch);
}

static bool take(struct turn *t, int64_t stream)
{
    bool taken = false;
    assert_ok(turn_take(t, stream, &taken));
    return taken;
}

static void one_handle_at_a_time_has_the_turn(void **state)
{
    (void)state;
    CLEANUP(turn_close) struct turn *first = NULL;
    CLEANUP(turn_close) struct turn *second = NULL;
    assert_ok(turn_open(&home, &first));
    assert_ok(turn_open(&home, &second));
    assert_true(take(first, 1));
    assert_true(take(first, 1)); /* it is ours */
    assert_false(take(second, 1));
    assert_true(take(second, 2)); /* another stream */
    assert_false(take(first, 2));
    turn_leave(first, 1);
    assert_true(take(second, 1));
    turn_close(&second);
    assert_true(take(first, 1));
    assert_true(take(first, INT64_C(1) << 40));
}

static void the_file_is_private_and_no_link(void **state)
{
    (void)state;
    CLEANUP(turn_close) struct turn *t = NULL;
    struct stat st;
    mode_t before = umask(0);
    assert_ok(turn_open(&home, &t));
    umask(before);
    assert_int_equal(fstatat(home.dirfd, "turns", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    turn_close(&t);
    assert_int_equal(unlinkat(home.dirfd, "turns", 0), 0);
    assert_int_equal(symlinkat("/tmp/elsewhere", home.dirfd, "turns"), 0);
    assert_err(turn_open(&home, &t), MLT_ERR_PERMISSION);
}

/* A process that takes the turn, says so, and waits to be killed. */
static pid_t start_holder(int said[2])
{
    assert_int_equal(pipe(said), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    struct turn *t = NULL;
    bool taken = false;
    alarm(60);
    if (turn_open(&home, &t) != MLT_OK || turn_take(t, 5, &taken) != MLT_OK || !taken)
        _exit(1);
    if (write(said[1], "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void death_ends_a_turn(void **state)
{
    (void)state;
    CLEANUP(turn_close) struct turn *t = NULL;
    int said[2];
    char byte;
    pid_t holder = start_holder(said);
    assert_int_equal(read(said[0], &byte, 1), 1);
    assert_ok(turn_open(&home, &t));
    assert_false(take(t, 5));
    assert_true(take(t, 6));
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_true(take(t, 5));
    close(said[0]);
    close(said[1]);
}

static void a_child_with_a_copy_does_not_keep_the_turn(void **state)
{
    (void)state;
    CLEANUP(turn_close) struct turn *first = NULL;
    CLEANUP(turn_close) struct turn *second = NULL;
    assert_ok(turn_open(&home, &first));
    assert_true(take(first, 1));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        for (;;)
            pause();
    }
    turn_close(&first);
    assert_ok(turn_open(&home, &second));
    assert_true(take(second, 1));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* HOME/turns is removed while first has it: whoever comes later must meet it there all the same. */
static void a_file_that_was_removed_is_made_anew_with_the_turns_that_are_held(void **state)
{
    (void)state;
    CLEANUP(turn_close) struct turn *first = NULL;
    CLEANUP(turn_close) struct turn *second = NULL;
    CLEANUP(turn_close) struct turn *third = NULL;
    assert_ok(turn_open(&home, &first));
    assert_ok(turn_open(&home, &second));
    assert_true(take(first, 1));
    assert_true(take(first, 2));
    turn_leave(first, 2);
    assert_int_equal(unlinkat(home.dirfd, "turns", 0), 0);
    assert_true(take(first, 3));
    assert_ok(turn_open(&home, &third));
    assert_false(take(third, 3));
    assert_false(take(third, 1));
    assert_false(take(second, 3)); /* it was open on the old one */
    assert_true(take(third, 2));
    assert_false(take(second, 2));
    turn_leave(first, 1);
    assert_true(take(second, 1));
}

static void a_turn_that_another_has_in_the_new_file_is_not_ours_any_more(void **state)
{
    (void)state;
    CLEANUP(turn_close) struct turn *first = NULL;
    CLEANUP(turn_close) struct turn *second = NULL;
    assert_ok(turn_open(&home, &first));
    assert_true(take(first, 1));
    assert_int_equal(unlinkat(home.dirfd, "turns", 0), 0);
    assert_ok(turn_open(&home, &second));
    assert_true(take(second, 1));
    assert_false(take(first, 1));
    assert_true(take(first, 2));
    assert_false(take(second, 2));
}

static void so_many_turns_are_held_and_no_more(void **state)
{
    (void)state;
    CLEANUP(turn_close) struct turn *turn = NULL;
    bool taken = false;
    assert_ok(turn_open(&home, &turn));
    for (int64_t i = 1; i <= LIMIT_BLOCKED_STREAMS; i++)
        assert_true(take(turn, i));
    assert_err(turn_take(turn, LIMIT_BLOCKED_STREAMS + 1, &taken), MLT_ERR_TOO_MANY);
    assert_true(take(turn, 1)); /* it is ours */
    turn_leave(turn, 1);
    assert_true(take(turn, LIMIT_BLOCKED_STREAMS + 1));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(one_handle_at_a_time_has_the_turn),
        T(the_file_is_private_and_no_link),
        T(death_ends_a_turn),
        T(a_child_with_a_copy_does_not_keep_the_turn),
        T(a_file_that_was_removed_is_made_anew_with_the_turns_that_are_held),
        T(a_turn_that_another_has_in_the_new_file_is_not_ours_any_more),
        T(so_many_turns_are_held_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
