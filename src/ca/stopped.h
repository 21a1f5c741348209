/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_STOPPED_H
#define MALOTE_CA_STOPPED_H

#include "db/database.h"
#include "wire/ledger_head.h"

/*
 * The stop: somebody showed a head that this CA signed and that its own ledger does not reach.  An
 * old ledger was put back; whatever it signed now would contradict what others hold.  So nothing is
 * signed any more, across restarts, until 'malote-ca restore' puts a newer ledger in its place, or
 * opens a new epoch (--accept-loss).
 */

struct ca;

/* Part of struct ca. */
struct stopped {
    struct buf head; /* the one that is ahead; empty: not stopped */
    int64_t said_ms; /* monotonic: when the log said so last */
};

void stopped_clear(struct stopped *s);

/* At ca_unlock. */
MUST_CHECK enum mlt_err stopped_load(struct ca *ca);

/*
 * A head that net was shown (HEAD_SHOWN).  Ahead is one with our signature of a later epoch, of a
 * larger size, or with another root than our ledger has at its size, or of our epoch and with
 * another base: stops, durably, and says so. MLT_ERR_LEDGER for one that we never signed: net would
 * not pass it on, were it honest.
 */
MUST_CHECK enum mlt_err stopped_on_head(struct ca *ca, struct span head);

/* The epoch of the head that is ahead, 0 for none; and the end of the stop, within the caller's
 * transaction: for ledger_open_epoch. */
MUST_CHECK enum mlt_err stopped_epoch(struct database *db, uint64_t *epoch);
MUST_CHECK enum mlt_err stopped_lift(struct database *db);

/* That head, appended; nothing where there is none.  For whoever compares two authorities. */
MUST_CHECK enum mlt_err stopped_kept(struct database *db, struct buf *bytes);

bool stopped_is(const struct ca *ca);

/* One line for people: what was seen, what is here, what to do. */
MUST_CHECK enum mlt_err stopped_explain(struct ca *ca, struct buf *why);

/* Once an hour in the log; for the loop: when again, -1 for never. */
int stopped_timeout(const struct ca *ca);
void stopped_tick(struct ca *ca);

#endif
