/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cmd/say.h"
#include "ipc/channel.h"

static const char socket_name[] = "ca.sock";
/* Once it was taken up: ten thousand invites, a backup and an audit take their time. */
static const int answer_ms = 60000;
/* No more than it waits itself for net to confirm. */
static const int confirmed_ms = LIMIT_CONFIRM_MS + 5000;

static enum mlt_err connect_here(int fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval patience = { .tv_sec = LIMIT_TAKE_UP_MS / 1000 };
    memcpy(address.sun_path, socket_name, sizeof(socket_name));
    /* Where many wait already it would wait for the first of them to be let in. */
    ENSURE(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0,
           MLT_ERR_SYSTEM);
    int rc = connect(fd, (const struct sockaddr *)&address, sizeof(address));
    return rc == 0 ? MLT_OK : errno == EAGAIN ? MLT_ERR_TIMEOUT : MLT_ERR_SYSTEM;
}

/* By its bare name from within DATA: sun_path has 108 bytes, DATA's path may have more. */
static enum mlt_err dial(int data, struct channel *channel)
{
    CLEANUP(file_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    CLEANUP(file_close) int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ENSURE(fd >= 0 && before >= 0 && fchdir(data) == 0, MLT_ERR_SYSTEM);
    enum mlt_err err = connect_here(fd);
    int number = errno;
    ENSURE(fchdir(before) == 0, MLT_ERR_SYSTEM);
    errno = number;
    TRY(err);
    ENSURE(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, MLT_ERR_SYSTEM);
    channel_init(channel, fd, IPC_ADMIN, IPC_CA);
    fd = -1;
    return MLT_OK;
}

/* An answer on its way to us. */
struct answer {
    struct ca_rows *rows;
    int *file;
    struct admin_end end;
    struct buf packet; /* what `end` borrows */
    bool is_taken_up;
};

static void answer_clear(struct answer *answer)
{
    buf_clear(&answer->packet);
}

static enum mlt_err take_part(const struct ipc_message *message, const struct answer *answer)
{
    if (message->type == IPC_ADMIN_FILE) {
        file_close(answer->file);
        *answer->file = message->passed_fd;
        return MLT_OK;
    }
    ENSURE(message->type == IPC_ADMIN_ROW, MLT_ERR_UNEXPECTED);
    struct admin_row row;
    TRY(admin_row_decode(message->body, &row));
    return ca_rows_keep(answer->rows, message->body);
}

static enum mlt_err await(struct channel *channel, int patience_ms, struct answer *answer,
                          struct ipc_message *message)
{
    bool got = false;
    if (!answer->is_taken_up) {
        TRY(channel_receive(channel, LIMIT_TAKE_UP_MS, &answer->packet, message, &got));
        answer->is_taken_up = got || !channel_is_unread(channel);
    }
    if (!got && answer->is_taken_up)
        TRY(channel_receive(channel, patience_ms, &answer->packet, message, &got));
    return got ? MLT_OK : MLT_ERR_TIMEOUT;
}

static enum mlt_err converse(struct channel *channel, const struct admin_request *request,
                             struct answer *answer)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    bool confirms = request->verb == ADMIN_REVOKE || request->verb == ADMIN_REISSUE;
    TRY(admin_request_encode(request, &body));
    TRY(channel_send(channel, IPC_ADMIN_REQUEST, 0, buf_span(&body)));
    for (;;) {
        struct ipc_message message;
        TRY(await(channel, confirms ? confirmed_ms : answer_ms, answer, &message));
        if (message.type == IPC_ADMIN_END)
            return admin_end_decode(message.body, &answer->end);
        TRY(take_part(&message, answer));
    }
}

enum exit_code ca_socket_say_crowd(void)
{
    say_error(TEXT_CA_CROWD);
    return EXIT_UNREACHABLE;
}

/* What was asked lies there, and is done when it is taken up: it matters whether it was. */
static enum exit_code say_no_answer(const struct admin_request *request,
                                    const struct answer *answer)
{
    const char *name = request->name.text;
    if (request->verb == ADMIN_REVOKE && answer->rows->bytes.len > 0)
        say_error(TEXT_CA_SILENT_REVOKED, name); /* rows come once it stands */
    else if (request->verb == ADMIN_REVOKE && answer->is_taken_up)
        say_error(TEXT_CA_SILENT_IN_REVOKE, name, name);
    else if (request->verb == ADMIN_REVOKE)
        say_error(TEXT_CA_SILENT_REVOKE, name, LIMIT_TAKE_UP_MS / 1000);
    else if (answer->is_taken_up)
        say_error(TEXT_CA_NO_ANSWER, err_text(MLT_ERR_TIMEOUT));
    else
        say_error(TEXT_CA_SILENT, LIMIT_TAKE_UP_MS / 1000);
    return EXIT_UNREACHABLE;
}

enum exit_code ca_socket_ask(int data, const struct admin_request *request,
                             const struct ca_socket_answer *to)
{
    struct channel channel = { .fd = -1 };
    CLEANUP(answer_clear) struct answer answer = { .rows = to->rows, .file = to->file };
    const struct admin_end *end = &answer.end;
    enum mlt_err err = dial(data, &channel);
    if (err == MLT_ERR_TIMEOUT)
        return ca_socket_say_crowd();
    if (err == MLT_OK)
        err = converse(&channel, request, &answer);
    channel_close(&channel);
    if (err == MLT_ERR_CUT || err == MLT_ERR_SYSTEM) {
        say_error(TEXT_CA_GONE);
        return EXIT_UNREACHABLE;
    }
    if (err == MLT_ERR_TIMEOUT)
        return say_no_answer(request, &answer);
    if (err != MLT_OK) {
        say_error(TEXT_CA_NO_ANSWER, err_text(err));
        return EXIT_UNREACHABLE;
    }
    if (end->err != MLT_OK)
        say_error("%.*s", (int)end->text.n, (const char *)end->text.p);
    *to->err = end->err;
    return EXIT_DONE;
}

enum mlt_err ca_socket_try(int data)
{
    struct channel channel = { .fd = -1 };
    enum mlt_err err = dial(data, &channel);
    int number = errno;
    channel_close(&channel);
    if (err == MLT_OK || err == MLT_ERR_TIMEOUT)
        return err;
    if (number == ENOENT || number == ECONNREFUSED)
        return MLT_ERR_MISSING;
    errno = number;
    return number == EACCES || number == EPERM ? MLT_ERR_PERMISSION : MLT_ERR_SYSTEM;
}
