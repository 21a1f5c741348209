/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_MAILBOX_KEY_H
#define MALOTE_TESTS_MAILBOX_KEY_H

#include <openssl/types.h>

#include "base/buf.h"

/* The mailbox pair of the vectors (tests/vectors/keys.json), published with them: what is kept by
 * one process of a test opens in the next, and no test waits for a key to be made. */
MUST_CHECK enum mlt_err mailbox_key(EVP_PKEY **key);

/* Its public half, appended. */
MUST_CHECK enum mlt_err mailbox_key_public(struct buf *spki);

#endif
