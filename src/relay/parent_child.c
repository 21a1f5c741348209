/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/parent_child.h"

#include <signal.h>
#include <unistd.h>

#include "base/file.h"

static const int64_t first_pause_ms = 50;
/* What broke one pair may break the next at once: no race. */
static const int64_t first_pair_pause_ms = 200;

enum mlt_err child_start(struct child *c)
{
    int pair[2];
    TRY(channel_pair(pair));
    CLEANUP(file_close) int theirs = pair[1];
    channel_init(&c->channel, pair[0], IPC_PARENT, c->end);
    c->fds[0] = theirs;
    c->spawn.fds = c->fds;
    c->start_ms = -1;
    c->ready = false;
    enum mlt_err err = spawn_child(&c->spawn, &c->pid);
    if (err != MLT_OK)
        channel_close(&c->channel);
    return err;
}

enum mlt_err child_died(struct child *c, int64_t now_ms)
{
    channel_close(&c->channel);
    c->pid = 0;
    c->ready = false;
    int64_t oldest = c->deaths[c->death_count % LIMIT_RESTARTS];
    bool often = c->death_count >= LIMIT_RESTARTS && now_ms - oldest < LIMIT_RESTART_WINDOW_MS;
    ENSURE(!often, MLT_ERR_TOO_MANY);
    c->deaths[c->death_count % LIMIT_RESTARTS] = now_ms;
    c->death_count++;

    size_t recent = 0;
    for (size_t i = 0; i < LIMIT_RESTARTS && i < c->death_count; i++)
        recent += now_ms - c->deaths[i] < LIMIT_RESTART_WINDOW_MS;
    c->start_ms = now_ms + (first_pause_ms << recent);
    return MLT_OK;
}

int64_t child_pair_again(struct child_pairing *pairing, int64_t now_ms)
{
    int64_t pause_ms = 2 * pairing->pause_ms;
    if (pause_ms == 0 || now_ms - pairing->last_ms >= LIMIT_RESTART_WINDOW_MS)
        pause_ms = first_pair_pause_ms;
    if (pause_ms > LIMIT_PAIR_PAUSE_MS)
        pause_ms = LIMIT_PAIR_PAUSE_MS;
    pairing->pause_ms = pause_ms;
    return now_ms + pause_ms;
}

void child_kill(struct child *c)
{
    if (c->pid > 0)
        kill(c->pid, SIGKILL);
}

void child_stop(struct child *c)
{
    c->start_ms = -1;
    if (c->pid <= 0)
        return;
    if (channel_send(&c->channel, IPC_STOP, 0, (struct span) { 0 }) != MLT_OK)
        child_kill(c);
}
