/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_CLOCK_H
#define MALOTE_CA_CLOCK_H

#include "base/buf.h"
#include "db/database.h"

/*
 * Whether the ca's clock can be believed.  The floor is the newest time the CA ever signed, kept in
 * ledger.db: a clock behind it was wrong then or is wrong now.  And a clock that jumps against the
 * monotonic one while we run is believed no more until the next start.
 */

struct ca;

/* Part of struct ca. */
struct clock {
    int64_t started_wall_ms, started_mono_ms;
    int64_t looked_ms; /* monotonic: for the last time */
    int64_t said_ms;   /* when the log said that it is wrong */
    bool jumped, said;
};

/*
 * At ca_unlock.  Behind the floor by up to LIMIT_CLOCK_SLACK_S: a warning with both times; beyond:
 * MLT_ERR_CLOCK, *why says both.  `accept`: the clock is right now and was wrong then: the floor
 * becomes now, and that is said.
 */
MUST_CHECK enum mlt_err clock_start(struct ca *ca, bool accept, struct buf *why);

/* MLT_ERR_CLOCK while the clock cannot be believed; said in the log, once an hour. */
MUST_CHECK enum mlt_err clock_check(struct ca *ca);

/* For the loop: how long until the clock is to be looked at, and that, so that a jump is said
 * before it matters. */
int clock_timeout(const struct ca *ca);
void clock_tick(struct ca *ca);

/* Never lowers it; within the caller's transaction. */
MUST_CHECK enum mlt_err clock_raise_floor(struct database *db, int64_t signed_s);

/*
 * The earliest that it can be now: the clock's time, or the newest that was signed if that is
 * earlier.  What was over by then is over, though the clock may have jumped ahead.
 */
MUST_CHECK enum mlt_err clock_earliest(struct ca *ca, int64_t *now_s);

/* 0 while nothing was signed. */
MUST_CHECK enum mlt_err clock_floor(struct database *db, int64_t *floor_s);

#endif
