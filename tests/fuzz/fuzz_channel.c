/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "ipc/channel.h"
#include "wire/cursor.h"

/*
 * Packets from a process that was taken over, with descriptors.  First byte: who is at the two
 * ends.  Then packets: how many descriptors u8, size u16 (doubled, filled up with zeros), bytes.
 * What comes through is in the permit table, byte for byte what was sent; no descriptor is left
 * over, whatever was refused.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct {
    enum ipc_end self, peer;
} ends[] = {
    { IPC_NET, IPC_CA },    { IPC_CA, IPC_NET },     { IPC_PARENT, IPC_CA },
    { IPC_CA, IPC_PARENT }, { IPC_PARENT, IPC_NET }, { IPC_NET, IPC_PARENT },
    { IPC_CA, IPC_ADMIN },  { IPC_ADMIN, IPC_CA },
};

static void must(bool cond)
{
    if (!cond)
        abort();
}

static int lowest_free(void)
{
    int fd = dup(STDIN_FILENO);
    must(fd >= 0);
    close(fd);
    return fd;
}

#define MOST_FDS 4

static bool send_packet(int fd, struct span packet, size_t fds)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MOST_FDS * sizeof(int))];
    } control = { 0 };
    struct iovec part = { .iov_base = (void *)(uintptr_t)packet.p, .iov_len = packet.n };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fds > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(fds * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(fds * sizeof(int));
        for (size_t i = 0; i < fds; i++)
            memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(int));
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static bool is_permitted(const struct channel *c, const struct ipc_message *message)
{
    size_t n = message->body.n;
    switch (message->type) {
#define X(name, type, from, to, min, max)                                                          \
    case IPC_##name: {                                                                             \
        const size_t least = min;                                                                  \
        return (IPC_##from & c->peer) != 0 && (IPC_##to & c->self) != 0 && n >= least && n <= max; \
    }
#include "ipc/ipc.def"
#undef X
    }
    return false;
}

static void check_received(const struct channel *c, const struct ipc_message *message,
                           struct span packet, size_t fds)
{
    must(is_permitted(c, message));
    must(packet.n == 5 + message->body.n && packet.p[0] == (uint8_t)message->type);
    must(span_eq(span_from(packet, 5), message->body));
    must(message->tag == ((uint32_t)packet.p[1] << 24 | (uint32_t)packet.p[2] << 16 |
                          (uint32_t)packet.p[3] << 8 | packet.p[4]));
    bool carries = message->type == IPC_PEER || message->type == IPC_ADMIN_FILE;
    must(carries == (message->passed_fd >= 0));
    must(fds == (message->passed_fd >= 0 ? 1 : 0));
    if (message->passed_fd >= 0) {
        must((fcntl(message->passed_fd, F_GETFD) & FD_CLOEXEC) != 0);
        close(message->passed_fd);
    }
}

static void exchange(int sender, struct channel *c, struct span packet, size_t fds)
{
    CLEANUP(buf_clear) struct buf received = { 0 };
    struct ipc_message message = { 0 };
    bool got = false;
    int before = lowest_free();
    if (packet.n == 0 || !send_packet(sender, packet, fds))
        return;
    enum mlt_err err = channel_receive(c, 0, &received, &message, &got);
    must(err != MLT_OK || got);
    if (err == MLT_OK)
        check_received(c, &message, packet, fds);
    else
        must(err_fault(err) == FAULT_PEER && !got);
    must(lowest_free() == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t packet[2 * 65535];
    struct wire_in in = wire_in(span_of(data, n));
    unsigned which = wire_get_u8(&in) % COUNT_OF(ends);
    int fds[2];
    must(channel_pair(fds) == MLT_OK);
    int large = 1 << 18;
    must(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &large, sizeof(large)) == 0);
    struct channel c;
    channel_init(&c, fds[1], ends[which].self, ends[which].peer);
    struct span rest = wire_get_rest(&in);
    while (rest.n >= 3) {
        size_t count = rest.p[0] % (MOST_FDS + 1);
        size_t size = (size_t)rest.p[1] << 8 | rest.p[2];
        bool doubled = (rest.p[0] & 0x80) != 0;
        rest = span_from(rest, 3);
        size_t given = size < rest.n ? size : rest.n;
        if (given > 0)
            memcpy(packet, rest.p, given);
        size_t full = doubled ? 2 * size : size;
        memset(packet + given, 0, full - given);
        rest = span_from(rest, given);
        exchange(fds[0], &c, span_of(packet, full), count);
    }
    channel_close(&c);
    close(fds[0]);
    return 0;
}
