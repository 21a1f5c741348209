/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_FATE_H
#define MALOTE_CMD_FATE_H

#include "cmd/host.h"

/* What became of a message of ours, in words.  Texts are static. */

/* It did not reach its recipient, and will not. */
bool fate_is_failure(enum mlt_outcome outcome);

/* Why it did not, or not yet; NULL where there is nothing to say. */
const char *fate_why(enum mlt_outcome outcome, enum mlt_why why);

/* Why the message of an OUTCOME event with MLT_OUTCOME_WAITING has to be sent again. */
const char *fate_waiting(const struct mlt_event *event);

/* Says that this command's message did not arrive, and why; gives the reason alone, or NULL. */
const char *fate_say(const struct host *host, const char *to, enum mlt_outcome outcome,
                     enum mlt_why why);

/* The same of one message among several: which one it was is said too. */
void fate_ended(const struct host *host, const uint8_t *message);

/* The same of a message of an earlier command, if the event says so; else nothing.  The event says
 * it to every process of the home. */
void fate_earlier(const struct host *host, const struct mlt_event *event);

#endif
