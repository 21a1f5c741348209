/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_SCENE_H
#define MALOTE_TESTS_UNIT_SCENE_H

#include "test_base.h"

#include "client/client.h"
#include "client/store_outbox.h"
#include "small_server.h"

/*
 * A client with a home of its own and a server in the same thread, over loopback, on a clock that
 * the test turns.  One scene at a time; scene_begin and scene_end are a test's set-up and
 * tear-down.
 */
struct scene {
    char path[64];
    struct home home;
    struct identity me;
    struct store *store;
    struct client *client;
    struct small_server server;
};

extern struct scene *scene;

int scene_begin(void **state);
/* The same on the system's clock, where it stands now. */
int scene_begin_now(void **state);
int scene_end(void **state);

struct pair_env *scene_clock_now(void);

/* Who we are, before joining (the key is the pair's), and after. */
void scene_make_joining(void);
void scene_make_joined(void);

void scene_make_client(enum client_auth_kind kind, bool comes_back);
void scene_connect_as(enum client_auth_kind kind);
void scene_log_in(enum client_auth_kind kind);

/* Both ends in turn until the client has something to say; NONE when it has not after a while. */
void scene_await(struct client_event *event);
void scene_expect(enum client_event_kind kind);
void scene_expect_lost(enum mlt_err err);
void scene_expect_message(const char *from, const char *text);

void scene_expect_fate(const uint8_t id[static ENVELOPE_ID], enum store_state state);

/* Puts a message into the outbox, to joao. */
void scene_send(const char *text, uint8_t id[static ENVELOPE_ID]);

/* Both ends in turn for a while, and the client has nothing to say. */
void scene_expect_quiet(void);

/* Both ends in turn for a while; events are dropped. */
void scene_settle_down(void);

#endif
