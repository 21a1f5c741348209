/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/host.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/explain.h"
#include "cmd/say.h"

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
    CLEANUP(alloc_free_text) char *path = NULL;
    enum mlt_err err = home_locate(options->home, &path);
    if (err != MLT_OK) {
        say_error(TEXT_NO_HOME_DIRECTORY);
        return EXIT_USAGE;
    }
    err = home_open(path, create, &host->home);
    if (err == MLT_OK)
        return EXIT_DONE;
    if (err == MLT_ERR_MISSING && !create) {
        say_error(TEXT_NO_IDENTITY, path);
        return EXIT_TRUST;
    }
    return explain_file(path, err);
}

static enum exit_code open_key(const struct malote_options *options, struct host *host,
                               const struct key_file *file)
{
    CLEANUP(secret_clear) struct secret passphrase = { 0 };
    if (file->is_protected) {
        enum mlt_err err =
            passphrase_read(&options->passphrase, TEXT_PASSPHRASE_PROMPT, false, &passphrase);
        if (err != MLT_OK)
            return explain_passphrase(err);
    }
    int64_t now_s = env_wall_ms(env_system()) / 1000;
    const struct secret *given = file->is_protected ? &passphrase : NULL;
    enum mlt_err err = identity_load(&host->home, file, given, now_s, &host->identity);
    return err == MLT_OK ? EXIT_DONE : explain_identity(host->home.path, err);
}

enum exit_code host_load_identity(const struct malote_options *options, struct host *host)
{
    struct server_file server;
    enum mlt_err err = home_read_server(&host->home, &server);
    if (err == MLT_ERR_MISSING) {
        say_error(TEXT_NO_IDENTITY, host->home.path);
        return EXIT_TRUST;
    }
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    if (err == MLT_OK)
        err = key_file_read(&host->home, &file);
    if (err != MLT_OK)
        return explain_identity(host->home.path, err);
    return open_key(options, host, &file);
}

enum exit_code host_open(const struct malote_options *options, struct host *host)
{
    enum exit_code code = host_open_home(options, false, host);
    return code == EXIT_DONE ? host_load_identity(options, host) : code;
}

enum exit_code host_open_joined(const struct malote_options *options, struct host *host)
{
    enum exit_code code = host_open(options, host);
    if (code != EXIT_DONE)
        return code;
    if (host->identity.server.state != SERVER_JOINED) {
        say_error(TEXT_NOT_JOINED_YET, host->identity.server.name.text);
        return EXIT_TRUST;
    }
    enum mlt_err err = store_open(&host->home, &host->store);
    return err == MLT_OK ? EXIT_DONE : explain_store(host->home.path, err);
}

void host_close(struct host *host)
{
    client_free(&host->client);
    store_close(&host->store);
    identity_clear(&host->identity);
    home_close(&host->home);
}

enum exit_code host_connect(struct host *host, enum client_auth_kind kind, bool comes_back,
                            const struct name *only)
{
    const struct client_config config = { .env = env_system(),
                                          .home = &host->home,
                                          .identity = &host->identity,
                                          .store = host->store,
                                          .kind = kind,
                                          .comes_back = comes_back,
                                          .only = only };
    enum mlt_err err = client_new(&config, &host->client);
    if (err == MLT_OK)
        err = client_connect(host->client);
    if (err != MLT_OK) {
        const struct client_event lost = { .kind = CLIENT_EVENT_LOST, .err = err };
        return explain_lost(host, &lost);
    }
    catch_signals();
    return EXIT_DONE;
}

void host_look_up_again(struct host *host)
{
    sigset_t set = ending_set();
    sigset_t pending;
    if (sigpending(&pending) == 0 && sigismember(&pending, SIGINT) == 1)
        return;
    for (size_t i = 0; i < COUNT_OF(ending_signals); i++)
        signal(ending_signals[i], SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    enum mlt_err err = client_connect(host->client);
    (void)err; /* the old addresses serve on */
    catch_signals();
}

static int wait_ms(const struct host *host, int64_t until_ms)
{
    int timeout = client_timeout_ms(host->client);
    if (until_ms == INT64_MAX)
        return timeout;
    int64_t left = until_ms - host_now_ms();
    left = left < 0 ? 0 : left;
    return timeout < 0 || left < timeout ? (int)left : timeout;
}

static short poll_events(unsigned want)
{
    int read = want & CLIENT_WANT_READ ? POLLIN : 0;
    int write = want & CLIENT_WANT_WRITE ? POLLOUT : 0;
    return (short)(read | write);
}

/* Waits, then lets the client work. */
static enum exit_code turn(struct host *host, const struct host_loop *loop, bool *readable)
{
    struct pollfd fds[2] = {
        { .fd = client_fd(host->client), .events = poll_events(client_want(host->client)) },
        { .fd = loop->other_fd, .events = POLLIN },
    };
    int ms = wait_ms(host, loop->until_ms);
    const struct timespec timeout = { ms / 1000, (long)(ms % 1000) * 1000000 };
    sigset_t open_mask;
    sigemptyset(&open_mask);
    int rc = ppoll(fds, 2, ms < 0 ? NULL : &timeout, &open_mask);
    if (rc < 0 && errno != EINTR)
        return explain_file("ppoll", MLT_ERR_SYSTEM);
    *readable = rc > 0 && fds[1].revents != 0;
    client_process(host->client);
    return EXIT_DONE;
}

static enum exit_code hand_out_events(struct host *host, const struct host_loop *loop, bool *done)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    enum exit_code code = EXIT_DONE;
    while (!*done && code == EXIT_DONE) {
        enum mlt_err err = client_next_event(host->client, &event);
        if (err != MLT_OK)
            return explain_store(host->home.path, err);
        if (event.kind == CLIENT_EVENT_NONE)
            return EXIT_DONE;
        code = loop->on_event(loop->ctx, &event, done);
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
        if (done || code != EXIT_DONE)
            break;
        if (stopped || host_now_ms() >= loop->until_ms) {
            *end = stopped ? HOST_END_SIGNAL : HOST_END_TIME;
            break;
        }
    }
    return code;
}

static enum exit_code ignore_event(void *ctx, const struct client_event *event, bool *done)
{
    (void)event;
    const struct host *host = ctx;
    *done = client_is_over(host->client);
    return EXIT_DONE;
}

void host_say_goodbye(struct host *host)
{
    if (host->client == NULL)
        return;
    client_close(host->client);
    if (client_is_over(host->client))
        return;
    const struct host_loop loop = { .ctx = host,
                                    .on_event = ignore_event,
                                    .other_fd = -1,
                                    .until_ms = host_now_ms() + 2 * LIMIT_GOODBYE_MS };
    enum host_end end;
    stopped = 0; /* a second Ctrl-C ends the farewell */
    enum exit_code code = host_run(host, &loop, &end);
    (void)code; /* what the subcommand did is done */
}
