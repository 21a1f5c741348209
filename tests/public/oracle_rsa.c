/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

/* For PSS over a message without our prefix: set_pss is what every signature goes through. */
#include "crypto/rsa.c"

#include <openssl/param_build.h>

#include "crypto/key_pem.h"
#include "crypto/rsa_weak.h"

static void free_build(OSSL_PARAM_BLD **b)
{
    OSSL_PARAM_BLD_free(*b);
}

static void free_params(OSSL_PARAM **p)
{
    OSSL_PARAM_free(*p);
}

/* Any numbers, also those of a key that malote refuses. */
static enum mlt_err public_key(const struct buf *n, const struct buf *e, EVP_PKEY **key)
{
    CLEANUP(free_bn) BIGNUM *modulus = BN_bin2bn(n->p, (int)n->len, NULL);
    CLEANUP(free_bn) BIGNUM *exponent = BN_bin2bn(e->p, (int)e->len, NULL);
    CLEANUP(free_build) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    ENSURE(modulus != NULL && exponent != NULL && build != NULL && ctx != NULL, MLT_ERR_NOMEM);
    ENSURE(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
               OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1,
           MLT_ERR_NOMEM);
    CLEANUP(free_params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *made = NULL;
    ENSURE(params != NULL && EVP_PKEY_fromdata_init(ctx) == 1, MLT_ERR_NOMEM);
    ENSURE(EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) == 1, MLT_ERR_DAMAGED);
    *key = made;
    return MLT_OK;
}

static enum mlt_err answer_weak(const struct buf *args, struct buf *out)
{
    (void)out;
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    TRY(public_key(&args[0], &args[1], &key));
    return rsa_weak_check(key);
}

static enum mlt_err answer_public_key(const struct buf *args, struct buf *out)
{
    (void)out;
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    TRY(public_key(&args[0], &args[1], &key));
    return rsa_key_check(key, false);
}

/* With rsa_verify's own settings, but over the message itself. */
static enum mlt_err answer_pss(const struct buf *args, struct buf *out)
{
    (void)out;
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    uint8_t digest[HASH_LEN];
    TRY(public_key(&args[0], &args[1], &key));
    TRY(hash_sha256(buf_span(&args[2]), digest));
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    ENSURE(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1, MLT_ERR_CRYPTO);
    TRY(set_pss(ctx));
    int rc = EVP_PKEY_verify(ctx, args[3].p, args[3].len, digest, HASH_LEN);
    ENSURE(rc == 1, MLT_ERR_AUTH);
    return MLT_OK;
}

/* PKCS#8, as the product loads it: decoded, then checked before its first use. */
static enum mlt_err load(const struct buf *pkcs8, EVP_PKEY **key)
{
    CLEANUP(rsa_key_free) EVP_PKEY *made = NULL;
    TRY(rsa_private_decode(buf_span(pkcs8), &made));
    TRY(rsa_key_check(made, true));
    *key = made;
    made = NULL;
    return MLT_OK;
}

static enum mlt_err answer_private_key(const struct buf *args, struct buf *out)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    uint8_t fingerprint[HASH_LEN];
    TRY(load(&args[0], &key));
    TRY(rsa_public_hash(key, fingerprint));
    return buf_put_hex(out, SPAN_OF(fingerprint));
}

static enum mlt_err answer_private_pem(const struct buf *args, struct buf *out)
{
    (void)out;
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    TRY(key_pem_decode(buf_span(&args[0]), &key));
    return rsa_key_check(key, true);
}

/* A key of any size: rsa_unwrap leaves the key's acceptance to who loads it. */
static enum mlt_err answer_unwrap(const struct buf *args, struct buf *out)
{
    const uint8_t *at = args[0].p;
    CLEANUP(rsa_key_free) EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)args[0].len);
    CLEANUP(secret_clear) struct secret secret = { 0 };
    ENSURE(key != NULL, MLT_ERR_DAMAGED);
    TRY(rsa_unwrap(key, buf_span(&args[1]), buf_span(&args[2]), &secret));
    return buf_put_hex(out, secret_span(&secret));
}

static enum mlt_err answer_wrap(const struct buf *args, struct buf *out)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    TRY(load(&args[0], &key));
    TRY(rsa_wrap(key, buf_span(&args[1]), buf_span(&args[2]), &wrapped));
    return buf_put_hex(out, buf_span(&wrapped));
}

const struct verb *oracle_rsa_verbs(size_t *count)
{
    static const struct verb verbs[] = {
        { "public_key", 2, answer_public_key },
        { "weak", 2, answer_weak },
        { "private_key", 1, answer_private_key },
        { "private_pem", 1, answer_private_pem },
        { "pss", 4, answer_pss },
        { "unwrap", 3, answer_unwrap },
        { "wrap", 3, answer_wrap },
    };
    *count = COUNT_OF(verbs);
    return verbs;
}
