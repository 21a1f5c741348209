/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/admin_door.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ca/admin.h"
#include "ca/backup.h"
#include "ca/crl_keep.h"
#include "ca/explain.h"

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

/* The one answer that is a file: by its descriptor, for the asker may write where we may not. */
static enum mlt_err send_backup(struct reply *reply, struct buf *why)
{
    CLEANUP(file_close) int fd = -1;
    struct backup_manifest manifest;
    enum mlt_err err = backup_make(reply->door->ca, &fd, &manifest);
    if (err != MLT_OK)
        return explain(why, err, TEXT_BACKUP_FAILED, err_cause(err));
    return channel_send_fd(reply->to, IPC_ADMIN_FILE, fd);
}

static enum mlt_err send_end(struct admin_door *door, struct channel *to, enum mlt_err err,
                             const struct buf *why)
{
    struct admin_end end = { .err = err };
    if (err != MLT_OK)
        end.text = buf_span(why);
    buf_reset(&door->sent);
    TRY(admin_end_encode(&end, &door->sent));
    return channel_send(to, IPC_ADMIN_END, 0, buf_span(&door->sent));
}

/* What was revoked in answering is in the newest CRL by now. */
static enum mlt_err start_waiting(struct admin_door *door, struct admin_guest *guest,
                                  const struct admin_request *request)
{
    struct crl_facts crl;
    if (request->verb != ADMIN_REVOKE && request->verb != ADMIN_REISSUE)
        return MLT_OK;
    TRY(crl_keep_facts(&door->ca->db, &crl));
    if (door->ca->net.crl_taken >= crl.number)
        return MLT_OK;
    guest->wait = (struct admin_wait) { crl.number, request->verb, request->name };
    guest->until_ms = env_mono_ms(door->ca->env) + LIMIT_CONFIRM_MS;
    return MLT_OK;
}

static enum mlt_err answer(struct admin_door *door, struct admin_guest *guest, struct span body)
{
    struct admin_request request;
    TRY(admin_request_decode(body, &request));
    struct reply reply = { door, &guest->channel };
    const struct admin_sink sink = { send_row, &reply };
    CLEANUP(buf_clear) struct buf why = { 0 };
    enum mlt_err err = request.verb == ADMIN_BACKUP ? send_backup(&reply, &why)
                                                    : admin_answer(door->ca, &request, &sink, &why);
    if (err == MLT_OK)
        TRY(start_waiting(door, guest, &request));
    return guest->wait.number > 0 ? MLT_OK : send_end(door, &guest->channel, err, &why);
}

static void show_out(struct admin_guest *guest)
{
    channel_close(&guest->channel);
    guest->wait = (struct admin_wait) { 0 };
}

static void serve(struct admin_door *door, struct admin_guest *guest)
{
    struct ipc_message message;
    bool got = false;
    enum mlt_err err = channel_receive(&guest->channel, 0, &door->received, &message, &got);
    if (err == MLT_OK && !got)
        return;
    if (err == MLT_OK)
        err = message.type == IPC_ADMIN_REQUEST && guest->wait.number == 0
                  ? answer(door, guest, message.body)
                  : MLT_ERR_UNEXPECTED;
    if (err != MLT_OK && err != MLT_ERR_CUT)
        log_warning("a connection to ca.sock was dropped: %s", err_text(err));
    if (err != MLT_OK || guest->wait.number == 0)
        show_out(guest);
}

/* ---- who waits for net ---- */

/* The invite of a reissue is given all the same: the alarm goes with it. */
static enum mlt_err say_unconfirmed(struct admin_door *door, struct admin_guest *guest)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    log_error("net has not confirmed revocation list %llu within %d s",
              (unsigned long long)guest->wait.number, LIMIT_CONFIRM_MS / 1000);
    if (guest->wait.verb == ADMIN_REVOKE) {
        enum mlt_err err = explain(&text, MLT_ERR_TIMEOUT, TEXT_UNCONFIRMED, guest->wait.name.text);
        return send_end(door, &guest->channel, err, &text);
    }
    TRY(explain(&text, MLT_OK, TEXT_ALARM_UNCONFIRMED, (unsigned long long)guest->wait.number));
    const struct admin_row alarm = { .kind = ADMIN_ROW_ALARM,
                                     .alarm = ADMIN_ALARM_UNCONFIRMED,
                                     .text = buf_span(&text) };
    struct reply reply = { door, &guest->channel };
    TRY(send_row(&reply, &alarm));
    return send_end(door, &guest->channel, MLT_OK, NULL);
}

static void look_after(struct admin_door *door, struct admin_guest *guest)
{
    bool late = env_mono_ms(door->ca->env) >= guest->until_ms;
    bool confirmed = door->ca->net.crl_taken >= guest->wait.number;
    bool waits = guest->wait.number > 0;
    enum mlt_err err = MLT_OK;
    if (waits && confirmed)
        err = send_end(door, &guest->channel, MLT_OK, NULL);
    else if (waits && late)
        err = say_unconfirmed(door, guest);
    if (err != MLT_OK)
        log_warning("a connection to ca.sock was dropped: %s", err_text(err));
    if (late || (waits && confirmed))
        show_out(guest);
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
    for (size_t i = 0; i < COUNT_OF(door->guests); i++)
        if (door->guests[i].channel.fd >= 0)
            look_after(door, &door->guests[i]);
}
