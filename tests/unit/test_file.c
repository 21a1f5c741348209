/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char root[64];

static int enter(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/malote-file-XXXXXX");
    return mkdtemp(root) != NULL && chdir(root) == 0 ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int leave(void **state)
{
    (void)state;
    int rc = chdir("/");
    return rc == 0 && nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -1;
}

static int open_root(void)
{
    int fd = -1;
    assert_ok(file_open_dir(root, false, &fd));
    return fd;
}

static void what_was_written_is_read_back_private(void **state)
{
    (void)state;
    umask(0);
    CLEANUP(file_close) int dir = open_root();
    assert_ok(file_write(dir, "a", span_str("one")));
    assert_ok(file_write(dir, "a", span_str("two")));
    CLEANUP(buf_clear) struct buf got = { 0 };
    assert_ok(file_read(dir, "a", 100, &got));
    assert_span_equal(buf_span(&got), span_str("two"));
    struct stat st;
    assert_int_equal(fstatat(dir, "a", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_missing_file_and_a_long_one_are_told_apart(void **state)
{
    (void)state;
    CLEANUP(file_close) int dir = open_root();
    CLEANUP(buf_clear) struct buf got = { 0 };
    assert_err(file_read(dir, "a", 100, &got), MLT_ERR_MISSING);
    assert_ok(file_write(dir, "a", span_str("0123456789")));
    assert_err(file_read(dir, "a", 9, &got), MLT_ERR_RANGE);
    assert_int_equal(got.len, 0);
}

/* Row 39 of the attack list: links, modes, other kinds of file. */
static void links_and_open_modes_are_refused(void **state)
{
    (void)state;
    CLEANUP(file_close) int dir = open_root();
    CLEANUP(buf_clear) struct buf got = { 0 };
    assert_ok(file_write(dir, "a", span_str("x")));
    assert_int_equal(symlinkat("a", dir, "soft"), 0);
    assert_err(file_read(dir, "soft", 100, &got), MLT_ERR_PERMISSION);
    assert_int_equal(linkat(dir, "a", dir, "hard", 0), 0);
    assert_err(file_read(dir, "a", 100, &got), MLT_ERR_PERMISSION);
    assert_int_equal(unlinkat(dir, "hard", 0), 0);
    assert_ok(file_read(dir, "a", 100, &got));
    assert_int_equal(fchmodat(dir, "a", 0640, 0), 0);
    assert_err(file_read(dir, "a", 100, &got), MLT_ERR_PERMISSION);
    assert_int_equal(mkfifoat(dir, "pipe", 0600), 0);
    assert_err(file_read(dir, "pipe", 100, &got), MLT_ERR_PERMISSION);
}

static void writing_replaces_a_link_and_not_its_target(void **state)
{
    (void)state;
    CLEANUP(file_close) int dir = open_root();
    assert_ok(file_write(dir, "target", span_str("keep")));
    assert_int_equal(symlinkat("target", dir, "a"), 0);
    assert_ok(file_write(dir, "a", span_str("new")));
    CLEANUP(buf_clear) struct buf got = { 0 };
    assert_ok(file_read(dir, "target", 100, &got));
    assert_span_equal(buf_span(&got), span_str("keep"));
}

static void a_directory_must_be_private_and_no_link(void **state)
{
    (void)state;
    int fd = -1;
    assert_int_equal(mkdir("open", 0755), 0);
    assert_int_equal(chmod("open", 0755), 0);
    assert_err(file_open_dir("open", false, &fd), MLT_ERR_PERMISSION);
    assert_int_equal(symlink(root, "link"), 0);
    assert_err(file_open_dir("link", false, &fd), MLT_ERR_PERMISSION);
    assert_err(file_open_dir("link/", false, &fd), MLT_ERR_PERMISSION);
    assert_err(file_open_dir("nowhere", false, &fd), MLT_ERR_MISSING);
    assert_ok(file_open_dir("deep/er/down", true, &fd));
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    file_close(&fd);
}

/* What is not there is not open to others: the system's word tells what is wrong. */
static void where_nothing_may_be_made_the_system_says_so(void **state)
{
    (void)state;
    assert_int_equal(mkdir("shut", 0500), 0);
    pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        int fd = -1;
        if (geteuid() == 0 && seteuid(61184) != 0)
            _exit(1);
        _exit(file_open_dir("shut/new", true, &fd) == MLT_ERR_SYSTEM && errno == EACCES ? 0 : 2);
    }
    int status = -1;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
}

static void a_lock_is_held_once(void **state)
{
    (void)state;
    CLEANUP(file_close) int dir = open_root();
    int first = -1;
    int second = -1;
    assert_ok(file_lock(dir, "lock", &first));
    assert_err(file_lock(dir, "lock", &second), MLT_ERR_LOCKED);
    file_unlock(&first);
    assert_int_equal(first, -1);
    file_unlock(&first);
    assert_ok(file_lock(dir, "lock", &second));
    file_close(&second);
}

/* As in a child that was forked in between. */
static void a_copy_of_the_descriptor_does_not_keep_a_lock(void **state)
{
    (void)state;
    CLEANUP(file_close) int dir = open_root();
    int lock = -1;
    assert_ok(file_lock(dir, "lock", &lock));
    CLEANUP(file_close) int copy = dup(lock);
    assert_true(copy >= 0);
    file_unlock(&lock);
    assert_ok(file_lock(dir, "lock", &lock));
    file_unlock(&lock);
}

static void a_file_is_made_private_without_opening_it(void **state)
{
    (void)state;
    CLEANUP(file_close) int dir = open_root();
    struct stat st;
    assert_err(file_check_private(dir, "db", false), MLT_ERR_MISSING);
    assert_ok(file_check_private(dir, "db", true));
    assert_int_equal(stat("db", &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_size, 0);
    assert_ok(file_check_private(dir, "db", true));
    assert_ok(file_check_private(dir, "db", false));
    assert_int_equal(symlink("db", "soft"), 0);
    assert_err(file_check_private(dir, "soft", true), MLT_ERR_PERMISSION);
    assert_int_equal(link("db", "hard"), 0);
    assert_err(file_check_private(dir, "db", true), MLT_ERR_PERMISSION);
    assert_int_equal(unlink("hard"), 0);
    assert_int_equal(chmod("db", 0640), 0);
    assert_err(file_check_private(dir, "db", true), MLT_ERR_PERMISSION);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_err(file_check_private(dir, "fifo", true), MLT_ERR_PERMISSION);
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_err(file_check_private(dir, "dir", true), MLT_ERR_PERMISSION);
}

/* Of the kind SQLite holds: any descriptor of ours that is closed drops it. */
static void looking_at_a_file_drops_no_lock(void **state)
{
    (void)state;
    CLEANUP(file_close) int dir = open_root();
    CLEANUP(file_close) int held = -1;
    struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    assert_ok(file_open_private(dir, "db", O_RDWR | O_CREAT, &held));
    assert_int_equal(fcntl(held, F_SETLK, &all), 0);
    assert_ok(file_check_private(dir, "db", true));
    pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0)
        _exit(fcntl(held, F_GETLK, &all) == 0 && all.l_type == F_WRLCK ? 0 : 1);
    int status = -1;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
}

#define in_a_directory(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_a_directory(what_was_written_is_read_back_private),
        in_a_directory(a_missing_file_and_a_long_one_are_told_apart),
        in_a_directory(links_and_open_modes_are_refused),
        in_a_directory(writing_replaces_a_link_and_not_its_target),
        in_a_directory(a_directory_must_be_private_and_no_link),
        in_a_directory(where_nothing_may_be_made_the_system_says_so),
        in_a_directory(a_lock_is_held_once),
        in_a_directory(a_copy_of_the_descriptor_does_not_keep_a_lock),
        in_a_directory(a_file_is_made_private_without_opening_it),
        in_a_directory(looking_at_a_file_drops_no_lock),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
