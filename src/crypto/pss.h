/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_PSS_H
#define MALOTE_CRYPTO_PSS_H

#include <openssl/types.h>

#include "base/buf.h"

/* The one signature algorithm of malote, RSA-PSS with SHA-256, as libcrypto's X.509 code takes it.
 */

/*
 * A context that signs with `key` (which must outlive it): for X509_sign_ctx and its siblings,
 * which write the matching AlgorithmIdentifier themselves.  Owned by the caller
 * (pss_context_free).  MLT_ERR_CRYPTO.
 */
MUST_CHECK enum mlt_err pss_sign_context(EVP_PKEY *key, EVP_MD_CTX **ctx);
void pss_context_free(EVP_MD_CTX **ctx);

/* The same over bytes, for what libcrypto has no calls for; appends the signature. */
MUST_CHECK enum mlt_err pss_sign(EVP_PKEY *key, struct span bytes, struct buf *signature);
/* MLT_ERR_AUTH. */
MUST_CHECK enum mlt_err pss_verify(EVP_PKEY *key, struct span bytes, struct span signature);

#endif
