/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_HEAD_H
#define MALOTE_CA_HEAD_H

#include "base/buf.h"
#include "db/database.h"
#include "wire/ledger_head.h"

/*
 * Signed heads of the ledger (PROTOCOL.md 10): over committed leaves only, at most one in
 * LIMIT_HEAD_MS, durable in ledger.db before anybody hears of it (on_head of struct ca_events).
 */

struct ca;

/* Part of struct ca. */
struct head {
    struct buf bytes; /* the newest, signed; empty before ca_unlock */
    uint64_t epoch, size;
    int64_t signed_ms; /* monotonic */
    int64_t retry_ms;  /* monotonic: not before, after a failure */
};

void head_clear(struct head *h);

/* The first epoch and head, in the transaction of the CA's birth; `whole`: it signed nothing before
 * that. */
MUST_CHECK enum mlt_err head_first(struct ca *ca, bool whole);

/*
 * At ca_unlock, with the CA's certificate: the newest head must be the CA's own and the ledger must
 * hold exactly what it says, in leaves and nodes that fit each other: MLT_ERR_LEDGER where it was
 * rewritten, cut or damaged, or its epoch is not there, *why says which.  A ledger that never had
 * one gets its first epoch and head, a new epoch its own.
 */
MUST_CHECK enum mlt_err head_load(struct ca *ca, struct buf *why);

/* Whether the newest epoch of the file is the head's, or a later one that has no head yet. */
MUST_CHECK enum mlt_err head_follows(struct database *db, const struct ledger_head *head,
                                     bool *follows);

/* Signs one now if the ledger has grown: at synchronisation and at the end.  What ca_may_issue
 * says. */
MUST_CHECK enum mlt_err head_sign(struct ca *ca);

/* The same where an older one is true as well; a failure is logged. */
void head_catch_up(struct ca *ca);

/* For the loop: how long until head_tick has something to do, -1 for nothing; and that.  A failure
 * is logged. */
int head_timeout(struct ca *ca);
void head_tick(struct ca *ca);

/* The newest, for whoever asks; borrowed until the next one is signed. */
struct span head_newest(const struct ca *ca);

#endif
