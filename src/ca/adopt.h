/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ADOPT_H
#define MALOTE_CA_ADOPT_H

#include "ca/ca.h"
#include "ca/policy.h"

/*
 * Certificates that this ledger lost (epochs.h) and that come back: from the ledger.db that a
 * restore read, or in the hands of their owners, who renewed after the backup that was put back.
 * The CA's own signature is what speaks for them, as for the root that comes with an imported key.
 * PROTOCOL.md 11.4
 */

/*
 * Enters it anew, within the caller's transaction: its leaf, and the certificate at *position.
 * `cert` is c->der, read.
 */
MUST_CHECK enum mlt_err adopt_enter(struct database *db, const struct certificate *c,
                                    const struct cert *cert, uint64_t *position);

/*
 * Of a RENEW with a certificate whose serial is not in the ledger.  *fate: what came of it;
 * POLICY_ADOPT: it is in the ledger by now.  *name: whose it is, unless POLICY_FOREIGN.  Errors are
 * ours, and what ca_may_issue says; nothing was entered then.
 */
MUST_CHECK enum mlt_err adopt_unknown(struct ca *ca, const struct ipc_renew *request,
                                      enum policy_adoption *fate, struct name *name);

#endif
