/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_SIM_H
#define MALOTE_TESTS_SIM_SIM_H

#include <string.h>

#include "agenda.h"
#include "base/env.h"
#include "wire/envelope.h"

/*
 * The relay's decisions (relay/router) and the clients' (client/courier over client/store) against
 * each other, on a virtual clock, among links that fail, processes that die and disks that refuse.
 *
 *   agenda    time and dice
 *   mail      a model of the relay's store: what is on disk, and what is not yet
 *   line      a connection: records on their way, lost with it or arriving late
 *   server    the relay around the router
 *   people    homes, and the processes of the malote command on them
 *   chaos     what goes wrong, and when
 *   judge     what was promised, and whether it was kept
 *   fleet     with --fleet: a real CA, and certificates that are renewed all the time
 */

/* Bugs of the parts around the product: each has to be found out.  --plant NAME */
enum plant {
    PLANT_NOTHING = 0,
    PLANT_ACKNOWLEDGE_BEFORE_FSYNC, /* the store answers a put when it is given */
    PLANT_DELETE_BEFORE_RECEIPT,    /* what was read from a mailbox is removed at once */
    PLANT_CONFIRM_BEFORE_STORING,   /* a client says RECEIPT when DELIVER comes in */
    PLANT_NO_MEMORY_OF_IDS,         /* a client keeps what it holds already once more */
    PLANT_NO_GOING_BACK,            /* after a passing refusal later messages go through */
    PLANT_LIVE_BEFORE_DRAINED,      /* a mailbox is said to be at its end when it is not */
    PLANT_FORGET_PUTS_OF_THE_GONE,  /* what a session leaves behind is not put, but answered */
    /* Of the fleet. */
    PLANT_RENEW_AT_THE_END,           /* and not from a third of the life on */
    PLANT_NO_RETRY_AFTER_BUSY,        /* a client that was refused busy waits for ever */
    PLANT_END_NOT_EXTENDED,           /* the server answers, and keeps the old end */
    PLANT_SECOND_PROCESS_NOT_RENEWED, /* who finds a newer certificate in his home asks nobody */
    PLANT_GRACE_ENDS_EARLY,           /* by a second */
    PLANT_GRACE_ENDS_LATE,
    PLANT_COUNT
};
extern const char *const plant_names[PLANT_COUNT];

struct sim {
    uint64_t seed;
    uint64_t size; /* events, before it is healed */
    enum plant plant;
    bool healed;     /* nothing goes wrong any more */
    bool fleet;      /* with certificates that end */
    int64_t lasts;   /* a world of the fleet: microseconds, before it is healed */
    unsigned people; /* of the fleet */
    struct agenda agenda;
    struct dice dice; /* of what happens */
    struct dice dust; /* of ids and seeds */
    struct env env;
    uint64_t events;
    bool loud;
    int watched[2]; /* sender and recipient whose stream is told of, when loud; -1: none */
};

extern struct sim sim;

#define MS      INT64_C(1000)
#define SECONDS INT64_C(1000000)

int64_t sim_now_ms(void);       /* the wall clock */
bool sim_has(enum plant plant); /* as long as things go wrong */

/* Ends the program with the seed that shows it again. */
#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            sim_fail(__FILE__, __LINE__, #cond);                                                   \
    } while (0)
#define must_ok(expr)                                                                              \
    do {                                                                                           \
        enum mlt_err err_ = (expr);                                                                \
        if (err_ != MLT_OK)                                                                        \
            sim_fail(__FILE__, __LINE__, err_name(err_));                                          \
    } while (0)
NORETURN void sim_fail(const char *file, int line, const char *what);
void sim_say(const char *format, ...) PRINTF_LIKE(1, 2); /* with --loud */
/* With --watch SENDER RECIPIENT (p01 is 1): what happens to their messages. */
void sim_watch(uint64_t index, const char *what, const void *where);

#endif
