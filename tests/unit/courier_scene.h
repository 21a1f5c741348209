/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_COURIER_SCENE_H
#define MALOTE_TESTS_UNIT_COURIER_SCENE_H

#include "test_base.h"

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

extern struct pair_env clock_now; /* stands still but for pass */
extern struct process a, b;

int courier_scene_begin(void **state);
int courier_scene_end(void **state);
#define COURIER_TEST(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, courier_scene_begin, courier_scene_end)

/* Both are started at the beginning; to stop one is as kill -9: nothing is committed or said any
 * more. */
void start(struct process *p);
void stop(struct process *p);

/* Until it has nothing to do now; one that never has spins. */
void run(struct process *p);
/* So much later, it runs. */
void pass(struct process *p, int64_t ms);
void log_in(struct process *p);
/* What was said before is no matter any more. */
void forget(struct process *p);

/* "oi", into the outbox; told of by no run. */
void keep(struct process *p, const char *to, uint8_t id[static ENVELOPE_ID]);
/* A first message to joao, which is sent. */
void send_first(struct process *p, uint8_t id[static ENVELOPE_ID]);

/* ---- the server ---- */

void answer(struct process *p, const uint8_t id[static ENVELOPE_ID], struct outcome outcome);
extern const struct outcome delivered, stored, unknown, busy;
/* Number and id are `number`. */
struct envelope envelope_from(const char *from, uint8_t number);
void deliver(struct process *p, const char *from, uint8_t number);

/* ---- what they said, and what is on disk ---- */

void expect_said(const struct process *p, size_t at, enum what what,
                 const uint8_t id[static ENVELOPE_ID]);
/* Nothing for so long, and then this, again. */
void expect_pause(struct process *p, int64_t ms, const uint8_t id[static ENVELOPE_ID]);
enum store_state state_of(struct process *p, const uint8_t id[static ENVELOPE_ID]);
/* What another handle sees. */
uint64_t count_from_outside(void);
void run_sql(const char *sql);

#endif
