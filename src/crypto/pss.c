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

/* `params` belongs to the context that it is of. */
static enum mlt_err set_algorithm(EVP_PKEY_CTX *params)
{
    ENSURE(EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(params, algorithms()->sha256) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(params, HASH_LEN) == 1,
           MLT_ERR_CRYPTO);
    return MLT_OK;
}

enum mlt_err pss_sign_context(EVP_PKEY *key, EVP_MD_CTX **ctx)
{
    CLEANUP(pss_context_free) EVP_MD_CTX *fresh = EVP_MD_CTX_new();
    ENSURE(fresh != NULL, MLT_ERR_NOMEM);
    EVP_PKEY_CTX *params = NULL;
    ENSURE(EVP_DigestSignInit(fresh, &params, algorithms()->sha256, NULL, key) == 1,
           MLT_ERR_CRYPTO);
    TRY(set_algorithm(params));
    *ctx = fresh;
    fresh = NULL;
    return MLT_OK;
}

enum mlt_err pss_sign(EVP_PKEY *key, struct span bytes, struct buf *signature)
{
    CLEANUP(pss_context_free) EVP_MD_CTX *ctx = NULL;
    TRY(pss_sign_context(key, &ctx));
    size_t n = (size_t)EVP_PKEY_get_size(key);
    size_t before = signature->len;
    uint8_t *at = NULL;
    TRY(buf_extend(signature, n, &at));
    if (EVP_DigestSign(ctx, at, &n, bytes.p, bytes.n) != 1) {
        buf_cut(signature, before);
        return MLT_ERR_CRYPTO;
    }
    return MLT_OK;
}

enum mlt_err pss_verify(EVP_PKEY *key, struct span bytes, struct span signature)
{
    CLEANUP(pss_context_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ENSURE(ctx != NULL, MLT_ERR_NOMEM);
    EVP_PKEY_CTX *params = NULL;
    ENSURE(EVP_DigestVerifyInit(ctx, &params, algorithms()->sha256, NULL, key) == 1,
           MLT_ERR_CRYPTO);
    TRY(set_algorithm(params));
    ENSURE(EVP_DigestVerify(ctx, signature.p, signature.n, bytes.p, bytes.n) == 1, MLT_ERR_AUTH);
    return MLT_OK;
}
