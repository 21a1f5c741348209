/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_SHOW_H
#define MALOTE_CMD_SHOW_H

#include <malote/client.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * What goes to stdout, each in one write, so that a reader has it when the function returns.
 * Text from others is made safe for a terminal (S11).  MLT_ERR_SYSTEM with errno when it could
 * not be written.
 */

/* "maria  14:03  text", or the JSON line of `listen --json`. */
MUST_CHECK enum mlt_err show_message(const struct mlt_event *message, bool json);

/* The JSON line of `send --json`; `reason` only when it did not arrive (else NULL). */
MUST_CHECK enum mlt_err show_sent(const struct mlt_event *outcome, const char *reason);

/* A line of ours. */
MUST_CHECK enum mlt_err show_line(const char *format, ...) PRINTF_LIKE(1, 2);

/* Steals the reference to `object` (a json_t *). */
MUST_CHECK enum mlt_err show_json(void *object);

#endif
