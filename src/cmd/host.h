/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_HOST_H
#define MALOTE_CMD_HOST_H

#include <malote/client.h>

#include "cmd/options.h"

/*
 * What drives libmalote for a subcommand: its handle, opened, and the wait for whatever moves
 * next.  These functions say what went wrong and return the exit code for it.
 */
struct host {
    struct mlt_client *client;
    struct mlt_connection connection;
    int64_t opened_ms; /* wall clock */
    bool asks_system;  /* the library could not look the server's name up: getaddrinfo does */
    char detail[256];  /* what that said when it failed */

    /* For whom a message of this command waits, borrowed: what goes wrong is said with it. */
    const char *waits_for;
    bool is_stored; /* it: the server has it */
    bool is_known;  /* the server proved who it is: what comes now is the line's fault */
    bool held_up;   /* the server takes some messages only later: nothing to stay for */
};

/* Home and identity; asks for the key's passphrase if it has one. */
MUST_CHECK enum exit_code host_open(const struct malote_options *options, struct host *host);

/* host_open for what only a joined identity can do, and its store. */
MUST_CHECK enum exit_code host_open_joined(const struct malote_options *options, struct host *host);

/* host_open_joined without the key, and so without its passphrase: for what stays on this machine.
 */
MUST_CHECK enum exit_code host_open_store(const struct malote_options *options, struct host *host);

/* --accept-clock, if it was given; the two above do so by themselves.  The home is a joined one's.
 */
MUST_CHECK enum exit_code host_accept_clock(const struct malote_options *options,
                                            const struct host *host);

/* The home alone: no identity is needed. */
MUST_CHECK enum exit_code host_open_home(const struct malote_options *options, bool create,
                                         struct host *host);

void host_close(struct host *host);

/* Starts a connection; `wanted` as for mlt_connect, but that its size is filled in here. */
MUST_CHECK enum exit_code host_connect(struct host *host, const struct mlt_connection *wanted);

/* Who is told what happened, and what else is waited for.  The functions may change it. */
struct host_loop {
    void *ctx;
    /* *done ends the loop with the code returned; so does any code but EXIT_DONE. */
    enum exit_code (*on_event)(void *ctx, const struct mlt_event *event, bool *done);
    enum exit_code (*on_readable)(void *ctx, bool *done);
    /* NULL, or called at each turn, LIMIT_LOOK_MS apart at most: for what other processes did. */
    enum exit_code (*on_look)(void *ctx, bool *done);
    int other_fd;     /* -1: none; else on_readable is called when it can be read */
    int64_t until_ms; /* monotonic; INT64_MAX: for ever */
};

enum host_end { HOST_END_DONE = 0, HOST_END_TIME, HOST_END_SIGNAL };

/* Until the loop is done, the time is over, or Ctrl-C, SIGTERM or SIGHUP came. */
MUST_CHECK enum exit_code host_run(struct host *host, const struct host_loop *loop,
                                   enum host_end *end);

/* The command is done: stays until earlier messages of the outbox were answered, for
 * LIMIT_OUTBOX_LINGER_MS at most, and takes leave. */
void host_finish(struct host *host);

/* Takes leave of the server, a second at most. */
void host_say_goodbye(struct host *host);

int64_t host_now_ms(void);

#endif
