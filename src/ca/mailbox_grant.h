/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_MAILBOX_GRANT_H
#define MALOTE_CA_MAILBOX_GRANT_H

#include "ca/ca.h"
#include "wire/mailbox.h"

/*
 * Who may have his stored mail opened: somebody who logged in to receive just now, by his own
 * signature over a nonce of ours, and not because net says so.  PROTOCOL.md 9.4.  Nothing is kept
 * here: nonces and grants carry our MAC, under a key that ends with the process.
 */

/* `count` nonces, one after the other, appended. */
MUST_CHECK enum mlt_err mailbox_grant_nonces(struct ca *ca, size_t count, struct buf *nonces);

/*
 * Judges a login.  MLT_OK: *grant is good for LIMIT_GRANT_S.  MLT_ERR_AUTH: a nonce that is not
 * ours (or of an earlier process), or another's signature, MLT_ERR_TIMEOUT: issued too long ago,
 * MLT_ERR_UNEXPECTED: a login that gets no mail, or without a nonce, MLT_ERR_CERT_REVOKED: by
 * certificate or key, or the name has another key by now, MLT_ERR_MISSING: a certificate that the
 * ledger does not know, for a key that is not the name's; else what is wrong with the bytes or the
 * certificate.
 */
MUST_CHECK enum mlt_err mailbox_grant_judge(struct ca *ca, const struct ipc_login_proof *proof,
                                            struct ipc_login_grant *grant);

/*
 * MLT_OK if this grant was given to the owner of `name`, who still has the same key, and has not
 * expired; else MLT_ERR_STATE.  Other errors are ours.
 */
MUST_CHECK enum mlt_err mailbox_grant_check(struct ca *ca, const struct name *name,
                                            const uint8_t grant[static MAILBOX_GRANT]);

#endif
