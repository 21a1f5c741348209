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
 * Which rows of `revocation AS r` a list of the moment ?1 has: r.until_s is signed by nobody, so
 * what was listed stays while its certificate, where that is known, can be used.  Not of what is
 * too old for that to matter, nor of what had ended before it was revoked: rows are never deleted,
 * and each such look-up costs as much as a hundred rows.  The first three parameters of the
 * statement are crl_keep_put_moment's.
 */
#define CRL_KEEP_LISTED                                                                            \
    "(r.until_s > ?1 OR (r.number IS NOT NULL AND r.revoked_s > ?1 - ?2 AND NOT EXISTS("           \
    "SELECT 1 FROM certificate AS e WHERE e.serial = r.serial AND e.not_after_s + ?3 <= ?1)))"

void crl_keep_put_moment(struct query *q, int64_t now_s);

/*
 * Makes the next CRL if there is cause: none yet, one older than LIMIT_CRL_RENEW_S, a number below
 * that of crl_keep_skip_to, or revocations that are in none.  Its leaf comes first, then the
 * signature; list, notices and what they list are recorded together, and ca->events.on_crl hears of
 * it.  MLT_ERR_DAMAGED, and nothing is signed, if it would leave out what the newest one lists and
 * could still be used, or if that one is not the CA's: ledger.db was changed.
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
