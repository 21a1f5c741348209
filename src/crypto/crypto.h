/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_CRYPTO_H
#define MALOTE_CRYPTO_CRYPTO_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Fetches every algorithm once, before the first use and before any sandbox or thread: implicit
 * fetches take locks and may read files.  May be called again; does nothing then.  No
 * configuration file of libcrypto is read.  MLT_ERR_CRYPTO.
 */
MUST_CHECK enum mlt_err crypto_start(void);

/*
 * For a library: what is wrong is said by enum mlt_err, and the calling thread's queue of libcrypto
 * errors is its host's.  CRYPTO_KEEP_ERRORS() as a statement: whatever the rest of the block puts
 * there is gone after it.  (The queue holds sixteen; the host's may have been pushed out.)
 */
#define CRYPTO_KEEP_ERRORS()                                                                       \
    CLEANUP(crypto_drop_errors)                                                                    \
    __attribute__((unused)) bool crypto_kept_ = crypto_keep_errors()
bool crypto_keep_errors(void);
void crypto_drop_errors(const bool *kept);

/* A library context without a single algorithm in it; NULL, the default one, before the start. */
OSSL_LIB_CTX *crypto_nothing(void);

#endif
