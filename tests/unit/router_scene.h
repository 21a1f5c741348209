/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_ROUTER_SCENE_H
#define MALOTE_TESTS_UNIT_ROUTER_SCENE_H

#include "test_base.h"

#include "base/limits.h"
#include "relay/router.h"

/*
 * A router among links that write down what they were told, one word after another, and a store
 * that answers when the test lets it: what it was asked for waits in the order it came.
 */

extern struct router *router;
extern int64_t now_ms; /* the test turns it */

#define SCENE_NOT_AFTER_S 1795461897
#define SCENE_ENDS_MS     86400000 /* monotonic */

struct link {
    struct route *route; /* NULL once it was ended */
    char said[2000];
    int outcomes;
    int delivers;
};

int router_scene_begin(void **state);
int router_scene_end(void **state);
#define ROUTER_TEST(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, router_scene_begin, router_scene_end)

struct name name_of(const char *text);
struct cert cert_of(const char *name, uint8_t serial);
void member(const char *name);

/* Whom most messages are from, and for. */
extern struct link maria, joao;
void maria_is_here(void); /* to send; joao is away */
void both_are_here(void);
/* And 7, "oi", which maria sent joao, is on its way to his mailbox: he was slow to confirm it. */
void one_is_being_put(void);

void join(struct link *link, const char *name, enum client_auth_kind kind, uint8_t serial);
void leave(struct link *link);

/* Number `id` of epoch 1. */
void send_to(struct link *link, const char *to, uint8_t id, const char *body);
struct sending {
    const char *to;
    uint8_t id[2];
    uint64_t epoch, number;
    struct span body;
};
void send_as(struct link *link, const struct sending *s);

void receipt(struct link *link, const char *sender, uint8_t id);

/* "7=stored 8=refused:busy"; empties it. */
#define assert_said(link, words)                                                                   \
    do {                                                                                           \
        assert_string_equal((link)->said, words);                                                  \
        (link)->said[0] = '\0';                                                                    \
    } while (0)

/* ---- the store ---- */

/* What it was asked since the last time: "put:7>joao read:joao>0/64 remove:joao/3=delivered
 * tell:maria/7-by-joao=read noted:maria/7=read". */
#define assert_asked(words)                                                                        \
    do {                                                                                           \
        assert_string_equal(store_asked, words);                                                   \
        store_asked[0] = '\0';                                                                     \
    } while (0)
extern char store_asked[8000];

size_t store_puts(void); /* that wait */

/* Answers the oldest put: keeps it (again: not fresh), or refuses it. */
void store_does_put(void);
void store_refuses_put(enum outcome_reason reason);
void store_knows_put(void); /* it was delivered before */

/* Answers the oldest read with what lies there; or with an error. */
void store_does_read(void);
void store_fails_read(enum mlt_err err);

/* Answers all removals. */
void store_does_removals(void);

/* Everything, until nothing is left to do. */
void store_does_all(void);

/* Damages what lies in this row; makes one appear that was never acknowledged. */
void store_damages(int64_t row);
void store_expires(int64_t row);
void store_reads_at_most(size_t messages); /* at once; a segment ends there, say */
void store_has(const char *sender, const char *recipient, uint8_t id, const char *body);

size_t store_rows(const char *recipient);

size_t store_notice_reads(void); /* that wait */
/* The oldest read of notices, with as many READ notices as told, from id 1 on. */
void store_does_notices(size_t count, bool end);

#endif
