/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_PEOPLE_H
#define MALOTE_TESTS_SIM_PEOPLE_H

#include "client/store.h"
#include "line.h"

/* People, their homes (real ones, in a directory of the simulation's), and the processes on them.
 */

#define PEOPLE_MOST    32
#define PEOPLE_STREAMS 64 /* streams of one home */

struct process;

/* All homes lie below `directory`. */
void people_begin(const char *directory, unsigned count);
void people_clear(void);
unsigned people_count(void);
struct name people_name(unsigned i);
unsigned people_index(const struct name *name);
const struct home *people_home(unsigned i);

/* Processes that are logged in. */
size_t people_connected(void);
/* What waits in all outboxes. */
uint64_t people_waiting(void);

/* ---- what happens to them ---- */

void people_say(void);           /* somebody sends a few messages */
void people_begin_process(void); /* one begins, if it does not run */
void people_end_process(bool killed);
void people_pause_process(int64_t us);
bool people_break_line(void);
void people_go_away(int64_t us); /* one of them, with all he runs */
/* Everybody has one process, which receives. */
void people_come_together(void);

/* ---- for line.c ---- */

bool process_reads(const struct process *p);
void process_receive(struct process *p, struct line *line, const struct sim_record *record);
void process_run(struct process *p);
void process_lost(struct process *p);

#endif
