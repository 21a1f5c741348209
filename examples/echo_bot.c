/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends every message back to whom it came from, until SIGINT or SIGTERM.  Two such bots that hear
 * of each other echo for ever: a bot of yours needs a rule when to be silent.
 *
 *     malote --home bot join URL
 *     cc -o echo_bot echo_bot.c $(pkg-config --cflags --libs malote) \
 *         -Wl,-rpath,$(pkg-config --variable=libdir malote)
 *     ./echo_bot bot
 */
#include <malote/client.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "echo_bot: %s: %s\n", what, why);
    return 1;
}

/* What was sent is on disk, so its answer is certain; a message that is not marked as shown comes
 * again after the next login. */
static void echo(struct mlt_client *bot, const struct mlt_event *message)
{
    size_t n;
    uint8_t id[MLT_ID_SIZE];
    const void *body = mlt_event_body(message, &n);
    enum mlt_error error = mlt_send(bot, mlt_event_peer(message), body, n, id);
    if (error == MLT_ERROR_NONE)
        error = mlt_shown(bot, mlt_event_row(message));
    if (error != MLT_ERROR_NONE)
        fail(mlt_event_peer(message), mlt_error_text(error));
}

static void on_event(struct mlt_client *bot, const struct mlt_event *event)
{
    enum mlt_event_kind kind = mlt_event_kind(event);
    if (kind == MLT_EVENT_MESSAGE)
        echo(bot, event);
    else if (kind == MLT_EVENT_LOGGED_IN)
        fprintf(stderr, "echo_bot: here as %s\n", mlt_name(bot));
    else if (kind != MLT_EVENT_OUTCOME)
        fprintf(stderr, "echo_bot: %s %s\n", mlt_event_text(event), mlt_detail(bot));
    else if (mlt_event_outcome(event) == MLT_OUTCOME_REFUSED)
        fail(mlt_event_peer(event), mlt_event_text(event));
}

/* Until the connection is over: 0 when a signal asked for that. */
static int run(struct mlt_client *bot, int signals)
{
    enum mlt_error error = MLT_ERROR_NONE;
    struct pollfd fds[2] = { { -1, 0, 0 }, { signals, POLLIN, 0 } };
    while (!mlt_is_over(bot) && error == MLT_ERROR_NONE) {
        fds[0].fd = mlt_fd(bot);
        fds[0].events = (short)((mlt_want(bot) & MLT_WANT_READ ? POLLIN : 0) |
                                (mlt_want(bot) & MLT_WANT_WRITE ? POLLOUT : 0));
        if (poll(fds, 2, mlt_timeout_ms(bot)) > 0 && fds[1].revents != 0) {
            mlt_leave(bot);
            fds[1].fd = -1; /* it asked, once */
        }
        mlt_process(bot);
        const struct mlt_event *event = NULL;
        while ((error = mlt_next_event(bot, &event)) == MLT_ERROR_NONE && event != NULL)
            on_event(bot, event);
    }
    return error != MLT_ERROR_NONE ? fail(mlt_home(bot), mlt_error_text(error)) : fds[1].fd >= 0;
}

int main(int argc, char **argv)
{
    const char *home = argc > 1 ? argv[1] : "bot";
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    int signals = signalfd(-1, &ending, SFD_CLOEXEC);
    struct mlt_client *bot = NULL;
    struct mlt_connection how = MLT_CONNECTION_INIT;
    how.comes_back = true;
    enum mlt_error error = signals >= 0 ? mlt_open(home, 0, &bot) : MLT_ERROR_SYSTEM;
    if (error == MLT_ERROR_NONE)
        error = mlt_load(bot, NULL, 0);
    if (error == MLT_ERROR_NONE)
        error = mlt_connect(bot, &how);
    const char *why = mlt_error_text(error);
    if (error == MLT_ERROR_MISSING || error == MLT_ERROR_STATE)
        why = "nobody joined from here; join first (malote --home HOME join URL)";
    int status = error == MLT_ERROR_NONE ? run(bot, signals) : fail(home, why);
    mlt_close(&bot);
    return status;
}
