/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_CHAOS_H
#define MALOTE_TESTS_SIM_CHAOS_H

#include <stdbool.h>
#include <stdint.h>

/* How this world is; drawn from the seed.  Rates are "once in so many", 0: never; times are means,
 * in microseconds. */
struct chaos {
    unsigned people;
    int64_t burst_every;   /* somebody has something to say */
    unsigned burst_most;   /* messages */
    uint64_t big_body;     /* a message of thousands of bytes */
    bool crowd;            /* most of them for one and the same */
    int64_t break_every;   /* a line ends somehow */
    int64_t process_every; /* a process begins, ends or is killed */
    int64_t pause_every;   /* a process stops reading for a while */
    int64_t pause;         /* for so long */
    int64_t crash_every;   /* the server */
    int64_t disk_every;    /* its disk fails */
    int64_t damage_every;
    int64_t away_every, away; /* somebody is not there at all, for so long */
    int64_t ca_every;         /* the ca's process ends, after it could work for a while */
    uint64_t commit_fails, put_is_busy, grant_is_void, died_while_saying, read_aloud, dropped;
    uint64_t quota; /* messages of a mailbox */
    int64_t ttl_ms;
    int64_t delay; /* of a record */
};

extern struct chaos chaos;

void chaos_draw(void);
/* As rare as it is over a week. */
void chaos_draw_fleet(unsigned people);
void chaos_begin(void);
/* From now on nothing goes wrong. */
void chaos_end(void);

struct chaos_figures {
    uint64_t breaks, crashes, stops, kills, ends, pauses, disks, aways;
};
struct chaos_figures chaos_figures(void);

#endif
