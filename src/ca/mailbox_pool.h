/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_MAILBOX_POOL_H
#define MALOTE_CA_MAILBOX_POOL_H

#include <stdbool.h>

#include <openssl/types.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Mailbox pairs made ahead: RSA-2048 takes 0.2 s, which no enrolment waits for.  One thread of
 * low priority makes them and proves each by wrapping and unwrapping a random value; it sleeps
 * while `target` pairs are ready.  On a busy machine it may starve: once somebody waits for a
 * pair and none is ready, another thread makes one at the process's own priority.
 */

struct mailbox_pool;

/* Wraps a random value and unwraps it: 1 ms, where a full check of the key takes 36. */
MUST_CHECK enum mlt_err mailbox_pool_prove(EVP_PKEY *key);

MUST_CHECK enum mlt_err mailbox_pool_start(unsigned target, struct mailbox_pool **pool);

/* Waits for the pairs being made (0.2 s). */
void mailbox_pool_stop(struct mailbox_pool **pool);

/* An eventfd, readable once a pair was added; read it (8 bytes) before taking. */
int mailbox_pool_fd(const struct mailbox_pool *pool);

/* One pair, owned by the caller; false when none is ready. */
bool mailbox_pool_take(struct mailbox_pool *pool, EVP_PKEY **key);
/* Somebody waits for a pair; where none is ready, one is made at once. */
void mailbox_pool_hurry(struct mailbox_pool *pool);

/* A pair that could not be saved goes back, without waking anybody. */
void mailbox_pool_give_back(struct mailbox_pool *pool, EVP_PKEY **key);

#endif
