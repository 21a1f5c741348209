/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_PARENT_CHILD_H
#define MALOTE_RELAY_PARENT_CHILD_H

#include "base/limits.h"
#include "ipc/channel.h"
#include "ipc/spawn.h"

/* One child as its parent sees it: running, or waiting to be started again. */

struct child {
    const char *name; /* "net", "ca": for the log */
    struct spawn spawn;
    int fds[SPAWN_FDS_MAX]; /* the first is the parent's channel, made at each start */
    enum ipc_end end;
    struct channel channel; /* fd -1: closed */
    pid_t pid;              /* 0: not running */
    bool ready;             /* said so */
    int64_t start_ms;       /* when to start it; -1: not to be started */
    int64_t deaths[LIMIT_RESTARTS];
    size_t death_count; /* since ever */
};

/* Starts it now. */
MUST_CHECK enum mlt_err child_start(struct child *c);

/*
 * It ended at `now_ms`: when to start it again, with growing pauses.  MLT_ERR_TOO_MANY when it
 * has died more than LIMIT_RESTARTS times within LIMIT_RESTART_WINDOW_MS.
 */
MUST_CHECK enum mlt_err child_died(struct child *c, int64_t now_ms);

/* The channel between two children, and how long they wait for another one.  { 0 } at first. */
struct child_pairing {
    int64_t last_ms;  /* when they got one; its owner writes it */
    int64_t pause_ms; /* before the one after that; 0: none was asked for yet */
};

/*
 * One of them has lost the channel: when they get a new one, with growing pauses until one has
 * lasted for LIMIT_RESTART_WINDOW_MS.  Each costs ca the telling of all it knows, and a net that
 * was taken over may ask for one after the other.
 */
int64_t child_pair_again(struct child_pairing *pairing, int64_t now_ms);

/* Asks it to stop; kills it if it does not even listen. */
void child_stop(struct child *c);
void child_kill(struct child *c);

#endif
