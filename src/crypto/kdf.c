/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "crypto/algorithms.h"
#include "crypto/hash.h"

static const char label_prefix[] = "malote v1 ";

static void free_kdf(EVP_KDF_CTX **ctx)
{
    EVP_KDF_CTX_free(*ctx);
}

enum mlt_err kdf_extract(struct span salt, struct span ikm, struct secret *out)
{
    /* RFC 5869 2.2: Extract is HMAC with the salt as key. */
    struct secret prk = { 0 };
    TRY(secret_new(&prk, KDF_LEN));
    enum mlt_err err = hash_hmac(salt, &ikm, 1, prk.p);
    if (err == MLT_OK)
        secret_move(out, &prk);
    secret_clear(&prk);
    return err;
}

/* u16 length, vec8 (prefix label), vec8 context; RFC 8446 7.1 with our own prefix. */
static enum mlt_err encode_info(const char *label, struct span context, size_t n, struct buf *info)
{
    size_t label_len = strlen(label);
    ENSURE(label_len <= 32 && context.n <= 255 && n <= 255, MLT_ERR_STATE);
    TRY(buf_put_u8(info, 0));
    TRY(buf_put_u8(info, (uint8_t)n));
    TRY(buf_put_u8(info, (uint8_t)(sizeof(label_prefix) - 1 + label_len)));
    TRY(buf_put_str(info, label_prefix));
    TRY(buf_put_str(info, label));
    TRY(buf_put_u8(info, (uint8_t)context.n));
    return buf_put(info, context);
}

static enum mlt_err expand(const struct secret *prk, struct span info, size_t n, struct secret *out)
{
    CLEANUP(free_kdf) EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(algorithms()->hkdf);
    ENSURE(ctx != NULL, MLT_ERR_NOMEM);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    char digest[] = "SHA2-256";
    uint8_t *bytes = (uint8_t *)(uintptr_t)info.p;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, prk->p, prk->n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, bytes, info.n),
        OSSL_PARAM_construct_end(),
    };
    CLEANUP(secret_clear) struct secret made = { 0 };
    TRY(secret_new(&made, n));
    ENSURE(EVP_KDF_derive(ctx, made.p, n, params) == 1, MLT_ERR_CRYPTO);
    secret_move(out, &made);
    return MLT_OK;
}

enum mlt_err kdf_expand_label(const struct secret *prk, const char *label, struct span context,
                              size_t n, struct secret *out)
{
    CLEANUP(buf_clear) struct buf info = { 0 };
    TRY(encode_info(label, context, n, &info));
    return expand(prk, buf_span(&info), n, out);
}

static bool is_cost_sane(const struct kdf_cost *cost)
{
    bool power_of_two = cost->n != 0 && (cost->n & (cost->n - 1)) == 0;
    return power_of_two && cost->n >= LIMIT_KDF_COST_MIN && cost->n <= LIMIT_KDF_COST_MAX &&
           cost->r == 8 && cost->p == 1;
}

enum mlt_err kdf_scrypt(struct span passphrase, struct span salt, const struct kdf_cost *cost,
                        struct secret *out)
{
    ENSURE(is_cost_sane(cost), MLT_ERR_RANGE);
    CLEANUP(free_kdf) EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(algorithms()->scrypt);
    ENSURE(ctx != NULL, MLT_ERR_NOMEM);
    uint64_t n = cost->n;
    uint32_t r = cost->r;
    uint32_t p = cost->p;
    /* libcrypto's own ceiling is 32 MiB; ours follows the cost: 128 N r, and some for p. */
    uint64_t most = 128 * n * r + 128 * (uint64_t)r * p + ((uint64_t)1 << 20);
    uint8_t *pass = (uint8_t *)(uintptr_t)passphrase.p;
    uint8_t *with = (uint8_t *)(uintptr_t)salt.p;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, pass, passphrase.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, with, salt.n),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &most),
        OSSL_PARAM_construct_end(),
    };
    CLEANUP(secret_clear) struct secret made = { 0 };
    TRY(secret_new(&made, KDF_LEN));
    ENSURE(EVP_KDF_derive(ctx, made.p, made.n, params) == 1, MLT_ERR_CRYPTO);
    secret_move(out, &made);
    return MLT_OK;
}
