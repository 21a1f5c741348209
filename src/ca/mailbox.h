/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_MAILBOX_H
#define MALOTE_CA_MAILBOX_H

#include "ca/ca.h"
#include "ca/mailbox_pool.h"

/*
 * The mailbox pair of a member: seals that member's stored mail at rest.  Its private half is
 * in the keystore and nowhere else.  It is never an identity.
 */

/*
 * Gives the member who has waited longest a pair from the pool.  *saved is false where nobody
 * waits or no pair is ready.
 */
MUST_CHECK enum mlt_err mailbox_fill(struct ca *ca, struct mailbox_pool *pool, bool *saved);

/* Net asked for the pair of somebody who has none: a message waits for it, 10 s at the most. */
MUST_CHECK enum mlt_err mailbox_hurry(struct ca *ca, struct mailbox_pool *pool);

/*
 * Loads a member's private key, owned by the caller.  Its primes are not proven anew, which for ten
 * thousand members who come back at once would take six minutes: the pair was proven when it was
 * made, the keystore's line vouches for every byte of it, and one wrap and unwrap shows that it
 * works.  MLT_ERR_MISSING while the member waits for one; MLT_ERR_DAMAGED.
 */
MUST_CHECK enum mlt_err mailbox_load(struct ca *ca, const struct name *name, EVP_PKEY **key);

#endif
