/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env.h"
#include "base/limits.h"
#include "wire/cursor.h"

#define HEADER 5

static const int lost_after_ms = 1000;
static const int64_t comes_back = 4; /* a quarter of the time that was not spent waiting */

struct permit {
    unsigned type;
    unsigned from, to; /* sets of enum ipc_end */
    size_t min, max;
};

static const struct permit permits[] = {
#define X(name, type, from, to, min, max) { type, IPC_##from, IPC_##to, min, max },
#include "ipc/ipc.def"
#undef X
};

static enum mlt_err check_permit(unsigned type, enum ipc_end from, enum ipc_end to, size_t n)
{
    for (size_t i = 0; i < COUNT_OF(permits); i++) {
        const struct permit *permit = &permits[i];
        if (permit->type != type)
            continue;
        ENSURE((permit->from & from) != 0 && (permit->to & to) != 0, MLT_ERR_UNEXPECTED);
        ENSURE(n >= permit->min && n <= permit->max, MLT_ERR_RANGE);
        return MLT_OK;
    }
    return MLT_ERR_UNEXPECTED;
}

/* These do, always; no other ever does. */
static bool carries_fd(unsigned type)
{
    return type == IPC_PEER || type == IPC_ADMIN_FILE;
}

void channel_init(struct channel *c, int fd, enum ipc_end self, enum ipc_end peer)
{
    *c = (struct channel) { .fd = fd, .self = self, .peer = peer };
}

void channel_close(struct channel *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

enum mlt_err channel_pair(int fds[static 2])
{
    int made[2];
    int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
    ENSURE(socketpair(AF_UNIX, type, 0, made) == 0, MLT_ERR_SYSTEM);
    fds[0] = made[0];
    fds[1] = made[1];
    return MLT_OK;
}

static enum mlt_err wait_for(int fd, short events, int timeout_ms, bool *ready)
{
    struct pollfd p = { .fd = fd, .events = events };
    int n = poll(&p, 1, timeout_ms);
    ENSURE(n >= 0 || errno == EINTR, MLT_ERR_SYSTEM);
    *ready = n > 0;
    return MLT_OK;
}

static bool is_lost(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

void channel_bound_waiting(struct channel *c, int64_t patience_ms)
{
    c->patience_ms = c->left_ms = patience_ms;
    c->judged_ms = env_mono_ms(env_system());
}

bool channel_is_out_of_patience(const struct channel *c)
{
    return c->patience_ms > 0 && c->left_ms <= 0;
}

/* With a bound of its own for each message, a peer that reads one just before it would hold us
 * for as long as there are messages. */
static enum mlt_err wait_for_room(struct channel *c)
{
    bool ready = false;
    if (c->patience_ms == 0)
        return wait_for(c->fd, POLLOUT, lost_after_ms, &ready);
    int64_t begun_ms = env_mono_ms(env_system());
    c->left_ms += (begun_ms - c->judged_ms) / comes_back;
    if (c->left_ms > c->patience_ms)
        c->left_ms = c->patience_ms;
    int most_ms = c->left_ms < lost_after_ms ? (int)c->left_ms : lost_after_ms;
    enum mlt_err err = wait_for(c->fd, POLLOUT, most_ms, &ready);
    c->judged_ms = env_mono_ms(env_system());
    int64_t waited_ms = c->judged_ms - begun_ms;
    c->left_ms -= waited_ms < c->left_ms ? waited_ms : c->left_ms;
    return err;
}

static enum mlt_err send_packet(struct channel *c, const struct msghdr *packet)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        if (attempt > 0)
            TRY(wait_for_room(c));
        ssize_t n = sendmsg(c->fd, packet, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            return MLT_OK;
        ENSURE(!is_lost(errno), MLT_ERR_CUT);
        ENSURE(errno == EAGAIN || errno == EINTR, MLT_ERR_SYSTEM);
    }
    return MLT_ERR_TIMEOUT;
}

static void put_header(uint8_t header[static HEADER], enum ipc_type type, uint32_t tag)
{
    header[0] = (uint8_t)type;
    for (int i = 0; i < 4; i++)
        header[1 + i] = (uint8_t)(tag >> (24 - 8 * i));
}

enum mlt_err channel_send(struct channel *c, enum ipc_type type, uint32_t tag, struct span body)
{
    ENSURE(c->fd >= 0, MLT_ERR_CUT);
    TRY(check_permit(type, c->self, c->peer, body.n));
    uint8_t header[HEADER];
    put_header(header, type, tag);
    /* Two parts instead of one copy: the body may be a key. */
    struct iovec parts[2] = { { .iov_base = header, .iov_len = HEADER },
                              { .iov_base = (void *)(uintptr_t)body.p, .iov_len = body.n } };
    struct msghdr packet = { .msg_iov = parts, .msg_iovlen = body.n > 0 ? 2 : 1 };
    return send_packet(c, &packet);
}

union one_fd {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

enum mlt_err channel_send_fd(struct channel *c, enum ipc_type type, int fd)
{
    ENSURE(c->fd >= 0, MLT_ERR_CUT);
    TRY(check_permit(type, c->self, c->peer, 0));
    ENSURE(carries_fd(type), MLT_ERR_STATE);
    uint8_t header[HEADER];
    put_header(header, type, 0);
    struct iovec part = { .iov_base = header, .iov_len = HEADER };
    union one_fd control = { 0 };
    struct msghdr packet = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control) };
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&packet);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
    return send_packet(c, &packet);
}

/*
 * The one descriptor that came along, or -1.  Alignment leaves room for a second one: whoever
 * sends two fills our table, so all are closed, and *too_many tells.
 */
static int take_fd(struct msghdr *packet, bool *too_many)
{
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(packet);
    *too_many = false;
    if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
        return -1;
    size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    int fd = -1;
    for (size_t i = 0; i < count; i++) {
        memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
        if (count > 1)
            close(fd);
    }
    *too_many = count > 1;
    return count == 1 ? fd : -1;
}

static enum mlt_err read_packet(const struct channel *c, int flags, struct span packet,
                                struct ipc_message *message)
{
    ENSURE((flags & MSG_TRUNC) == 0, MLT_ERR_RANGE);
    struct wire_in in = wire_in(packet);
    struct ipc_message got = { .passed_fd = message->passed_fd };
    unsigned type = wire_get_u8(&in);
    got.tag = wire_get_u32(&in);
    got.body = wire_get_rest(&in);
    TRY(wire_in_end(&in));
    TRY(check_permit(type, c->peer, c->self, got.body.n));
    /* Without a free descriptor the kernel drops the one that was sent: our shortage. */
    bool carries = carries_fd(type);
    ENSURE((flags & MSG_CTRUNC) == 0, carries ? MLT_ERR_SYSTEM : MLT_ERR_UNEXPECTED);
    ENSURE(carries == (got.passed_fd >= 0), MLT_ERR_UNEXPECTED);
    got.type = (enum ipc_type)type;
    *message = got;
    return MLT_OK;
}

bool channel_is_unread(const struct channel *c)
{
    int waiting = 0;
    return c->fd >= 0 && ioctl(c->fd, SIOCOUTQ, &waiting) == 0 && waiting > 0;
}

enum mlt_err channel_receive(struct channel *c, int timeout_ms, struct buf *buffer,
                             struct ipc_message *message, bool *got)
{
    ENSURE(c->fd >= 0, MLT_ERR_CUT);
    bool ready = true;
    if (timeout_ms != 0)
        TRY(wait_for(c->fd, POLLIN, timeout_ms, &ready));
    if (!ready) {
        *got = false;
        return MLT_OK;
    }
    buf_reset(buffer);
    TRY(buf_reserve(buffer, HEADER + LIMIT_IPC_MESSAGE));
    struct iovec part = { .iov_base = buffer->p, .iov_len = HEADER + LIMIT_IPC_MESSAGE };
    union one_fd control = { 0 };
    struct msghdr packet = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control) };
    ssize_t n = recvmsg(c->fd, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        *got = false;
        return MLT_OK;
    }
    ENSURE(n != 0 && (n > 0 || !is_lost(errno)), MLT_ERR_CUT);
    ENSURE(n > 0, MLT_ERR_SYSTEM);
    buffer->len = (size_t)n;
    bool too_many = false;
    struct ipc_message one = { .passed_fd = take_fd(&packet, &too_many) };
    ENSURE(!too_many, MLT_ERR_UNEXPECTED);
    enum mlt_err err = read_packet(c, packet.msg_flags, buf_span(buffer), &one);
    if (err != MLT_OK && one.passed_fd >= 0)
        close(one.passed_fd);
    TRY(err);
    *message = one;
    *got = true;
    return MLT_OK;
}
