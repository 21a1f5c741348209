/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/admin_door.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ca/admin.h"

void admin_door_init(struct admin_door *door, struct ca *ca, int listener, uid_t owner)
{
    *door = (struct admin_door) { .ca = ca, .listener = listener, .owner = owner };
    for (size_t i = 0; i < COUNT_OF(door->guests); i++)
        door->guests[i].channel.fd = -1;
}

void admin_door_clear(struct admin_door *door)
{
    for (size_t i = 0; i < COUNT_OF(door->guests); i++)
        channel_close(&door->guests[i].channel);
    buf_clear(&door->received);
    buf_clear(&door->sent);
}

static const struct admin_guest *free_place(const struct admin_door *door)
{
    for (size_t i = 0; i < COUNT_OF(door->guests); i++)
        if (door->guests[i].channel.fd < 0)
            return &door->guests[i];
    return NULL;
}

size_t admin_door_poll(const struct admin_door *door, struct pollfd *polls, int *timeout_ms)
{
    size_t n = 0;
    /* With every place taken the next one waits in the kernel's queue. */
    if (door->listener >= 0 && free_place(door) != NULL)
        polls[n++] = (struct pollfd) { door->listener, POLLIN, 0 };
    int64_t now_ms = env_mono_ms(door->ca->env);
    for (size_t i = 0; i < COUNT_OF(door->guests); i++) {
        const struct admin_guest *guest = &door->guests[i];
        if (guest->channel.fd < 0)
            continue;
        polls[n++] = (struct pollfd) { guest->channel.fd, POLLIN, 0 };
        int64_t left_ms = guest->until_ms > now_ms ? guest->until_ms - now_ms : 0;
        if (*timeout_ms < 0 || left_ms < *timeout_ms)
            *timeout_ms = (int)left_ms;
    }
    return n;
}

static bool is_welcome(const struct admin_door *door, int fd)
{
    struct ucred peer;
    socklen_t n = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 || n != sizeof(peer))
        return false;
    if (peer.uid == 0 || peer.uid == door->owner)
        return true;
    log_warning("uid %u tried ca.sock and was refused", (unsigned)peer.uid);
    return false;
}

static void let_in(struct admin_door *door)
{
    int fd = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (!is_welcome(door, fd)) {
        close(fd);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(door->guests); i++) {
        struct admin_guest *guest = &door->guests[i];
        if (guest->channel.fd >= 0)
            continue;
        channel_init(&guest->channel, fd, IPC_CA, IPC_ADMIN);
        guest->until_ms = env_mono_ms(door->ca->env) + LIMIT_ADMIN_MS;
        return;
    }
    close(fd);
}

/* ---- one request ---- */

struct reply {
    struct admin_door *door;
    struct channel *to;
};

static enum mlt_err send_row(void *ctx, const struct admin_row *row)
{
    struct reply *reply = ctx;
    struct buf *sent = &reply->door->sent;
    buf_reset(sent);
    TRY(admin_row_encode(row, sent));
    return channel_send(reply->to, IPC_ADMIN_ROW, 0, buf_span(sent));
}

static enum mlt_err answer(struct admin_door *door, struct channel *to, struct span body)
{
    struct admin_request request;
    TRY(admin_request_decode(body, &request));
    struct reply reply = { door, to };
    const struct admin_sink sink = { send_row, &reply };
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct admin_end end = { .err = admin_answer(door->ca, &request, &sink, &why) };
    if (end.err != MLT_OK)
        end.text = buf_span(&why);
    buf_reset(&door->sent);
    TRY(admin_end_encode(&end, &door->sent));
    return channel_send(to, IPC_ADMIN_END, 0, buf_span(&door->sent));
}

static void serve(struct admin_door *door, struct admin_guest *guest)
{
    struct ipc_message message;
    bool got = false;
    enum mlt_err err = channel_receive(&guest->channel, 0, &door->received, &message, &got);
    if (err == MLT_OK && !got)
        return;
    if (err == MLT_OK)
        err = message.type == IPC_ADMIN_REQUEST ? answer(door, &guest->channel, message.body)
                                                : MLT_ERR_UNEXPECTED;
    if (err != MLT_OK && err != MLT_ERR_CUT)
        log_warning("a connection to ca.sock was dropped: %s", err_text(err));
    channel_close(&guest->channel);
}

static void show_out_late(struct admin_door *door)
{
    int64_t now_ms = env_mono_ms(door->ca->env);
    for (size_t i = 0; i < COUNT_OF(door->guests); i++) {
        struct admin_guest *guest = &door->guests[i];
        if (guest->channel.fd >= 0 && now_ms >= guest->until_ms)
            channel_close(&guest->channel);
    }
}

void admin_door_serve(struct admin_door *door, const struct pollfd *polls, size_t count)
{
    for (size_t p = 0; p < count; p++) {
        if (polls[p].revents == 0)
            continue;
        if (polls[p].fd == door->listener) {
            let_in(door);
            continue;
        }
        for (size_t i = 0; i < COUNT_OF(door->guests); i++)
            if (door->guests[i].channel.fd == polls[p].fd)
                serve(door, &door->guests[i]);
    }
    show_out_late(door);
}
