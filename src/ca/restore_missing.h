/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_RESTORE_MISSING_H
#define MALOTE_CA_RESTORE_MISSING_H

#include "ca/restore.h"

/* What the witnesses of a restore know that the restored ledger.db does not. */

/* Revocations, each once. */
struct revocation_visit {
    enum mlt_err (*on_entry)(void *ctx, const struct crl_entry *entry);
    void *ctx;
};

MUST_CHECK enum mlt_err restore_missing_revocations(struct restore *r,
                                                    const struct revocation_visit *visit);

/* Clients' certificates, in the order of their issue; the old ledger.db alone tells. */
MUST_CHECK enum mlt_err restore_missing_certificates(struct restore *r,
                                                     const struct certificate_visit *visit);

/*
 * Names that the old ledger.db, which there is, has closed: but for one that was given since to a
 * key which that one never heard of.  Within the caller's transaction.
 */
MUST_CHECK enum mlt_err restore_carry_closed(struct restore *r);

#endif
