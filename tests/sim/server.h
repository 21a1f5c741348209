/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_SERVER_H
#define MALOTE_TESTS_SIM_SERVER_H

#include "line.h"

/* maloted's net process: the router, its lines, its mailboxes. */

void server_begin(void);
/* Killed: all in memory is gone. */
void server_crash(void);
/* Asked to stop: what is only in memory goes to the mailboxes first. */
void server_stop(void);
void server_clear(void);
bool server_is_up(void);

void server_receive(struct line *line, const struct sim_record *record);
/* The line is gone. */
void server_lost(struct line *line);
/* Too much waits for it. */
void server_drop_slow(struct line *line);

/* After each thing that happened: the bounds hold. */
void server_check(void);

/* Nobody but who is connected has a session, and nothing is under way. */
bool server_is_quiet(void);

#endif
