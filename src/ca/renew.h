/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_RENEW_H
#define MALOTE_CA_RENEW_H

#include "ca/ca.h"

/*
 * A certificate in the place of one that grows old: same name, same key, proven by a signature of
 * that key over the serial.  The rules are policy_renew's; PROTOCOL.md 11.5.
 */

/*
 * Answers a RENEW; `certificate` holds what answer->certificate borrows.  A refusal is an answer,
 * not an error; errors are ours (disk, memory) and nothing was given out then.  Whoever asks
 * again over the same serial gets the same certificate.  With a certificate in the request: one
 * that net does not know to be in the ledger; it is entered if it may be (adopt.h), and is itself
 * the answer while it is not due.
 */
MUST_CHECK enum mlt_err renew_client(struct ca *ca, const struct ipc_renew *request,
                                     struct ipc_enrolled *answer, struct buf *certificate);

/*
 * The administrator's leave: for LIMIT_RENEW_WINDOW_S from now the name's newest certificate may
 * be renewed, however long ago it expired.  MLT_ERR_MISSING: no such name; MLT_ERR_CERT_REVOKED:
 * its key is closed, MLT_ERR_REFUSED: perhaps it was (epochs_hide); only reissue helps.
 */
MUST_CHECK enum mlt_err renew_allow(struct ca *ca, const struct name *name);

#endif
