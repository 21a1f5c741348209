/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_SHOW_H
#define MALOTE_CMD_SHOW_H

#include <malote/client.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * What goes to stdout, each in one write, so that a reader has it when the function returns.
 * Text from others is made safe for a terminal (S11).  MLT_ERR_SYSTEM with errno when it could
 * not be written.
 */

/* "maria  14:03  text", or the JSON line of `listen --json`; before it, what is missing. */
MUST_CHECK enum mlt_err show_message(const struct mlt_event *message, bool json);

/* A line of `history`; `own` is the name of this identity. */
MUST_CHECK enum mlt_err show_past(const struct mlt_message *message, const char *own, bool json);

/* A line of `outbox list`. */
MUST_CHECK enum mlt_err show_waiting(const struct mlt_message *message, bool json);

/* The JSON line of `send --json`; `reason` is NULL where there is none. */
MUST_CHECK enum mlt_err show_sent(const char *to, const uint8_t *id, const char *state,
                                  const char *reason);

/* As much of a text as a line has room for, made safe. */
MUST_CHECK enum mlt_err show_first_words(struct span body, struct buf *line);

/* What JSON calls what became of a message of ours. */
const char *show_state(enum mlt_outcome outcome);

/* Room for any time that show_clock writes. */
#define SHOW_CLOCK 32

/* The local time of day, with the date before it unless that is today's. */
void show_clock(int64_t wall_ms, char out[static SHOW_CLOCK]);

/* A line of ours. */
MUST_CHECK enum mlt_err show_line(const char *format, ...) PRINTF_LIKE(1, 2);

/* Steals the reference to `object` (a json_t *). */
MUST_CHECK enum mlt_err show_json(void *object);

#endif
