/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_SEEN_H
#define MALOTE_CA_SEEN_H

#include "ca/ca.h"

/*
 * Who logged in, and when, to the minute: for people who look at a list, never for a decision.
 * Net reports it (SEEN), and a net that was taken over may say what it likes of members; of
 * nobody else is anything kept.
 */

/* A batch, in one transaction.  One that comes much sooner than LIMIT_SEEN_MS after the last is
 * left out: a net that reports more often gains nothing. */
MUST_CHECK enum mlt_err seen_take(struct ca *ca, const struct ipc_seen *seen);

#endif
