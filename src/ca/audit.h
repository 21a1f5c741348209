/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_AUDIT_H
#define MALOTE_CA_AUDIT_H

#include "ca/ca.h"

/*
 * The CA's self-check, on an opened struct ca: reads everything, changes nothing.
 *
 * Every leaf's bytes fit its hash, every node is what its leaves make it, and the root is the one
 * of the newest signed head; every certificate is the one that its leaf speaks of, and the newest
 * CRL too, to its times; no later CRLs were taken away; members, closed keys, windows of renewal
 * and revocations agree with each other, with those certificates and with that CRL; the epoch is
 * the head's; the keystore is what ledger.db says; the CA is not stopped and its clock can be
 * believed.
 */

/* Of one kind no more are shown, but counted. */
#define AUDIT_SHOWN 100

/* Texts are one line, borrowed for the call.  An error ends the audit and is returned. */
struct audit_sink {
    enum mlt_err (*on_count)(void *ctx, uint64_t count, struct span what);
    enum mlt_err (*on_finding)(void *ctx, struct span text);
    void *ctx;
};

/* What is wrong with the ledger is a finding; an error is of the reading itself. */
MUST_CHECK enum mlt_err audit_run(struct ca *ca, const struct audit_sink *sink);

#endif
