/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pss.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/algorithms.h"
#include "crypto/hash.h"

void pss_context_free(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
    *ctx = NULL;
}

enum mlt_err pss_sign_context(EVP_PKEY *key, EVP_MD_CTX **ctx)
{
    CLEANUP(pss_context_free) EVP_MD_CTX *fresh = EVP_MD_CTX_new();
    ENSURE(fresh != NULL, MLT_ERR_NOMEM);
    const EVP_MD *sha256 = algorithms()->sha256;
    EVP_PKEY_CTX *params = NULL; /* belongs to fresh */
    ENSURE(EVP_DigestSignInit(fresh, &params, sha256, NULL, key) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(params, sha256) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(params, HASH_LEN) == 1,
           MLT_ERR_CRYPTO);
    *ctx = fresh;
    fresh = NULL;
    return MLT_OK;
}
