/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "crypto/algorithms.h"

/* Filled once by crypto_start, before any thread; read-only afterwards. */
static struct algorithms fetched;
static OSSL_LIB_CTX *nothing;

const struct algorithms *algorithms(void)
{
    return &fetched;
}

OSSL_LIB_CTX *crypto_nothing(void)
{
    return nothing;
}

/* A context that was given no provider would load the default one at its first use. */
static enum mlt_err start_nothing(void)
{
    OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();
    ENSURE(made != NULL, MLT_ERR_NOMEM);
    if (OSSL_PROVIDER_load(made, "null") == NULL) {
        OSSL_LIB_CTX_free(made);
        return MLT_ERR_CRYPTO;
    }
    nothing = made;
    return MLT_OK;
}

static EVP_MAC_CTX *make_hmac(void)
{
    static const uint8_t zeros[32];
    char digest[] = "SHA2-256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *made = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac); /* the context has its own reference */
    if (made != NULL && EVP_MAC_init(made, zeros, sizeof(zeros), params) == 1)
        return made;
    EVP_MAC_CTX_free(made);
    return NULL;
}

enum mlt_err crypto_start(void)
{
    if (fetched.scrypt != NULL)
        return MLT_OK;
    ENSURE(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1, MLT_ERR_CRYPTO);
    /* Without memory it can succeed and have no default context, which the fetches would follow. */
    ENSURE(OSSL_LIB_CTX_get0_global_default() != NULL, MLT_ERR_NOMEM);
    struct algorithms got = {
        .sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL),
        .aes_256_ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL),
        .hmac = make_hmac(),
        .hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL),
        .scrypt = EVP_KDF_fetch(NULL, "SCRYPT", NULL),
    };
    /* Nothing is released on failure: the process cannot go on without any one of them. */
    ENSURE(got.sha256 != NULL && got.aes_256_ctr != NULL && got.hmac != NULL, MLT_ERR_CRYPTO);
    ENSURE(got.hkdf != NULL && got.scrypt != NULL, MLT_ERR_CRYPTO);
    TRY(start_nothing());
    fetched = got;
    return MLT_OK;
}

bool crypto_keep_errors(void)
{
    return ERR_set_mark() == 1;
}

void crypto_drop_errors(const bool *kept)
{
    (void)kept; /* in an empty queue no mark can be set; all is dropped then */
    (void)ERR_pop_to_mark();
}
