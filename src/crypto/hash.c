/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <openssl/evp.h>

#include "crypto/algorithms.h"

enum mlt_err hash_sha256(struct span s, uint8_t out[static HASH_LEN])
{
    ENSURE(EVP_Digest(s.p, s.n, out, NULL, algorithms()->sha256, NULL) == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

static void free_mac(EVP_MAC_CTX **ctx)
{
    EVP_MAC_CTX_free(*ctx);
}

enum mlt_err hash_hmac(struct span key, const struct span *parts, size_t count,
                       uint8_t out[static HASH_LEN])
{
    CLEANUP(free_mac) EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(algorithms()->hmac);
    ENSURE(ctx != NULL, MLT_ERR_NOMEM);
    /* To libcrypto a NULL key is none at all; an empty one (HKDF without a salt) is a key. */
    const uint8_t *bytes = key.n > 0 ? key.p : (const uint8_t *)"";
    ENSURE(EVP_MAC_init(ctx, bytes, key.n, NULL) == 1, MLT_ERR_CRYPTO);
    for (size_t i = 0; i < count; i++)
        ENSURE(EVP_MAC_update(ctx, parts[i].p, parts[i].n) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_MAC_final(ctx, out, NULL, HASH_LEN) == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

enum mlt_err hash_run_init(struct hash_run *h)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ENSURE(ctx != NULL, MLT_ERR_NOMEM);
    if (EVP_DigestInit_ex2(ctx, algorithms()->sha256, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return MLT_ERR_CRYPTO;
    }
    hash_run_clear(h);
    h->ctx = ctx;
    return MLT_OK;
}

enum mlt_err hash_run_add(struct hash_run *h, struct span s)
{
    ENSURE(EVP_DigestUpdate(h->ctx, s.p, s.n) == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

static void free_digest(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

enum mlt_err hash_run_peek(const struct hash_run *h, uint8_t out[static HASH_LEN])
{
    CLEANUP(free_digest) EVP_MD_CTX *copy = EVP_MD_CTX_new();
    ENSURE(copy != NULL, MLT_ERR_NOMEM);
    ENSURE(EVP_MD_CTX_copy_ex(copy, h->ctx) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_DigestFinal_ex(copy, out, NULL) == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

void hash_run_clear(struct hash_run *h)
{
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}
