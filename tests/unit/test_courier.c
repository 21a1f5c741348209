/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/courier.h"
#include "client/turn.h"
#include "pair.h"

/*
 * Couriers of one home, each with a store and a turn of its own, as if each were a process; the
 * server is the test, which hears what they say and answers.
 */

enum { SAID_MOST = 400 };

enum what { SEND, RECEIPT, NOTED };

struct said {
    enum what what;
    uint8_t id[ENVELOPE_ID];
    struct name recipient;
    uint64_t number;
    enum outcome_state state;
};

struct process {
    struct store *store;
    struct turn *turn;
    struct courier *courier;
    struct said said[SAID_MOST];
    size_t said_count;
    struct courier_wait waits[SAID_MOST];
    size_t wait_count;
    uint64_t unshown_at_receipt; /* what another handle saw when the last receipt was said */
};

static char scratch[64];
static struct home home = HOME_CLOSED;
static struct pair_env clock_now;
static struct process a, b;

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

static uint64_t count_from_outside(void)
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

static void start(struct process *p)
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

/* As kill -9: nothing is committed or said any more. */
static void stop(struct process *p)
{
    courier_free(&p->courier);
    turn_close(&p->turn);
    store_close(&p->store);
}

static int begin(void **state)
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

static int end(void **state)
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

/* ---- steps ---- */

/* Until it has nothing to do now; one that never has spins. */
static void run(struct process *p)
{
    int rounds = 0;
    do {
        assert_true(rounds++ < 20);
        assert_ok(courier_process(p->courier));
    } while (courier_due_ms(p->courier) <= clock_now.mono_ms && !courier_is_stuck(p->courier));
}

static void log_in(struct process *p)
{
    courier_up(p->courier, LIMIT_BODY);
    run(p);
}

static void keep(struct process *p, const char *to, uint8_t id[static ENVELOPE_ID])
{
    struct store_outgoing message = { .body = span_str("oi") };
    assert_ok(name_parse(span_str(to), &message.recipient));
    assert_ok(store_outbox_keep(p->store, &message, id));
    courier_wake(p->courier);
}

static void answer(struct process *p, const uint8_t id[static ENVELOPE_ID], struct outcome outcome)
{
    memcpy(outcome.id, id, ENVELOPE_ID);
    assert_ok(courier_outcome(p->courier, &outcome));
}

static const struct outcome delivered = { .state = OUTCOME_DELIVERED };
static const struct outcome stored = { .state = OUTCOME_STORED };
static const struct outcome unknown = { .state = OUTCOME_UNKNOWN };
static const struct outcome busy = { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_BUSY };

static void deliver(struct process *p, const char *from, uint8_t number)
{
    struct envelope e = {
        .sender.kind = ADDRESS_USER, .time_ms = 1, .number = number, .body = span_str("oi")
    };
    memset(e.id, number, ENVELOPE_ID);
    assert_ok(name_parse(span_str(from), &e.sender.name));
    assert_ok(courier_deliver(p->courier, &e));
}

static void forget(struct process *p)
{
    p->said_count = 0;
    p->wait_count = 0;
}

static void expect_said(const struct process *p, size_t at, enum what what,
                        const uint8_t id[static ENVELOPE_ID])
{
    assert_true(at < p->said_count);
    assert_int_equal(p->said[at].what, what);
    assert_memory_equal(p->said[at].id, id, ENVELOPE_ID);
}

static enum store_state state_of(struct process *p, const uint8_t id[static ENVELOPE_ID])
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    assert_ok(store_outbox_find(p->store, id, &m, &found));
    assert_true(found);
    return m.state;
}

/* ---- receiving ---- */

static void what_came_is_on_disk_before_its_receipt(void **state)
{
    (void)state;
    log_in(&a);
    deliver(&a, "joao", 1);
    deliver(&a, "joao", 2);
    deliver(&a, "ana", 2);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(count_from_outside(), 0);
    run(&a);
    assert_int_equal(a.said_count, 3);
    assert_int_equal(a.said[1].what, RECEIPT);
    assert_int_equal(a.said[1].state, OUTCOME_DELIVERED);
    assert_int_equal(a.said[1].id[0], 2);
    assert_int_equal(a.unshown_at_receipt, 3);
    assert_true(courier_take_news(a.courier).messages);
    assert_false(courier_take_news(a.courier).messages);
}

static void what_came_twice_is_confirmed_twice_and_there_once(void **state)
{
    (void)state;
    log_in(&a);
    deliver(&a, "joao", 1);
    deliver(&a, "joao", 1);
    run(&a);
    assert_int_equal(a.said_count, 2);
    assert_int_equal(count_from_outside(), 1);
    stop(&a);
    start(&a);
    log_in(&a);
    deliver(&a, "joao", 1);
    run(&a);
    assert_int_equal(a.said_count, 1);
    assert_int_equal(count_from_outside(), 1);
    assert_false(courier_take_news(a.courier).messages);
}

static void what_was_not_committed_is_not_confirmed_by_any_end(void **state)
{
    (void)state;
    log_in(&a);
    deliver(&a, "joao", 1);
    courier_down(a.courier, MLT_ERR_CUT);
    assert_int_equal(count_from_outside(), 0);
    log_in(&a);
    deliver(&a, "joao", 1);
    stop(&a);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(count_from_outside(), 0);
    start(&a);
}

static void more_than_a_batch_is_confirmed_in_parts(void **state)
{
    (void)state;
    log_in(&a);
    struct envelope e = { .sender.kind = ADDRESS_USER, .time_ms = 1, .body = span_str("oi") };
    assert_ok(name_parse(span_str("joao"), &e.sender.name));
    for (unsigned i = 0; i < LIMIT_CONFIRM_BATCH + 1; i++) {
        e.number = i + 1;
        memcpy(e.id, &i, sizeof(i));
        assert_ok(courier_deliver(a.courier, &e));
    }
    assert_int_equal(a.said_count, LIMIT_CONFIRM_BATCH);
    assert_int_equal(a.unshown_at_receipt, LIMIT_CONFIRM_BATCH);
    run(&a);
    assert_int_equal(a.said_count, LIMIT_CONFIRM_BATCH + 1);
}

static void run_sql(const char *sql)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/malote.db", scratch);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The second of three cannot be kept: none is. */
static void a_batch_with_a_failure_confirms_nothing(void **state)
{
    (void)state;
    run_sql("CREATE TRIGGER full BEFORE INSERT ON messages WHEN NEW.peer = 'ana'"
            " BEGIN SELECT raise(ABORT, 'no'); END");
    log_in(&a);
    deliver(&a, "joao", 1);
    struct envelope e = { .sender.kind = ADDRESS_USER, .number = 1, .body = span_str("oi") };
    assert_ok(name_parse(span_str("ana"), &e.sender.name));
    assert_err(courier_deliver(a.courier, &e), MLT_ERR_DATABASE);
    deliver(&a, "joao", 2); /* a caller that does not stop */
    assert_err(courier_settle(a.courier), MLT_ERR_DATABASE);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(count_from_outside(), 0);
    assert_false(courier_take_news(a.courier).messages);
    courier_down(a.courier, MLT_ERR_DATABASE);
    run_sql("DROP TRIGGER full");
    log_in(&a);
    deliver(&a, "joao", 1);
    run(&a);
    assert_int_equal(a.said_count, 1);
}

/* ---- sending ---- */

static void messages_go_in_order_and_recipients_in_turn(void **state)
{
    (void)state;
    uint8_t to_joao[3][ENVELOPE_ID], to_ana[2][ENVELOPE_ID];
    for (size_t i = 0; i < 3; i++)
        keep(&a, "joao", to_joao[i]);
    for (size_t i = 0; i < 2; i++)
        keep(&a, "ana", to_ana[i]);
    assert_int_equal(a.said_count, 0);
    log_in(&a);
    assert_int_equal(a.said_count, 5);
    expect_said(&a, 0, SEND, to_ana[0]);
    expect_said(&a, 1, SEND, to_joao[0]);
    expect_said(&a, 2, SEND, to_ana[1]);
    expect_said(&a, 3, SEND, to_joao[1]);
    expect_said(&a, 4, SEND, to_joao[2]);
    run(&a);
    assert_int_equal(a.said_count, 5); /* once */
}

static void no_more_than_a_window_is_under_way_in_all(void **state)
{
    (void)state;
    static const char *const names[] = { "ana", "joao", "zoe" };
    uint8_t id[ENVELOPE_ID];
    for (size_t i = 0; i < LIMIT_SEND_WINDOW + 2; i++)
        keep(&a, names[i % COUNT_OF(names)], id);
    log_in(&a);
    assert_int_equal(a.said_count, LIMIT_SEND_WINDOW);
    assert_int_equal(courier_under_way(a.courier), LIMIT_SEND_WINDOW);
    answer(&a, a.said[0].id, stored);
    run(&a);
    assert_int_equal(a.said_count, LIMIT_SEND_WINDOW + 1);
}

static void an_outcome_is_on_disk_before_it_is_noted(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    struct outcome kept = delivered;
    kept.kept = true;
    keep(&a, "joao", id);
    log_in(&a);
    forget(&a);
    answer(&a, id, kept);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(state_of(&b, id), STORE_WAITING);
    run(&a);
    expect_said(&a, 0, NOTED, id);
    assert_int_equal(state_of(&b, id), STORE_DELIVERED);
    assert_true(courier_take_news(a.courier).fates);
    answer(&a, id, kept); /* the server missed our word */
    run(&a);
    expect_said(&a, 1, NOTED, id);
    assert_int_equal(a.said_count, 2);
}

/* PROTOCOL.md 8.3: number 2 of 4 is refused for the moment. */
static void after_a_refusal_that_passes_all_go_again_from_there_in_order(void **state)
{
    (void)state;
    uint8_t id[4][ENVELOPE_ID];
    for (size_t i = 0; i < 4; i++)
        keep(&a, "joao", id[i]);
    log_in(&a);
    forget(&a);
    answer(&a, id[0], stored);
    answer(&a, id[1], busy);
    run(&a);
    clock_now.mono_ms += LIMIT_RESEND_MOST_MS;
    run(&a);
    answer(&a, id[2], busy);
    run(&a);
    assert_int_equal(a.said_count, 0); /* 4 is still under way: it will be refused */
    answer(&a, id[3], busy);
    run(&a);
    assert_int_equal(a.said_count, 3); /* the pause is over */
    for (size_t i = 0; i < 3; i++)
        expect_said(&a, i, SEND, id[i + 1]);
    for (size_t i = 1; i < 4; i++)
        answer(&a, id[i], delivered);
    run(&a);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(state_of(&b, id[i]), STORE_DELIVERED);
    assert_false(courier_is_stuck(a.courier));
}

static void the_pause_doubles_up_to_its_most_and_begins_anew(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    keep(&a, "joao", id);
    log_in(&a);
    for (int64_t pause = LIMIT_RESEND_FIRST_MS; pause < 4 * LIMIT_RESEND_MOST_MS; pause *= 2) {
        int64_t expected = pause < LIMIT_RESEND_MOST_MS ? pause : LIMIT_RESEND_MOST_MS;
        answer(&a, id, unknown);
        forget(&a);
        run(&a);
        clock_now.mono_ms += expected - 1;
        run(&a);
        assert_int_equal(a.said_count, 0);
        clock_now.mono_ms += 1;
        run(&a);
        assert_int_equal(a.said_count, 1);
    }
    answer(&a, id, delivered);
    uint8_t next[ENVELOPE_ID];
    keep(&a, "joao", next);
    run(&a);
    answer(&a, next, busy);
    run(&a);
    forget(&a);
    clock_now.mono_ms += LIMIT_RESEND_FIRST_MS;
    run(&a);
    expect_said(&a, 0, SEND, next);
}

static void a_recipient_who_has_to_wait_delays_nobody_else(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID], other[ENVELOPE_ID];
    keep(&a, "joao", id);
    log_in(&a);
    answer(&a, id, busy);
    run(&a);
    forget(&a);
    keep(&a, "ana", other);
    run(&a);
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, SEND, other);
}

static void a_lost_session_sends_again_with_the_same_ids(void **state)
{
    (void)state;
    uint8_t id[2][ENVELOPE_ID];
    keep(&a, "joao", id[0]);
    keep(&a, "joao", id[1]);
    log_in(&a);
    answer(&a, id[0], stored);
    run(&a);
    courier_down(a.courier, MLT_ERR_CUT);
    assert_int_equal(a.wait_count, 1); /* of the one nobody had answered */
    assert_memory_equal(a.waits[0].id, id[1], ENVELOPE_ID);
    assert_err(a.waits[0].err, MLT_ERR_CUT);
    assert_string_equal(a.waits[0].recipient.text, "joao");
    forget(&a);
    log_in(&a);
    assert_int_equal(a.said_count, 1); /* what is stored is not sent again */
    expect_said(&a, 0, SEND, id[1]);
    assert_int_equal(a.said[0].number, 2);
}

/* The server lost it from a mailbox, says a notice; but it is on its way again already. */
static void a_notice_of_loss_is_no_answer_to_what_is_under_way(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    struct outcome notice = unknown;
    notice.kept = true;
    keep(&a, "joao", id);
    log_in(&a);
    forget(&a);
    answer(&a, id, notice);
    run(&a);
    clock_now.mono_ms += LIMIT_RESEND_MOST_MS;
    run(&a);
    assert_int_equal(a.said_count, 1); /* noted, and not sent twice in one session */
    expect_said(&a, 0, NOTED, id);
    assert_int_equal(courier_under_way(a.courier), 1);
    answer(&a, id, stored);
    run(&a);
    assert_int_equal(state_of(&a, id), STORE_STORED);
    forget(&a);
    answer(&a, id, notice); /* now it speaks of what was stored */
    run(&a);
    expect_said(&a, 0, NOTED, id);
    assert_int_equal(a.said_count, 1);
    clock_now.mono_ms += LIMIT_RESEND_FIRST_MS;
    run(&a);
    expect_said(&a, 1, SEND, id);
}

/* Stored, lost, stored, lost: with a pause each time, and nobody else waits. */
static void what_is_lost_again_and_again_goes_again_with_a_growing_pause(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID], other[ENVELOPE_ID], next[ENVELOPE_ID];
    struct outcome notice = unknown;
    notice.kept = true;
    keep(&a, "joao", id);
    log_in(&a);
    for (int64_t pause = LIMIT_RESEND_FIRST_MS; pause < 4 * LIMIT_RESEND_MOST_MS; pause *= 2) {
        int64_t expected = pause < LIMIT_RESEND_MOST_MS ? pause : LIMIT_RESEND_MOST_MS;
        bool at_once = pause % (2 * LIMIT_RESEND_FIRST_MS) == 0; /* or after its turn was left */
        answer(&a, id, stored);
        if (!at_once)
            run(&a);
        answer(&a, id, notice);
        run(&a);
        forget(&a);
        keep(&a, "ana", other);
        run(&a);
        assert_int_equal(a.said_count, 1);
        answer(&a, other, delivered);
        clock_now.mono_ms += expected - 1;
        run(&a);
        assert_int_equal(a.said_count, 1);
        assert_true(courier_due_ms(a.courier) <= clock_now.mono_ms + 1);
        clock_now.mono_ms += 1;
        run(&a);
        expect_said(&a, 1, SEND, id);
        assert_int_equal(a.said_count, 2);
    }
    answer(&a, id, delivered);
    keep(&a, "joao", next);
    run(&a);
    answer(&a, next, stored);
    answer(&a, next, notice);
    run(&a);
    forget(&a);
    clock_now.mono_ms += LIMIT_RESEND_FIRST_MS;
    run(&a);
    expect_said(&a, 0, SEND, next);
}

/* Another message of the stream is stored between two refusals. */
static void stored_does_not_end_the_growing_of_a_pause(void **state)
{
    (void)state;
    uint8_t id[3][ENVELOPE_ID];
    for (size_t i = 0; i < 3; i++)
        keep(&a, "joao", id[i]);
    log_in(&a);
    for (size_t i = 0; i < 3; i++)
        answer(&a, id[i], busy);
    run(&a);
    clock_now.mono_ms += LIMIT_RESEND_FIRST_MS;
    run(&a);
    answer(&a, id[0], stored);
    answer(&a, id[1], busy);
    answer(&a, id[2], busy);
    run(&a);
    forget(&a);
    clock_now.mono_ms += 2 * LIMIT_RESEND_FIRST_MS - 1;
    run(&a);
    assert_int_equal(a.said_count, 0);
    clock_now.mono_ms += 1;
    run(&a);
    expect_said(&a, 0, SEND, id[1]);
}

static void silence_is_told_once_and_lasts(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    keep(&a, "joao", id);
    log_in(&a);
    clock_now.mono_ms += LIMIT_OUTCOME_MS - 1;
    run(&a);
    assert_int_equal(a.wait_count, 0);
    clock_now.mono_ms += 1;
    run(&a);
    assert_int_equal(a.wait_count, 1);
    assert_err(a.waits[0].err, MLT_ERR_TIMEOUT);
    clock_now.mono_ms += LIMIT_OUTCOME_MS;
    run(&a);
    courier_down(a.courier, MLT_ERR_CUT);
    assert_int_equal(a.wait_count, 1);
}

/* ---- several processes ---- */

static void one_process_at_a_time_sends_to_a_recipient(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID], other[ENVELOPE_ID];
    keep(&a, "joao", first);
    log_in(&a);
    keep(&b, "joao", second);
    keep(&b, "ana", other);
    log_in(&b);
    assert_int_equal(b.said_count, 1); /* to ana; the turn for joao is taken */
    expect_said(&b, 0, SEND, other);
    assert_true(courier_due_ms(b.courier) <= clock_now.mono_ms + LIMIT_TURN_MS);
    clock_now.mono_ms += LIMIT_TURN_MS;
    run(&b);
    assert_int_equal(b.said_count, 1);
    assert_int_equal(a.said_count, 1);
    answer(&a, first, stored);
    run(&a); /* sends what b kept, since it looked: it is next */
    assert_int_equal(a.said_count, 2);
    expect_said(&a, 1, SEND, second);
    answer(&a, second, delivered);
    run(&a);
    clock_now.mono_ms += LIMIT_TURN_MS;
    run(&b);
    assert_int_equal(b.said_count, 1); /* it was sent, and never twice */
    assert_int_equal(state_of(&b, second), STORE_DELIVERED);
    assert_true(courier_take_news(b.courier).fates);
}

static void the_turn_passes_on_when_nothing_is_under_way(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID];
    keep(&a, "joao", first);
    log_in(&a);
    answer(&a, first, stored);
    run(&a);
    keep(&b, "joao", second);
    log_in(&b);
    expect_said(&b, 0, SEND, second);
    assert_int_equal(b.said[0].number, 2);
}

/* What was applied but not committed must not let another process send it again. */
static void the_turn_is_kept_until_the_answer_is_on_disk(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID], next[ENVELOPE_ID];
    keep(&a, "joao", id);
    keep(&b, "joao", next);
    log_in(&b); /* b sends both */
    assert_int_equal(b.said_count, 2);
    log_in(&a);
    forget(&a);
    answer(&b, id, stored);
    answer(&b, next, stored);
    /* b has not committed */
    bool taken = true;
    assert_ok(turn_take(a.turn, 1, &taken));
    assert_false(taken);
    run(&b);
    clock_now.mono_ms += LIMIT_TURN_MS;
    run(&a);
    assert_int_equal(a.said_count, 0);
}

static void a_dead_process_leaves_its_turn(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    keep(&a, "joao", id);
    log_in(&a);
    log_in(&b);
    assert_int_equal(b.said_count, 0);
    stop(&a);
    clock_now.mono_ms += LIMIT_TURN_MS;
    run(&b);
    expect_said(&b, 0, SEND, id);
    start(&a);
}

/* While a stream is blocked for this session only this session can go on with it. */
static void a_blocked_stream_keeps_its_turn(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    keep(&a, "joao", id);
    log_in(&a);
    answer(&a, id, busy);
    run(&a);
    log_in(&b);
    clock_now.mono_ms += LIMIT_TURN_MS;
    run(&b);
    assert_int_equal(b.said_count, 0);
    courier_down(a.courier, MLT_ERR_CUT);
    clock_now.mono_ms += LIMIT_TURN_MS;
    run(&b);
    expect_said(&b, 0, SEND, id);
}

static void who_waits_for_a_turn_too_long_tells_its_host(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID];
    keep(&a, "joao", first);
    log_in(&a);
    keep(&b, "joao", second);
    log_in(&b);
    for (int passed = 0; passed <= LIMIT_OUTCOME_MS; passed += LIMIT_FATE_MS) {
        assert_int_equal(b.wait_count, 0);
        clock_now.mono_ms += LIMIT_FATE_MS;
        clock_now.wall_ms += LIMIT_FATE_MS;
        run(&b);
        if (b.wait_count > 0)
            break;
    }
    assert_int_equal(b.wait_count, 1);
    assert_memory_equal(b.waits[0].id, second, ENVELOPE_ID);
    assert_err(b.waits[0].err, MLT_ERR_TIMEOUT);
    clock_now.mono_ms += LIMIT_FATE_MS;
    run(&b);
    assert_int_equal(b.wait_count, 1);
}

/* ---- dead ends ---- */

static void a_session_blocked_by_a_message_that_is_gone_is_stuck(void **state)
{
    (void)state;
    uint8_t first[ENVELOPE_ID], second[ENVELOPE_ID];
    keep(&a, "joao", first);
    log_in(&a);
    answer(&a, first, busy);
    run(&a);
    assert_ok(store_outbox_drop(b.store, first));
    keep(&b, "joao", second);
    assert_false(courier_is_stuck(a.courier));
    clock_now.mono_ms += LIMIT_RESEND_FIRST_MS;
    run(&a);
    assert_true(courier_is_stuck(a.courier));
    assert_int_equal(a.said_count, 1);
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    log_in(&a);
    assert_false(courier_is_stuck(a.courier));
    expect_said(&a, 0, SEND, second);
}

static void it_is_stuck_too_when_nothing_else_waits(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    keep(&a, "joao", id);
    log_in(&a);
    answer(&a, id, busy);
    run(&a);
    assert_ok(store_outbox_drop(b.store, id));
    clock_now.mono_ms += LIMIT_RESEND_FIRST_MS;
    run(&a);
    assert_true(courier_is_stuck(a.courier));
}

static void no_more_streams_are_begun_than_a_server_lets_block(void **state)
{
    (void)state;
    uint8_t id[LIMIT_BLOCKED_STREAMS + 1][ENVELOPE_ID];
    for (unsigned i = 0; i <= LIMIT_BLOCKED_STREAMS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "u%03u", i);
        keep(&a, name, id[i]);
    }
    log_in(&a);
    assert_int_equal(a.said_count, LIMIT_SEND_WINDOW);
    forget(&a);
    for (unsigned i = 0; i < LIMIT_BLOCKED_STREAMS; i++)
        answer(&a, id[i], busy);
    run(&a);
    assert_int_equal(a.said_count, 0); /* the window is free, but every place is taken */
    clock_now.mono_ms += LIMIT_RESEND_FIRST_MS;
    run(&a);
    assert_int_equal(a.said_count, LIMIT_BLOCKED_STREAMS);
    forget(&a);
    answer(&a, id[3], delivered);
    run(&a);
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, SEND, id[LIMIT_BLOCKED_STREAMS]);
}

/* ---- and the rest ---- */

static void what_is_too_old_is_given_up_and_not_sent(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    keep(&a, "joao", id);
    log_in(&a);
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    clock_now.wall_ms += (LIMIT_OUTBOX_S + 1) * INT64_C(1000);
    log_in(&a);
    assert_int_equal(a.said_count, 0);
    assert_int_equal(state_of(&a, id), STORE_EXPIRED);
    assert_true(courier_take_news(a.courier).fates);
}

/* As old as it may be: beyond the window it was not even sent once. */
static void what_was_never_sent_is_sent_however_old_it_is(void **state)
{
    (void)state;
    uint8_t id[LIMIT_SEND_WINDOW + 1][ENVELOPE_ID];
    for (size_t i = 0; i < COUNT_OF(id); i++)
        keep(&a, "joao", id[i]);
    clock_now.wall_ms += (LIMIT_OUTBOX_S + 1) * INT64_C(1000);
    log_in(&a);
    assert_int_equal(a.said_count, LIMIT_SEND_WINDOW);
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    clock_now.wall_ms += (LIMIT_OUTBOX_S + 1) * INT64_C(1000);
    log_in(&a);
    assert_int_equal(state_of(&a, id[0]), STORE_EXPIRED);
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, SEND, id[LIMIT_SEND_WINDOW]);
    assert_int_equal(state_of(&a, id[LIMIT_SEND_WINDOW]), STORE_WAITING);
}

static void what_was_read_is_said_once(void **state)
{
    (void)state;
    struct envelope e = { .sender.kind = ADDRESS_USER,
                          .number = 1,
                          .id = { 1 },
                          .flags = ENVELOPE_WANTS_READ,
                          .body = span_str("oi") };
    assert_ok(name_parse(span_str("joao"), &e.sender.name));
    log_in(&a);
    assert_ok(courier_deliver(a.courier, &e));
    run(&a);
    courier_down(a.courier, MLT_ERR_CUT);
    forget(&a);
    assert_ok(store_shown(a.store, 1, true)); /* while there is no session */
    courier_wake(a.courier);
    run(&a);
    assert_int_equal(a.said_count, 0);
    log_in(&a);
    assert_int_equal(a.said_count, 1);
    expect_said(&a, 0, RECEIPT, e.id);
    assert_int_equal(a.said[0].state, OUTCOME_READ);
    courier_wake(a.courier);
    run(&a);
    assert_int_equal(a.said_count, 1);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(what_came_is_on_disk_before_its_receipt),
        T(what_came_twice_is_confirmed_twice_and_there_once),
        T(what_was_not_committed_is_not_confirmed_by_any_end),
        T(more_than_a_batch_is_confirmed_in_parts),
        T(a_batch_with_a_failure_confirms_nothing),
        T(messages_go_in_order_and_recipients_in_turn),
        T(no_more_than_a_window_is_under_way_in_all),
        T(an_outcome_is_on_disk_before_it_is_noted),
        T(after_a_refusal_that_passes_all_go_again_from_there_in_order),
        T(the_pause_doubles_up_to_its_most_and_begins_anew),
        T(a_recipient_who_has_to_wait_delays_nobody_else),
        T(a_lost_session_sends_again_with_the_same_ids),
        T(a_notice_of_loss_is_no_answer_to_what_is_under_way),
        T(what_is_lost_again_and_again_goes_again_with_a_growing_pause),
        T(stored_does_not_end_the_growing_of_a_pause),
        T(silence_is_told_once_and_lasts),
        T(one_process_at_a_time_sends_to_a_recipient),
        T(the_turn_passes_on_when_nothing_is_under_way),
        T(the_turn_is_kept_until_the_answer_is_on_disk),
        T(a_dead_process_leaves_its_turn),
        T(a_blocked_stream_keeps_its_turn),
        T(who_waits_for_a_turn_too_long_tells_its_host),
        T(a_session_blocked_by_a_message_that_is_gone_is_stuck),
        T(it_is_stuck_too_when_nothing_else_waits),
        T(no_more_streams_are_begun_than_a_server_lets_block),
        T(what_is_too_old_is_given_up_and_not_sent),
        T(what_was_never_sent_is_sent_however_old_it_is),
        T(what_was_read_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
