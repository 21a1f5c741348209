/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_MAILBOX_OPEN_H
#define MALOTE_CA_MAILBOX_OPEN_H

#include "ca/ca.h"

/* What net may have of a mailbox pair: the public half, and secrets unwrapped with the private one
 * for who has a grant.  The private half stays here. */

/*
 * The public half (SPKI DER), appended.  MLT_ERR_MISSING: no such member, or the pair is still to
 * be made (of an erased one not before net has confirmed that, see erased.h).
 */
MUST_CHECK enum mlt_err mailbox_open_public(struct ca *ca, const struct name *name,
                                            struct buf *spki);

/*
 * Opens a segment's secret.  MLT_ERR_STATE: no good grant (mailbox_grant_check).  MLT_ERR_MISSING,
 * MLT_ERR_AUTH: it was wrapped for another pair, as after an erasure, or for another name or
 * segment, and will never open.  Other errors are ours, and pass.
 */
MUST_CHECK enum mlt_err mailbox_open_segment(struct ca *ca, const struct ipc_unwrap *wanted,
                                             struct secret *secret);

#endif
