/* SPDX-License-Identifier: Apache-2.0 */
#include "courier_scene.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct pair_env clock_now;
struct process a, b;

static char scratch[64];
static struct home home = HOME_CLOSED;

/* ---- what a courier says ---- */

static struct said *note(struct process *p, enum what what, const uint8_t *id)
{
    assert_true(p->said_count < SAID_MOST);
    struct said *said = &p->said[p->said_count++];
    *said = (struct said) { .what = what };
    memcpy(said->id, id, ENVELOPE_ID);
    return said;
}

static enum mlt_err on_send(void *ctx, const struct envelope *e)
{
    struct said *said = note(ctx, SEND, e->id);
    said->recipient = e->recipient.name;
    said->number = e->number;
    return MLT_OK;
}

uint64_t count_from_outside(void)
{
    CLEANUP(store_close) struct store *s = NULL;
    uint64_t count = 0;
    assert_ok(store_open(&home, &clock_now.env, &s));
    assert_ok(store_count_unshown(s, NULL, &count));
    return count;
}

static enum mlt_err on_receipt(void *ctx, const struct receipt *r)
{
    struct process *p = ctx;
    note(p, RECEIPT, r->id)->state = r->state;
    p->unshown_at_receipt = count_from_outside();
    return MLT_OK;
}

static enum mlt_err on_noted(void *ctx, const struct noted *n)
{
    note(ctx, NOTED, n->id)->state = n->state;
    return MLT_OK;
}

static void on_wait(void *ctx, const struct courier_wait *wait)
{
    struct process *p = ctx;
    assert_true(p->wait_count < SAID_MOST);
    p->waits[p->wait_count++] = *wait;
}

static enum mlt_err take_turn(void *ctx, int64_t stream, bool *taken)
{
    return turn_take(((struct process *)ctx)->turn, stream, taken);
}

static void leave_turn(void *ctx, int64_t stream)
{
    turn_leave(((struct process *)ctx)->turn, stream);
}

/* ---- processes ---- */

void start(struct process *p)
{
    *p = (struct process) { 0 };
    assert_ok(store_open(&home, &clock_now.env, &p->store));
    assert_ok(turn_open(&home, &p->turn));
    const struct courier_config config = {
        .env = &clock_now.env,
        .store = p->store,
        .turn = { p, take_turn, leave_turn },
        .out = { p, on_send, on_receipt, on_noted, on_wait },
        .receives = true,
    };
    assert_ok(courier_new(&config, &p->courier));
}

void stop(struct process *p)
{
    courier_free(&p->courier);
    turn_close(&p->turn);
    store_close(&p->store);
}

int courier_scene_begin(void **state)
{
    (void)state;
    snprintf(scratch, sizeof(scratch), "/tmp/malote-test-courier-XXXXXX");
    pair_env_start(&clock_now);
    if (mkdtemp(scratch) == NULL || home_open(scratch, false, &home) != MLT_OK)
        return -1;
    start(&a);
    start(&b);
    return 0;
}

int courier_scene_end(void **state)
{
    (void)state;
    static const char *const names[] = { "malote.db", "malote.db-wal", "malote.db-shm", "turns" };
    stop(&a);
    stop(&b);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlinkat(home.dirfd, names[i], 0);
    home_close(&home);
    return rmdir(scratch);
}

void run(struct process *p)
{
    int rounds = 0;
    do {
        assert_true(rounds++ < 20);
        assert_ok(courier_process(p->courier));
    } while (courier_due_ms(p->courier) <= clock_now.mono_ms && !courier_is_stuck(p->courier));
}

void pass(struct process *p, int64_t ms)
{
    clock_now.mono_ms += ms;
    run(p);
}

void log_in(struct process *p)
{
    courier_up(p->courier, LIMIT_BODY);
    run(p);
}

void forget(struct process *p)
{
    p->said_count = 0;
    p->wait_count = 0;
}

void keep(struct process *p, const char *to, uint8_t id[static ENVELOPE_ID])
{
    struct store_outgoing message = { .body = span_str("oi") };
    assert_ok(name_parse(span_str(to), &message.recipient));
    assert_ok(store_outbox_keep(p->store, &message, id));
    courier_wake(p->courier);
}

void send_first(struct process *p, uint8_t id[static ENVELOPE_ID])
{
    keep(p, "joao", id);
    log_in(p);
}

/* ---- the server ---- */

void answer(struct process *p, const uint8_t id[static ENVELOPE_ID], struct outcome outcome)
{
    memcpy(outcome.id, id, ENVELOPE_ID);
    assert_ok(courier_outcome(p->courier, &outcome));
}

const struct outcome delivered = { .state = OUTCOME_DELIVERED };
const struct outcome stored = { .state = OUTCOME_STORED };
const struct outcome unknown = { .state = OUTCOME_UNKNOWN };
const struct outcome busy = { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_BUSY };

struct envelope envelope_from(const char *from, uint8_t number)
{
    struct envelope e = {
        .sender.kind = ADDRESS_USER, .time_ms = 1, .number = number, .body = span_str("oi")
    };
    memset(e.id, number, ENVELOPE_ID);
    assert_ok(name_parse(span_str(from), &e.sender.name));
    return e;
}

void deliver(struct process *p, const char *from, uint8_t number)
{
    const struct envelope e = envelope_from(from, number);
    assert_ok(courier_deliver(p->courier, &e));
}

/* ---- what they said, and what is on disk ---- */

void expect_said(const struct process *p, size_t at, enum what what,
                 const uint8_t id[static ENVELOPE_ID])
{
    assert_true(at < p->said_count);
    assert_int_equal(p->said[at].what, what);
    assert_memory_equal(p->said[at].id, id, ENVELOPE_ID);
}

void expect_pause(struct process *p, int64_t ms, const uint8_t id[static ENVELOPE_ID])
{
    size_t before = p->said_count;
    pass(p, ms - 1);
    assert_int_equal(p->said_count, before);
    assert_true(courier_due_ms(p->courier) <= clock_now.mono_ms + 1);
    pass(p, 1);
    assert_int_equal(p->said_count, before + 1);
    expect_said(p, before, SEND, id);
}

enum store_state state_of(struct process *p, const uint8_t id[static ENVELOPE_ID])
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    assert_ok(store_outbox_find(p->store, id, &m, &found));
    assert_true(found);
    return m.state;
}

void run_sql(const char *sql)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/malote.db", scratch);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
