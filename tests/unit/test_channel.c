/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/channel.h"

struct ends {
    struct channel parent, net;
    struct buf received;
    struct ipc_message message;
    bool got;
};

static void open_ends(struct ends *e)
{
    int pair[2];
    *e = (struct ends) { 0 };
    assert_ok(channel_pair(pair));
    channel_init(&e->parent, pair[0], IPC_PARENT, IPC_NET);
    channel_init(&e->net, pair[1], IPC_NET, IPC_PARENT);
}

static void close_ends(struct ends *e)
{
    channel_close(&e->parent);
    channel_close(&e->net);
    buf_clear(&e->received);
}

static enum mlt_err receive(struct ends *e)
{
    return channel_receive(&e->net, 0, &e->received, &e->message, &e->got);
}

/* Raw bytes from a parent that was taken over. */
static enum mlt_err receive_raw(struct span packet)
{
    struct ends e;
    open_ends(&e);
    assert_int_equal(send(e.parent.fd, packet.p, packet.n, 0), (ssize_t)packet.n);
    enum mlt_err err = receive(&e);
    close_ends(&e);
    return err;
}

static void a_message_arrives_with_its_tag_and_body(void **state)
{
    (void)state;
    struct ends e;
    open_ends(&e);
    assert_ok(
        channel_send(&e.parent, IPC_NET_START, 0x01020304, span_str("a body of twenty-six bytes")));
    assert_ok(receive(&e));
    assert_true(e.got);
    assert_int_equal(e.message.type, IPC_NET_START);
    assert_int_equal(e.message.tag, 0x01020304);
    assert_span_equal(e.message.body, span_str("a body of twenty-six bytes"));
    assert_int_equal(e.message.passed_fd, -1);
    assert_ok(receive(&e));
    assert_false(e.got);
    close_ends(&e);
}

static void a_message_outside_the_permit_table_is_not_sent(void **state)
{
    (void)state;
    struct ends e;
    open_ends(&e);
    uint8_t key[32] = { 0 };
    assert_err(channel_send(&e.parent, IPC_KEY, 0, SPAN_OF(key)), MLT_ERR_UNEXPECTED);
    assert_err(channel_send(&e.net, IPC_STOP, 0, span_str("")), MLT_ERR_UNEXPECTED);
    assert_ok(channel_send(&e.parent, IPC_STOP, 0, span_str("")));
    close_ends(&e);
}

static void a_message_outside_the_permit_table_is_refused(void **state)
{
    (void)state;
    const uint8_t known_elsewhere[] = { IPC_NET_READY, 0, 0, 0, 0 };
    const uint8_t unknown[] = { 200, 0, 0, 0, 0 };
    const uint8_t too_long[] = { IPC_STOP, 0, 0, 0, 0, 1 };
    const uint8_t too_short[] = { IPC_NET_START, 0, 0, 0, 0 };
    const uint8_t no_header[] = { IPC_STOP, 0, 0 };
    const uint8_t good[] = { IPC_STOP, 0, 0, 0, 0 };
    assert_err(receive_raw(SPAN_OF(known_elsewhere)), MLT_ERR_UNEXPECTED);
    assert_err(receive_raw(SPAN_OF(unknown)), MLT_ERR_UNEXPECTED);
    assert_err(receive_raw(SPAN_OF(too_long)), MLT_ERR_RANGE);
    assert_err(receive_raw(SPAN_OF(too_short)), MLT_ERR_RANGE);
    assert_err(receive_raw(SPAN_OF(no_header)), MLT_ERR_TRUNCATED);
    assert_ok(receive_raw(SPAN_OF(good)));
}

static void a_packet_over_the_bound_is_refused(void **state)
{
    (void)state;
    static uint8_t huge[80000];
    huge[0] = IPC_NET_START;
    assert_err(receive_raw(SPAN_OF(huge)), MLT_ERR_RANGE);
}

static void the_end_of_the_other_process_is_told(void **state)
{
    (void)state;
    struct ends e;
    open_ends(&e);
    channel_close(&e.parent);
    assert_err(receive(&e), MLT_ERR_CUT);
    assert_err(channel_send(&e.net, IPC_NET_READY, 0, span_str("")), MLT_ERR_CUT);
    close_ends(&e);
}

static void a_descriptor_travels_with_peer(void **state)
{
    (void)state;
    struct ends e;
    open_ends(&e);
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    assert_ok(channel_send_fd(&e.parent, IPC_PEER, pipe_fds[1]));
    close(pipe_fds[1]);
    assert_ok(receive(&e));
    assert_true(e.message.passed_fd >= 0);
    assert_int_equal(fcntl(e.message.passed_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(write(e.message.passed_fd, "x", 1), 1);
    char c = 0;
    assert_int_equal(read(pipe_fds[0], &c, 1), 1);
    assert_int_equal(c, 'x');
    close(e.message.passed_fd);
    close(pipe_fds[0]);
    close_ends(&e);
}

static void peer_without_a_descriptor_is_refused(void **state)
{
    (void)state;
    const uint8_t bare[] = { IPC_PEER, 0, 0, 0, 0 };
    assert_err(receive_raw(SPAN_OF(bare)), MLT_ERR_UNEXPECTED);
}

static void a_backup_is_passed_to_an_administrator_and_by_nothing_else(void **state)
{
    (void)state;
    int ends[2];
    assert_ok(channel_pair(ends));
    struct channel ca, admin;
    channel_init(&ca, ends[0], IPC_CA, IPC_ADMIN);
    channel_init(&admin, ends[1], IPC_ADMIN, IPC_CA);
    CLEANUP(buf_clear) struct buf buffer = { 0 };
    struct ipc_message message = { 0 };
    bool got = false;
    assert_err(channel_send_fd(&ca, IPC_ADMIN_ROW, ends[0]), MLT_ERR_RANGE);
    assert_err(channel_send_fd(&admin, IPC_ADMIN_FILE, ends[0]), MLT_ERR_UNEXPECTED);
    assert_ok(channel_send_fd(&ca, IPC_ADMIN_FILE, ends[0]));
    assert_ok(channel_receive(&admin, 0, &buffer, &message, &got));
    assert_true(got && message.type == IPC_ADMIN_FILE && message.passed_fd >= 0);
    close(message.passed_fd);
    const uint8_t bare[] = { IPC_ADMIN_FILE, 0, 0, 0, 0 };
    assert_int_equal(send(ends[0], bare, sizeof(bare), 0), sizeof(bare));
    assert_err(channel_receive(&admin, 0, &buffer, &message, &got), MLT_ERR_UNEXPECTED);
    channel_close(&ca);
    channel_close(&admin);
}

static void who_sent_can_tell_whether_it_was_taken_in(void **state)
{
    (void)state;
    int ends[2];
    assert_ok(channel_pair(ends));
    struct channel ca, admin;
    channel_init(&ca, ends[0], IPC_CA, IPC_ADMIN);
    channel_init(&admin, ends[1], IPC_ADMIN, IPC_CA);
    CLEANUP(buf_clear) struct buf buffer = { 0 };
    struct ipc_message message = { 0 };
    bool got = false;
    assert_false(channel_is_unread(&admin));
    assert_ok(channel_send(&admin, IPC_ADMIN_REQUEST, 0, SPAN_OF("x")));
    assert_true(channel_is_unread(&admin));
    assert_false(channel_is_unread(&ca));
    assert_ok(channel_receive(&ca, 0, &buffer, &message, &got));
    assert_true(got);
    assert_false(channel_is_unread(&admin));
    channel_close(&ca);
    channel_close(&admin);
    assert_false(channel_is_unread(&admin));
}

static void a_descriptor_on_another_message_is_refused_and_closed(void **state)
{
    (void)state;
    struct ends e;
    open_ends(&e);
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    uint8_t stop[] = { IPC_STOP, 0, 0, 0, 0 };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { stop, sizeof(stop) };
    struct msghdr packet = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control) };
    control.header = (struct cmsghdr) { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.header), &pipe_fds[1], sizeof(int));
    assert_int_equal(sendmsg(e.parent.fd, &packet, 0), sizeof(stop));
    close(pipe_fds[1]);
    assert_err(receive(&e), MLT_ERR_UNEXPECTED);
    /* No writer is left: the one that came along was closed. */
    char c = 0;
    assert_int_equal(read(pipe_fds[0], &c, 1), 0);
    close(pipe_fds[0]);
    close_ends(&e);
}

static void a_peer_that_does_not_read_is_lost_after_a_second(void **state)
{
    (void)state;
    struct ends e;
    open_ends(&e);
    enum mlt_err err = MLT_OK;
    for (int i = 0; i < 100000 && err == MLT_OK; i++)
        err = channel_send(&e.parent, IPC_STOP, 0, span_str(""));
    assert_err(err, MLT_ERR_TIMEOUT);
    close_ends(&e);
}

/* Reads all there is, at one message in pause_ms (0: at once); its exit says whether it was all. */
static pid_t fork_reader(struct ends *e, unsigned count, int pause_ms)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        channel_close(&e->net);
        return pid;
    }
    channel_close(&e->parent);
    enum mlt_err err = MLT_OK;
    unsigned n = 0;
    while (err == MLT_OK) {
        err = channel_receive(&e->net, -1, &e->received, &e->message, &e->got);
        n += err == MLT_OK && e->got;
        if (pause_ms > 0)
            poll(NULL, 0, pause_ms);
    }
    _exit(n == count ? 0 : 1);
}

static enum mlt_err send_many(struct channel *c, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        TRY(channel_send(c, IPC_STOP, 0, span_str("")));
    return MLT_OK;
}

static void a_peer_that_reads_now_and_then_is_lost_when_patience_is_spent(void **state)
{
    (void)state;
    struct ends e;
    int status = 0;
    open_ends(&e);
    channel_bound_waiting(&e.parent, 200);
    pid_t reader = fork_reader(&e, 0, 20);
    assert_false(channel_is_out_of_patience(&e.parent));
    assert_err(send_many(&e.parent, 2000), MLT_ERR_TIMEOUT);
    assert_true(channel_is_out_of_patience(&e.parent));
    /* And it stays so: no message waits for longer than there is patience again. */
    assert_err(send_many(&e.parent, 2000), MLT_ERR_TIMEOUT);
    close_ends(&e);
    assert_int_equal(kill(reader, SIGKILL), 0);
    assert_int_equal(waitpid(reader, &status, 0), reader);
}

static void a_peer_that_reads_on_gets_everything(void **state)
{
    (void)state;
    const unsigned count = 100000;
    struct ends e;
    int status = 0;
    open_ends(&e);
    channel_bound_waiting(&e.parent, 5000);
    pid_t reader = fork_reader(&e, count, 0);
    assert_ok(send_many(&e.parent, count));
    assert_false(channel_is_out_of_patience(&e.parent));
    close_ends(&e);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Alignment gives the control message room for two: a taken-over child could fill our table. */
static void two_descriptors_at_once_are_refused_and_closed(void **state)
{
    (void)state;
    struct ends e;
    open_ends(&e);
    unsigned before = open_descriptors();
    const int two[] = { e.parent.fd, e.net.fd };
    uint8_t packet[] = { IPC_PEER, 0, 0, 0, 0 };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(two))];
    } control = { 0 };
    struct iovec part = { packet, sizeof(packet) };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(two));
    memcpy(CMSG_DATA(cmsg), two, sizeof(two));
    assert_int_equal(sendmsg(e.parent.fd, &message, 0), sizeof(packet));
    assert_err(receive(&e), MLT_ERR_UNEXPECTED);
    assert_int_equal(open_descriptors(), before);
    close_ends(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_arrives_with_its_tag_and_body),
        cmocka_unit_test(a_message_outside_the_permit_table_is_not_sent),
        cmocka_unit_test(a_message_outside_the_permit_table_is_refused),
        cmocka_unit_test(a_packet_over_the_bound_is_refused),
        cmocka_unit_test(the_end_of_the_other_process_is_told),
        cmocka_unit_test(a_descriptor_travels_with_peer),
        cmocka_unit_test(peer_without_a_descriptor_is_refused),
        cmocka_unit_test(a_backup_is_passed_to_an_administrator_and_by_nothing_else),
        cmocka_unit_test(who_sent_can_tell_whether_it_was_taken_in),
        cmocka_unit_test(a_descriptor_on_another_message_is_refused_and_closed),
        cmocka_unit_test(a_peer_that_does_not_read_is_lost_after_a_second),
        cmocka_unit_test(a_peer_that_reads_now_and_then_is_lost_when_patience_is_spent),
        cmocka_unit_test(a_peer_that_reads_on_gets_everything),
        cmocka_unit_test(two_descriptors_at_once_are_refused_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
