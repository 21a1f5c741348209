/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/host.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>

#include "base/env.h"
#include "base/limits.h"
#include "cmd/authority.h"
#include "cmd/explain.h"
#include "cmd/fate.h"
#include "cmd/say.h"
#include "cmd/system_look_up.h"

static const int ending_signals[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t stopped;

static void note_signal(int number)
{
    (void)number;
    stopped = 1;
}

int64_t host_now_ms(void)
{
    return env_mono_ms(env_system());
}

static sigset_t ending_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < COUNT_OF(ending_signals); i++)
        sigaddset(&set, ending_signals[i]);
    return set;
}

/* Delivered only inside ppoll, so that none is lost between looking and waiting. */
static void catch_signals(void)
{
    const struct sigaction note = { .sa_handler = note_signal };
    for (size_t i = 0; i < COUNT_OF(ending_signals); i++) {
        struct sigaction before;
        sigaction(ending_signals[i], NULL, &before);
        if (before.sa_handler != SIG_IGN) /* nohup stays nohup */
            sigaction(ending_signals[i], &note, NULL);
    }
    sigset_t set = ending_set();
    sigprocmask(SIG_BLOCK, &set, NULL);
}

enum exit_code host_open_home(const struct malote_options *options, bool create, struct host *host)
{
    char path[PATH_MAX];
    host->opened_ms = env_wall_ms(env_system());
    if (mlt_find_home(options->home, path, sizeof(path)) != MLT_ERROR_NONE) {
        say_error(TEXT_NO_HOME_DIRECTORY);
        return EXIT_USAGE;
    }
    enum mlt_error error = mlt_open(path, create ? MLT_OPEN_CREATE : 0, &host->client);
    if (error == MLT_ERROR_NONE)
        return EXIT_DONE;
    if (error == MLT_ERROR_MISSING && !create) {
        say_error(TEXT_NO_IDENTITY, path);
        return EXIT_TRUST;
    }
    return explain_home(path, error);
}

static enum exit_code load(const struct malote_options *options, struct host *host,
                           bool is_protected)
{
    CLEANUP(secret_clear) struct secret passphrase = { 0 };
    if (is_protected) {
        enum mlt_err err =
            passphrase_read(&options->passphrase, TEXT_PASSPHRASE_PROMPT, false, &passphrase);
        if (err != MLT_OK)
            return explain_passphrase(&options->passphrase, err);
    }
    enum mlt_error error = mlt_load(host->client, passphrase.p, passphrase.n);
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_identity(host, error);
}

static enum exit_code load_identity(const struct malote_options *options, struct host *host)
{
    enum mlt_error error = mlt_look(host->client);
    if (error == MLT_ERROR_NONE && mlt_state(host->client) == MLT_STATE_EMPTY) {
        say_error(TEXT_NO_IDENTITY, mlt_home(host->client));
        return EXIT_TRUST;
    }
    bool is_protected = false;
    if (error == MLT_ERROR_NONE)
        error = mlt_key_is_protected(host->client, &is_protected);
    return error == MLT_ERROR_NONE ? load(options, host, is_protected)
                                   : explain_identity(host, error);
}

enum exit_code host_open(const struct malote_options *options, struct host *host)
{
    enum exit_code code = host_open_home(options, false, host);
    return code == EXIT_DONE ? load_identity(options, host) : code;
}

static enum exit_code open_store(const struct host *host)
{
    if (mlt_state(host->client) != MLT_STATE_JOINED) {
        say_error(TEXT_NOT_JOINED_YET, mlt_name(host->client));
        return EXIT_TRUST;
    }
    enum mlt_error error = mlt_open_store(host->client);
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_store(host, error);
}

enum exit_code host_accept_clock(const struct malote_options *options, const struct host *host)
{
    return options->accept_clock ? authority_accept_clock(host) : EXIT_DONE;
}

enum exit_code host_open_joined(const struct malote_options *options, struct host *host)
{
    enum exit_code code = host_open(options, host);
    if (code == EXIT_DONE)
        code = open_store(host);
    return code == EXIT_DONE ? host_accept_clock(options, host) : code;
}

static enum exit_code look_and_open(struct host *host)
{
    enum mlt_error error = mlt_look(host->client);
    if (error != MLT_ERROR_NONE)
        return explain_identity(host, error);
    if (mlt_state(host->client) == MLT_STATE_EMPTY) {
        say_error(TEXT_NO_IDENTITY, mlt_home(host->client));
        return EXIT_TRUST;
    }
    return open_store(host);
}

enum exit_code host_open_store(const struct malote_options *options, struct host *host)
{
    enum exit_code code = host_open_home(options, false, host);
    if (code == EXIT_DONE)
        code = look_and_open(host);
    return code == EXIT_DONE ? host_accept_clock(options, host) : code;
}

void host_close(struct host *host)
{
    mlt_close(&host->client);
}

enum exit_code host_connect(struct host *host, const struct mlt_connection *wanted)
{
    host->connection = *wanted;
    host->connection.size = sizeof(host->connection);
    enum mlt_error error = mlt_connect(host->client, &host->connection);
    if (error == MLT_ERROR_LOCKED)
        return explain_home(mlt_home(host->client), error);
    if (error != MLT_ERROR_NONE)
        return explain_failure(host, error, errno);
    catch_signals();
    return EXIT_DONE;
}

/* Came, and was not noted yet.  (What is ignored stays pending too while it is blocked.) */
static bool is_waiting(const sigset_t *pending, int number)
{
    struct sigaction now;
    return sigismember(pending, number) == 1 && sigaction(number, NULL, &now) == 0 &&
           now.sa_handler != SIG_IGN;
}

/* While it lasts Ctrl-C ends the process: getaddrinfo cannot be interrupted. */
static bool ask_system(struct host *host)
{
    struct sigaction before[COUNT_OF(ending_signals)];
    const struct sigaction ends = { .sa_handler = SIG_DFL };
    sigset_t pending;
    sigpending(&pending);
    for (size_t i = 0; i < COUNT_OF(ending_signals); i++)
        if (is_waiting(&pending, ending_signals[i]))
            return false;
    for (size_t i = 0; i < COUNT_OF(ending_signals); i++) {
        sigaction(ending_signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(ending_signals[i], &ends, NULL);
    }
    sigset_t set = ending_set();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    bool found = system_look_up(host->client, host->detail, sizeof(host->detail));
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (size_t i = 0; i < COUNT_OF(ending_signals); i++)
        sigaction(ending_signals[i], &before[i], NULL);
    return found;
}

/* A name the library does not know may be known to the rest of nsswitch.conf: the connection is
 * then begun anew, and nobody need hear of the failure. */
static bool can_begin_anew(struct host *host, const struct mlt_event *event)
{
    if (mlt_event_kind(event) != MLT_EVENT_LOST || host->asks_system ||
        mlt_event_error(event) != MLT_ERROR_UNKNOWN_HOST)
        return false;
    host->asks_system = true;
    return ask_system(host) && mlt_connect(host->client, &host->connection) == MLT_ERROR_NONE;
}

/* The server may have moved while we wait to come back. */
static void look_up_again(struct host *host, const struct mlt_event *event)
{
    bool moved = mlt_event_kind(event) == MLT_EVENT_LOST &&
                 mlt_event_error(event) == MLT_ERROR_UNREACHABLE && mlt_event_retry_ms(event) >= 0;
    if (moved && host->asks_system && !ask_system(host))
        host->detail[0] = '\0'; /* the old addresses serve on */
}

static int wait_ms(const struct host *host, const struct host_loop *loop)
{
    int timeout = mlt_timeout_ms(host->client);
    int64_t left = INT64_MAX;
    if (loop->until_ms != INT64_MAX)
        left = loop->until_ms - host_now_ms();
    if (loop->on_look != NULL && left > LIMIT_LOOK_MS)
        left = LIMIT_LOOK_MS;
    left = left < 0 ? 0 : left;
    return left != INT64_MAX && (timeout < 0 || left < timeout) ? (int)left : timeout;
}

static short poll_events(unsigned want)
{
    int read = want & MLT_WANT_READ ? POLLIN : 0;
    int write = want & MLT_WANT_WRITE ? POLLOUT : 0;
    return (short)(read | write);
}

/* Waits, then lets the client work. */
static enum exit_code turn(struct host *host, const struct host_loop *loop, bool *readable)
{
    struct pollfd fds[2] = {
        { .fd = mlt_fd(host->client), .events = poll_events(mlt_want(host->client)) },
        { .fd = loop->other_fd, .events = POLLIN },
    };
    int ms = wait_ms(host, loop);
    const struct timespec timeout = { ms / 1000, (long)(ms % 1000) * 1000000 };
    sigset_t open_mask;
    sigemptyset(&open_mask);
    int rc = ppoll(fds, 2, ms < 0 ? NULL : &timeout, &open_mask);
    if (rc < 0 && errno != EINTR)
        return explain_file("ppoll", MLT_ERR_SYSTEM);
    *readable = rc > 0 && fds[1].revents != 0;
    mlt_process(host->client);
    return EXIT_DONE;
}

static enum exit_code hand_out_events(struct host *host, const struct host_loop *loop, bool *done)
{
    enum exit_code code = EXIT_DONE;
    while (!*done && code == EXIT_DONE) {
        const struct mlt_event *event = NULL;
        enum mlt_error error = mlt_next_event(host->client, &event);
        if (error != MLT_ERROR_NONE)
            return explain_store(host, error);
        if (event == NULL)
            return EXIT_DONE;
        if (can_begin_anew(host, event) || authority_tell(host, event))
            continue;
        code = loop->on_event(loop->ctx, event, done);
        if (!*done && code == EXIT_DONE)
            look_up_again(host, event);
    }
    return code;
}

enum exit_code host_run(struct host *host, const struct host_loop *loop, enum host_end *end)
{
    bool done = false;
    enum exit_code code = hand_out_events(host, loop, &done);
    *end = HOST_END_DONE;
    while (!done && code == EXIT_DONE) {
        bool readable = false;
        code = turn(host, loop, &readable);
        if (code == EXIT_DONE)
            code = hand_out_events(host, loop, &done);
        if (code == EXIT_DONE && !done && readable && loop->other_fd >= 0)
            code = loop->on_readable(loop->ctx, &done);
        if (code == EXIT_DONE && !done && loop->on_look != NULL)
            code = loop->on_look(loop->ctx, &done);
        if (done || code != EXIT_DONE)
            break;
        if (stopped || host_now_ms() >= loop->until_ms) {
            *end = stopped ? HOST_END_SIGNAL : HOST_END_TIME;
            break;
        }
    }
    return code;
}

/* Messages stay unshown; those of ours that came to nothing are told. */
static enum exit_code on_late_event(void *ctx, const struct mlt_event *event, bool *done)
{
    struct host *host = ctx;
    if (mlt_event_kind(event) == MLT_EVENT_OUTCOME) {
        fate_earlier(host, event);
        if (mlt_event_outcome(event) == MLT_OUTCOME_WAITING)
            host->held_up = true;
    }
    *done = mlt_is_over(host->client);
    return EXIT_DONE;
}

/* Another process of this home may be the one that sends them. */
static enum exit_code look_at_outbox(void *ctx, bool *done)
{
    const struct host *host = ctx;
    uint64_t waiting = 0;
    enum mlt_error error = mlt_count_waiting(host->client, &waiting);
    *done =
        error != MLT_ERROR_NONE || waiting == 0 || host->held_up || !mlt_is_logged_in(host->client);
    return EXIT_DONE;
}

void host_finish(struct host *host)
{
    const struct host_loop loop = { .ctx = host,
                                    .on_event = on_late_event,
                                    .on_look = look_at_outbox,
                                    .other_fd = -1,
                                    .until_ms = host_now_ms() + LIMIT_OUTBOX_LINGER_MS };
    bool done = stopped;
    enum exit_code code = EXIT_DONE;
    if (!done)
        code = look_at_outbox(host, &done);
    enum host_end end;
    if (!done)
        code = host_run(host, &loop, &end);
    (void)code; /* what the subcommand did is done */
    host_say_goodbye(host);
}

void host_say_goodbye(struct host *host)
{
    mlt_leave(host->client);
    if (mlt_is_over(host->client))
        return;
    const struct host_loop loop = { .ctx = host,
                                    .on_event = on_late_event,
                                    .other_fd = -1,
                                    .until_ms = host_now_ms() + 2 * LIMIT_GOODBYE_MS };
    enum host_end end;
    stopped = 0; /* a second Ctrl-C ends the farewell */
    enum exit_code code = host_run(host, &loop, &end);
    (void)code; /* what the subcommand did is done */
}
