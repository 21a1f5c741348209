/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_REISSUE_H
#define MALOTE_CA_REISSUE_H

#include "ca/ca.h"
#include "ca/invite.h"

/*
 * A name whose key was lost: the old key is revoked at once and for good, unused invites for the
 * name are void, and a fresh one bound to it is made, all in one transaction.  MLT_ERR_MISSING
 * if the name was never given.  The next CRL is made then; that it could not be is logged, and
 * what crl_keep_tend says when it is asked once more: the invite stands all the same.
 */
MUST_CHECK enum mlt_err reissue(struct ca *ca, const struct name *name, int64_t expires_s,
                                struct invite *invite);

#endif
