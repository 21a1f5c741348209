/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_CRYPTO_H
#define MALOTE_CRYPTO_CRYPTO_H

#include <openssl/types.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Fetches every algorithm once, before the first use and before any sandbox or thread: implicit
 * fetches take locks and may read files.  May be called again; does nothing then.  No
 * configuration file of libcrypto is read.  MLT_ERR_CRYPTO.
 */
MUST_CHECK enum mlt_err crypto_start(void);

/* A library context without a single algorithm in it; NULL, the default one, before the start. */
OSSL_LIB_CTX *crypto_nothing(void);

#endif
