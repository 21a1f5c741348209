/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_MAILBOX_H
#define MALOTE_CA_MAILBOX_H

#include "base/limits.h"
#include "ca/ca.h"
#include "ca/mailbox_pool.h"

/*
 * The mailbox pair of a member: seals that member's stored mail at rest.  Its private half is
 * in the keystore and nowhere else.  It is never an identity.
 */

/*
 * Whose pair net asked for and did not get: a message waits for it, LIMIT_MAILBOX_KEY_MS at the
 * most.  In the order of asking; net asks again for whom there was no room.
 */
struct mailbox_queue {
    struct name names[LIMIT_MAILBOX_QUEUE];
    size_t count;
};

void mailbox_queue_add(struct mailbox_queue *queue, const struct name *name);

/*
 * Gives a pair from the pool to the first of the queue, who leaves it, or to the member who has
 * waited longest.  *saved is false where nobody waits or no pair is ready; the pool hurries while
 * somebody is in the queue.  On errors they wait as before.
 */
MUST_CHECK enum mlt_err mailbox_fill(struct ca *ca, struct mailbox_pool *pool,
                                     struct mailbox_queue *queue, bool *saved);

/*
 * Loads a member's private key, owned by the caller.  Its primes are not proven anew, which for ten
 * thousand members who come back at once would take six minutes: the pair was proven when it was
 * made, the keystore's line vouches for every byte of it, and one wrap and unwrap shows that it
 * works.  MLT_ERR_MISSING while the member waits for one; MLT_ERR_DAMAGED.
 */
MUST_CHECK enum mlt_err mailbox_load(struct ca *ca, const struct name *name, EVP_PKEY **key);

#endif
