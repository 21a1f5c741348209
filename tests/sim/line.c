/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include "base/alloc.h"
#include "chaos.h"
#include "people.h"
#include "server.h"
#include "sim.h"

static struct line *lines;
static struct sim_record *spare;
static TAILQ_HEAD(, line) opened = TAILQ_HEAD_INITIALIZER(opened);
static size_t open_at_server;

/* Records that a server lets wait for a slow reader. */
#define QUEUE_MOST 4000

static struct sim_record *new_record(void)
{
    struct sim_record *r = spare;
    if (r == NULL)
        must_ok(ALLOC_NEW(&r));
    else
        spare = r->next;
    return r;
}

static void drop_record(struct sim_record *r)
{
    r->next = spare;
    spare = r;
}

static void drop_all(struct sim_pipe *pipe)
{
    while (pipe->first != NULL) {
        struct sim_record *r = pipe->first;
        pipe->first = r->next;
        drop_record(r);
    }
    pipe->last = NULL;
    pipe->count = 0;
}

struct line *line_open(struct process *client, unsigned person)
{
    struct line *line = NULL;
    must_ok(ALLOC_NEW(&line));
    line->client = client;
    line->person = person;
    line->next = lines;
    lines = line;
    return line;
}

void line_clear_all(void)
{
    while (lines != NULL) {
        struct line *line = lines;
        lines = line->next;
        drop_all(&line->up);
        drop_all(&line->down);
        alloc_free(line);
    }
    while (spare != NULL) {
        struct sim_record *r = spare;
        spare = r->next;
        alloc_free(r);
    }
    TAILQ_INIT(&opened);
    open_at_server = 0;
}

size_t line_open_count(void)
{
    return open_at_server;
}

/* ---- arrival ---- */

static struct sim_record *arrived(struct sim_pipe *pipe)
{
    struct sim_record *r = pipe->first;
    if (r == NULL || r->at > sim.agenda.now)
        return NULL;
    pipe->first = r->next;
    if (pipe->first == NULL)
        pipe->last = NULL;
    pipe->count--;
    sim.events++;
    return r;
}

static void plan_look(struct line *line, bool up);

static void look_up(struct line *line)
{
    struct sim_record *r = NULL;
    while ((r = arrived(&line->up)) != NULL) {
        server_receive(line, r);
        drop_record(r);
    }
    server_check();
    plan_look(line, true);
}

static void look_down(struct line *line)
{
    struct sim_record *r = NULL;
    while (line->client != NULL && process_reads(line->client) &&
           (r = arrived(&line->down)) != NULL) {
        process_receive(line->client, line, r);
        drop_record(r);
    }
    if (line->client != NULL && process_reads(line->client)) {
        process_run(line->client);
        plan_look(line, false);
    }
}

static void look(void *who, uint64_t up)
{
    struct line *line = who;
    (up ? &line->up : &line->down)->planned = false;
    if (up)
        look_up(line);
    else
        look_down(line);
}

static void plan_look(struct line *line, bool up)
{
    struct sim_pipe *pipe = up ? &line->up : &line->down;
    if (pipe->planned || pipe->first == NULL)
        return;
    pipe->planned = true;
    agenda_plan(&sim.agenda, pipe->first->at - sim.agenda.now, look, line, up);
}

void line_look(struct line *line)
{
    if (!line->down.planned)
        look(line, 0);
}

static void add(struct line *line, bool up, const struct sim_record *record)
{
    struct sim_pipe *pipe = up ? &line->up : &line->down;
    if (pipe->swallows)
        return;
    struct sim_record *r = new_record();
    *r = *record;
    r->next = NULL;
    r->at = sim.agenda.now + 20 + (int64_t)dice_below(&sim.dice, 100);
    if (dice_once_in(&sim.dice, 16))
        r->at += dice_wait(&sim.dice, chaos.delay);
    if (r->at < pipe->last_at)
        r->at = pipe->last_at;
    pipe->last_at = r->at;
    if (pipe->last == NULL)
        pipe->first = r;
    else
        pipe->last->next = r;
    pipe->last = r;
    pipe->count++;
    plan_look(line, up);
}

void line_up(struct line *line, const struct sim_record *record)
{
    add(line, true, record);
}

void line_down(struct line *line, const struct sim_record *record)
{
    add(line, false, record);
    if (line->down.count > QUEUE_MOST)
        server_drop_slow(line);
}

/* ---- ends ---- */

static void server_learns(void *who, uint64_t tag)
{
    struct line *line = who;
    (void)tag;
    drop_all(&line->up);
    server_lost(line);
    server_check();
}

static void client_learns(void *who, uint64_t tag)
{
    struct line *line = who;
    (void)tag;
    drop_all(&line->down);
    if (line->client != NULL)
        process_lost(line->client);
}

static int64_t silence(void)
{
    return (int64_t)dice_below(&sim.dice, LIMIT_SILENCE_MS) * MS;
}

static int64_t soon(void)
{
    return (int64_t)dice_below(&sim.dice, 40 * MS);
}

void line_break(struct line *line, enum line_end how)
{
    line->down.swallows = line->up.swallows = true;
    drop_all(&line->down);
    if (how != LINE_LATE)
        drop_all(&line->up);
    bool client_waits = how == LINE_HALF || how == LINE_SWALLOWED;
    bool server_waits = how == LINE_LATE || how == LINE_SWALLOWED;
    agenda_plan(&sim.agenda, client_waits ? silence() : soon(), client_learns, line, 0);
    agenda_plan(&sim.agenda, server_waits ? silence() : soon(), server_learns, line, 0);
    if (how == LINE_LATE) { /* held up somewhere on its way */
        int64_t by = dice_wait(&sim.dice, 3 * SECONDS);
        for (struct sim_record *r = line->up.first; r != NULL; r = r->next)
            r->at += by;
    }
}

void line_client_hangs_up(struct line *line)
{
    line->client = NULL;
    drop_all(&line->down);
    line->down.swallows = true;
    if (line->up.swallows)
        return;
    /* What it said before arrives first. */
    line->up.swallows = true;
    int64_t last = line->up.last_at - sim.agenda.now;
    agenda_plan(&sim.agenda, (last > 0 ? last : 0) + 1 + soon(), server_learns, line, 0);
}

void line_server_hangs_up(struct line *line)
{
    line->up.swallows = true;
    drop_all(&line->up);
    if (line->down.swallows)
        return;
    line->down.swallows = true;
    int64_t last = line->down.last_at - sim.agenda.now;
    agenda_plan(&sim.agenda, (last > 0 ? last : 0) + 1 + soon(), client_learns, line, 0);
}

void line_note_server(struct line *line, bool open)
{
    if (line->server == open)
        return;
    line->server = open;
    if (open) {
        TAILQ_INSERT_TAIL(&opened, line, opened);
        open_at_server++;
    } else {
        TAILQ_REMOVE(&opened, line, opened);
        open_at_server--;
    }
}

void line_server_dies(void)
{
    while (!TAILQ_EMPTY(&opened)) {
        struct line *line = TAILQ_FIRST(&opened);
        line->route = NULL;
        line_note_server(line, false);
        line_break(line, dice_once_in(&sim.dice, 4) ? LINE_HALF : LINE_CUT);
    }
}
