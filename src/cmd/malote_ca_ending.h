/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_ENDING_H
#define MALOTE_CMD_MALOTE_CA_ENDING_H

#include <signal.h>
#include <stdbool.h>

/*
 * The signals that end a program (Ctrl-C and its like), kept waiting while something is there that
 * must not be left behind.  One that whoever started us had us ignore (nohup) stays ignored.
 */

/* Until ending_let_in, with what this writes. */
void ending_hold(sigset_t *before);

/* One waits: clear away. */
bool ending_waits(void);

/* The signal, if one waits, ends the program here. */
void ending_let_in(const sigset_t *before);

#endif
