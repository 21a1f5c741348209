/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_MAILBOX_ERASE_H
#define MALOTE_CA_MAILBOX_ERASE_H

#include "ca/ca.h"

/*
 * Destroys a member's mailbox pair, and with it all mail that is stored for him; he gets a new pair
 * once net knows (erased.h).  Writes the keystore anew, which takes a second for 100,000 members.
 * A crash leaves it done or not done.  MLT_ERR_MISSING: no such member.  MLT_OK too where there is
 * no pair.
 */
MUST_CHECK enum mlt_err mailbox_erase(struct ca *ca, const struct name *name);

#endif
