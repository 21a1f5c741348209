/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends every message back to whom it came from, until SIGINT or SIGTERM.
 *
 *     malote --home bot join URL
 *     cc -o echo_bot echo_bot.c $(pkg-config --cflags --libs malote) && ./echo_bot bot
 */
#include <malote/client.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

static int fail(enum mlt_error error)
{
    fprintf(stderr, "echo_bot: %s\n", mlt_error_text(error));
    return 1;
}

/* What cannot be answered now is not marked as shown: it comes again after the next login. */
static void echo(struct mlt_client *bot, const struct mlt_event *message)
{
    size_t n;
    uint8_t id[MLT_ID_SIZE];
    const void *body = mlt_event_body(message, &n);
    enum mlt_error error = mlt_send(bot, mlt_event_peer(message), body, n, id);
    if (error == MLT_ERROR_NONE)
        error = mlt_shown(bot, mlt_event_row(message));
    if (error != MLT_ERROR_NONE)
        fail(error);
}

static void on_event(struct mlt_client *bot, const struct mlt_event *event)
{
    if (mlt_event_kind(event) == MLT_EVENT_MESSAGE)
        echo(bot, event);
    else if (mlt_event_kind(event) == MLT_EVENT_LOGGED_IN)
        fprintf(stderr, "echo_bot: here as %s\n", mlt_name(bot));
    else if (mlt_event_kind(event) != MLT_EVENT_OUTCOME)
        fprintf(stderr, "echo_bot: %s %s\n", mlt_event_text(event), mlt_detail(bot));
}

/* Until the connection is over; a signal asks for that. */
static int run(struct mlt_client *bot, struct pollfd signals)
{
    enum mlt_error error = MLT_ERROR_NONE;
    while (!mlt_is_over(bot) && error == MLT_ERROR_NONE) {
        struct pollfd fds[2] = { { mlt_fd(bot), 0, 0 }, signals };
        fds[0].events = (short)((mlt_want(bot) & MLT_WANT_READ ? POLLIN : 0) |
                                (mlt_want(bot) & MLT_WANT_WRITE ? POLLOUT : 0));
        if (poll(fds, 2, mlt_timeout_ms(bot)) > 0 && fds[1].revents != 0) {
            mlt_leave(bot);
            signals.fd = -1; /* asked */
        }
        mlt_process(bot);
        const struct mlt_event *event = NULL;
        while ((error = mlt_next_event(bot, &event)) == MLT_ERROR_NONE && event != NULL)
            on_event(bot, event);
    }
    return error != MLT_ERROR_NONE ? fail(error) : signals.fd >= 0;
}

int main(int argc, char **argv)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, NULL);

    struct mlt_client *bot = NULL;
    struct mlt_connection how = MLT_CONNECTION_INIT;
    how.comes_back = true;
    enum mlt_error error = mlt_open(argc > 1 ? argv[1] : NULL, 0, &bot);
    if (error == MLT_ERROR_NONE)
        error = mlt_load(bot, NULL, 0);
    if (error == MLT_ERROR_NONE)
        error = mlt_connect(bot, &how);
    struct pollfd signals = { signalfd(-1, &ending, SFD_CLOEXEC), POLLIN, 0 };
    int status = error == MLT_ERROR_NONE ? run(bot, signals) : fail(error);
    mlt_close(&bot);
    return status;
}
