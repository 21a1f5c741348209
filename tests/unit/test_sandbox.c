/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/sandbox.h"

/* Each check runs in a process of its own, since there is no way back.  It answers by its exit
 * status: the line of the first failure (below 256), 0 for good, SKIPPED where the kernel lacks it.
 */
#define SKIPPED 255
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            _exit(__LINE__ % 254 + 1);                                                             \
    } while (0)

static char room[] = "/tmp/malote-sandbox-XXXXXX";

static int in_child(void (*check)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        check();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void must_hold(void (*check)(void))
{
    int status = in_child(check);
    if (status == SKIPPED) {
        print_message("this kernel has no Landlock\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static bool enter(void)
{
    struct sandbox_report report = { 0 };
    MUST(chdir(room) == 0);
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    MUST(sandbox_enter(here, &report) == MLT_OK);
    close(here);
    return report.landlock;
}

static void open_outside(void)
{
    if (!enter())
        _exit(SKIPPED);
    MUST(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
    MUST(open("/tmp", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
    MUST(open("..", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
    char fresh[sizeof(room) + sizeof("-new")]; /* a name that nobody else has */
    snprintf(fresh, sizeof(fresh), "%s-new", room);
    MUST(open(fresh, O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
}

static void files_outside_the_directory_are_out_of_reach(void **state)
{
    (void)state;
    must_hold(open_outside);
}

static void execute(void)
{
    if (!enter())
        _exit(SKIPPED);
    char *argv[] = { (char[]) { "true" }, NULL };
    execv("/bin/true", argv);
    MUST(errno == EACCES);
}

static void no_program_can_be_executed(void **state)
{
    (void)state;
    must_hold(execute);
}

/* What Landlock lets through: the administrator's socket, or anybody's, under our own uid. */
static void make_sockets(void)
{
    int before[2];
    int plain = socket(AF_INET, SOCK_STREAM, 0);
    MUST(plain >= 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, before) == 0);
    enter();
    int pair[2];
    MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0) < 0 && errno == EACCES);
    MUST(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EACCES);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0 && errno == EACCES);
    MUST(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EACCES);
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "../ca.sock" };
    MUST(connect(plain, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == EACCES);
    /* What was there before goes on. */
    MUST(write(before[0], "1", 1) == 1);
}

static void no_new_socket_can_be_made(void **state)
{
    (void)state;
    assert_int_equal(in_child(make_sockets), 0);
}

/* A listening socket that is shut down can be connected by sending to it. */
static void send_out_of_a_listener(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof(address);
    int own = socket(AF_INET, SOCK_STREAM, 0);
    int other = socket(AF_INET, SOCK_STREAM, 0);
    MUST(bind(other, (struct sockaddr *)&address, n) == 0 && listen(other, 1) == 0);
    MUST(getsockname(other, (struct sockaddr *)&address, &n) == 0);
    MUST(listen(own, 1) == 0);
    enter();
    MUST(shutdown(own, SHUT_RDWR) == 0);
    MUST(sendto(own, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, n) < 0 && errno == EACCES);
    struct msghdr message = { .msg_name = &address, .msg_namelen = n };
    MUST(sendmsg(own, &message, MSG_FASTOPEN | MSG_NOSIGNAL) < 0 && errno == EACCES);
    struct mmsghdr messages = { .msg_hdr = message };
    MUST(sendmmsg(own, &messages, 1, MSG_FASTOPEN) < 0 && errno == EACCES);
}

static void no_listener_can_be_turned_outwards(void **state)
{
    (void)state;
    assert_int_equal(in_child(send_out_of_a_listener), 0);
}

static void touch_others(void)
{
    pid_t parent = getppid();
    struct rlimit limit = { 1, 1 };
    enter();
    MUST(kill(parent, 0) < 0 && errno == EACCES);
    MUST(syscall(SYS_tkill, parent, 0) < 0 && errno == EACCES);
    MUST(syscall(SYS_tgkill, parent, parent, 0) < 0 && errno == EACCES);
    MUST(syscall(SYS_pidfd_open, parent, 0) < 0 && errno == EACCES);
    MUST(prlimit(parent, RLIMIT_NOFILE, &limit, NULL) < 0 && errno == EACCES);
    MUST(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EACCES);
    MUST(syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0) < 0 && errno == EACCES);
    MUST(syscall(SYS_unshare, 0) < 0 && errno == EACCES);
    MUST(syscall(SYS_setns, -1, 0) < 0 && errno == EACCES);
    /* Our own limits, and a word to ourselves (abort, raise), stay possible. */
    MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    signal(SIGUSR1, SIG_IGN);
    MUST(raise(SIGUSR1) == 0);
}

static void other_processes_are_out_of_reach(void **state)
{
    (void)state;
    assert_int_equal(in_child(touch_others), 0);
}

#if defined(__x86_64__)
/* Calls by the numbers of another ABI would pass a list of ours. */
static void call_by_other_numbers(void)
{
    enter();
    MUST(syscall(0x40000000 | SYS_socket, AF_INET, SOCK_STREAM, 0) < 0 && errno == EACCES);
    long rc = 359; /* socket of i386 */
    __asm__ volatile("int $0x80"
                     : "+a"(rc)
                     : "b"(AF_INET), "c"(SOCK_STREAM), "d"(0)
                     : "memory", "r8", "r9", "r10", "r11");
    MUST(rc == -EACCES || rc == -ENOSYS);
}

static void no_call_goes_by_other_numbers(void **state)
{
    (void)state;
    assert_int_equal(in_child(call_by_other_numbers), 0);
}
#endif

/* What SQLite does in its directory. */
static void work_inside(void)
{
    enter();
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0600);
    MUST(fd >= 0 && write(fd, "12345", 5) == 5);
    MUST(fsync(fd) == 0 && ftruncate(fd, 2) == 0);
    close(fd);
    MUST(rename("a", "b") == 0);
    MUST((fd = open("b", O_RDWR | O_TRUNC)) >= 0);
    close(fd);
    MUST((fd = open(".", O_RDONLY | O_DIRECTORY)) >= 0 && fsync(fd) == 0);
    close(fd);
    MUST(unlink("b") == 0);
}

static void the_directory_itself_can_be_used(void **state)
{
    (void)state;
    assert_int_equal(in_child(work_inside), 0);
}

static void look_at_process(void)
{
    enter();
    struct rlimit limit;
    MUST(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0);
    MUST(prctl(PR_GET_DUMPABLE) == 0);
    MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    int signal_number = 0;
    MUST(prctl(PR_GET_PDEATHSIG, &signal_number) == 0 && signal_number == SIGKILL);
}

static void no_core_no_dump_no_new_privileges(void **state)
{
    (void)state;
    assert_int_equal(in_child(look_at_process), 0);
}

static void become_somebody(void)
{
    MUST(sandbox_drop_user(61184, 61184) == MLT_OK);
    MUST(getuid() == 61184 && geteuid() == 61184 && getgid() == 61184);
    MUST(setuid(0) != 0 && setgid(0) != 0);
    MUST(open("/etc/shadow", O_RDONLY) < 0);
}

static void a_dropped_user_has_no_way_back(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(become_somebody), 0);
}

static void become_root(void)
{
    MUST(sandbox_drop_user(0, 61184) == MLT_ERR_SANDBOX);
    MUST(sandbox_drop_user(61184, 0) == MLT_ERR_SANDBOX);
}

static void root_is_no_user_to_drop_to(void **state)
{
    (void)state;
    assert_int_equal(in_child(become_root), 0);
}

static void drop_without_right(void)
{
    if (geteuid() == 0)
        MUST(setresuid(61184, 61184, 61184) == 0);
    MUST(sandbox_drop_user(61185, 61185) == MLT_ERR_SANDBOX);
}

static void dropping_without_the_right_to_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(in_child(drop_without_right), 0);
}

static int make_room(void **state)
{
    (void)state;
    return mkdtemp(room) != NULL ? 0 : -1;
}

static int remove_room(void **state)
{
    (void)state;
    return rmdir(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_outside_the_directory_are_out_of_reach),
        cmocka_unit_test(no_program_can_be_executed),
        cmocka_unit_test(no_new_socket_can_be_made),
        cmocka_unit_test(no_listener_can_be_turned_outwards),
        cmocka_unit_test(other_processes_are_out_of_reach),
#if defined(__x86_64__)
        cmocka_unit_test(no_call_goes_by_other_numbers),
#endif
        cmocka_unit_test(the_directory_itself_can_be_used),
        cmocka_unit_test(no_core_no_dump_no_new_privileges),
        cmocka_unit_test(a_dropped_user_has_no_way_back),
        cmocka_unit_test(root_is_no_user_to_drop_to),
        cmocka_unit_test(dropping_without_the_right_to_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_room, remove_room);
}
