/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_CRL_KEEP_H
#define MALOTE_CA_CRL_KEEP_H

#include "ca/ca.h"
#include "pki/crl.h"

/*
 * The life of the revocation list.  The newest one and the signed notices of the last
 * LIMIT_REVOCATIONS_KEPT numbers are in ledger.db.  A number is used once and never goes back.
 */

/* Of the newest CRL; `number` 0 while there is none. */
struct crl_facts {
    uint64_t number;
    int64_t this_update_s, next_update_s;
    uint64_t entries;
};

MUST_CHECK enum mlt_err crl_keep_facts(struct database *db, struct crl_facts *facts);

/* Appended; MLT_ERR_MISSING while there is none. */
MUST_CHECK enum mlt_err crl_keep_der(struct database *db, uint64_t *number, struct buf *der);

/*
 * Makes the next CRL if there is cause: none yet, one older than LIMIT_CRL_RENEW_S, a number below
 * that of crl_keep_skip_to, or revocations that are in none.  Its leaf comes first, then the
 * signature; list, notices and what they list are recorded together, and ca->events.on_crl hears of
 * it.
 */
MUST_CHECK enum mlt_err crl_keep_tend(struct ca *ca);

/* For the loop: how long until the CRL is to be looked after, and that.  A failure is logged, once
 * an hour while it lasts. */
int crl_keep_timeout(const struct ca *ca);
void crl_keep_tick(struct ca *ca);

/* The next CRL has at least this number: what restore knows others have seen.  The notices until
 * now are dropped, for they no longer join.  Within the caller's transaction. */
MUST_CHECK enum mlt_err crl_keep_skip_to(struct database *db, uint64_t number);

/* Whoever is behind gets the whole list from now on.  Within the caller's transaction. */
MUST_CHECK enum mlt_err crl_keep_drop_notices(struct database *db);

/* REVOKED records (wire/revocation.h), of numbers above `after`, rising. */
struct notice_visit {
    enum mlt_err (*on_notice)(void *ctx, uint64_t number, struct span record);
    void *ctx;
};

MUST_CHECK enum mlt_err crl_keep_notices(struct database *db, uint64_t after,
                                         const struct notice_visit *visit);

#endif
