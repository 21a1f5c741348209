/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto/algorithms.h"

static const int pss_salt = 32;

static void free_ctx(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static void free_bn(BIGNUM **bn)
{
    BN_free(*bn);
}

static bool is_size_allowed(int bits)
{
    return bits == 2048 || bits == 3072 || bits == 4096;
}

enum mlt_err rsa_key_new(unsigned bits, EVP_PKEY **key)
{
    ENSURE(is_size_allowed((int)bits), MLT_ERR_USAGE);
    EVP_PKEY *made = EVP_RSA_gen(bits);
    ENSURE(made != NULL, MLT_ERR_CRYPTO);
    *key = made;
    return MLT_OK;
}

void rsa_key_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    *key = NULL;
}

enum mlt_err rsa_key_share(EVP_PKEY *key, EVP_PKEY **other)
{
    ENSURE(EVP_PKEY_up_ref(key) == 1, MLT_ERR_CRYPTO);
    *other = key;
    return MLT_OK;
}

static enum mlt_err check_public(EVP_PKEY *key)
{
    ENSURE(EVP_PKEY_is_a(key, "RSA") == 1, MLT_ERR_DAMAGED);
    ENSURE(is_size_allowed(EVP_PKEY_get_bits(key)), MLT_ERR_DAMAGED);
    CLEANUP(free_bn) BIGNUM *e = NULL;
    CLEANUP(free_bn) BIGNUM *n = NULL;
    ENSURE(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1, MLT_ERR_DAMAGED);
    ENSURE(BN_is_word(e, RSA_F4), MLT_ERR_DAMAGED);
    ENSURE(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1, MLT_ERR_DAMAGED);
    ENSURE(BN_is_odd(n), MLT_ERR_DAMAGED);
    return MLT_OK;
}

/* A damaged CRT key can leak its factors through one faulty signature: check before first use. */
static enum mlt_err check_private(EVP_PKEY *key)
{
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    ENSURE(ctx != NULL, MLT_ERR_NOMEM);
    ENSURE(EVP_PKEY_check(ctx) == 1, MLT_ERR_DAMAGED);
    static const uint8_t digest[HASH_LEN] = "a trial signature, never shown.";
    CLEANUP(buf_clear) struct buf signature = { 0 };
    TRY(rsa_sign(key, RSA_TRIAL, digest, &signature));
    ENSURE(rsa_verify(key, RSA_TRIAL, digest, buf_span(&signature)) == MLT_OK, MLT_ERR_DAMAGED);
    return MLT_OK;
}

enum mlt_err rsa_key_check(EVP_PKEY *key, bool private_too)
{
    TRY(check_public(key));
    return private_too ? check_private(key) : MLT_OK;
}

enum mlt_err rsa_private_encode(EVP_PKEY *key, struct secret *der)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    ENSURE(info != NULL, MLT_ERR_CRYPTO);
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    struct secret made = { 0 };
    enum mlt_err err = n > 0 ? secret_new(&made, (size_t)n) : MLT_ERR_CRYPTO;
    uint8_t *at = made.p;
    if (err == MLT_OK && i2d_PKCS8_PRIV_KEY_INFO(info, &at) != n)
        err = MLT_ERR_CRYPTO;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (err == MLT_OK)
        secret_move(der, &made);
    secret_clear(&made);
    return err;
}

enum mlt_err rsa_private_decode(struct span der, EVP_PKEY **key)
{
    const uint8_t *at = der.p;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.n);
    ENSURE(info != NULL, MLT_ERR_DAMAGED);
    CLEANUP(rsa_key_free) EVP_PKEY *made = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    ENSURE(made != NULL && at == der.p + der.n, MLT_ERR_DAMAGED);
    TRY(check_public(made));
    *key = made;
    made = NULL;
    return MLT_OK;
}

enum mlt_err rsa_public_encode(EVP_PKEY *key, struct buf *der)
{
    int n = i2d_PUBKEY(key, NULL);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    uint8_t *at = NULL;
    TRY(buf_extend(der, (size_t)n, &at));
    ENSURE(i2d_PUBKEY(key, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

enum mlt_err rsa_public_decode(struct span der, EVP_PKEY **key)
{
    const uint8_t *at = der.p;
    CLEANUP(rsa_key_free) EVP_PKEY *made = d2i_PUBKEY(NULL, &at, (long)der.n);
    ENSURE(made != NULL && at == der.p + der.n, MLT_ERR_DAMAGED);
    TRY(check_public(made));
    *key = made;
    made = NULL;
    return MLT_OK;
}

enum mlt_err rsa_public_hash(EVP_PKEY *key, uint8_t out[static HASH_LEN])
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    TRY(rsa_public_encode(key, &der));
    return hash_sha256(buf_span(&der), out);
}

size_t rsa_signature_size(EVP_PKEY *key)
{
    return (size_t)EVP_PKEY_get_size(key);
}

/* SHA-256 over "malote v1 <purpose>" 00 digest: what PSS then signs.  PROTOCOL.md 5.3 */
static enum mlt_err digest_to_sign(enum rsa_purpose purpose, const uint8_t *digest,
                                   uint8_t out[static HASH_LEN])
{
    static const char *const names[] = {
        [RSA_TRIAL] = "malote v1 trial",
        [RSA_SERVER_HANDSHAKE] = "malote v1 server handshake",
        [RSA_CLIENT_HANDSHAKE] = "malote v1 client handshake",
        [RSA_LEDGER_HEAD] = "malote v1 ledger head",
        [RSA_REVOCATION] = "malote v1 revocation",
        [RSA_RENEWAL] = "malote v1 renewal",
    };
    ENSURE((unsigned)purpose < COUNT_OF(names), MLT_ERR_STATE);
    CLEANUP(hash_run_clear) struct hash_run run = { 0 };
    TRY(hash_run_init(&run));
    TRY(hash_run_add(&run, span_of(names[purpose], strlen(names[purpose]) + 1)));
    TRY(hash_run_add(&run, span_of(digest, HASH_LEN)));
    return hash_run_peek(&run, out);
}

static enum mlt_err set_pss(EVP_PKEY_CTX *ctx)
{
    ENSURE(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_PKEY_CTX_set_signature_md(ctx, algorithms()->sha256) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, algorithms()->sha256) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, pss_salt) == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

enum mlt_err rsa_sign(EVP_PKEY *key, enum rsa_purpose purpose,
                      const uint8_t digest[static HASH_LEN], struct buf *signature)
{
    uint8_t signed_digest[HASH_LEN];
    TRY(digest_to_sign(purpose, digest, signed_digest));
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    ENSURE(ctx != NULL && EVP_PKEY_sign_init(ctx) == 1, MLT_ERR_CRYPTO);
    TRY(set_pss(ctx));
    size_t n = (size_t)EVP_PKEY_get_size(key);
    size_t before = signature->len;
    uint8_t *at = NULL;
    TRY(buf_extend(signature, n, &at));
    if (EVP_PKEY_sign(ctx, at, &n, signed_digest, HASH_LEN) != 1) {
        signature->len = before;
        return MLT_ERR_CRYPTO;
    }
    return MLT_OK;
}

enum mlt_err rsa_verify(EVP_PKEY *key, enum rsa_purpose purpose,
                        const uint8_t digest[static HASH_LEN], struct span signature)
{
    uint8_t signed_digest[HASH_LEN];
    TRY(digest_to_sign(purpose, digest, signed_digest));
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    ENSURE(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1, MLT_ERR_CRYPTO);
    TRY(set_pss(ctx));
    int rc = EVP_PKEY_verify(ctx, signature.p, signature.n, signed_digest, HASH_LEN);
    ENSURE(rc == 1, MLT_ERR_AUTH);
    return MLT_OK;
}

static enum mlt_err set_oaep(EVP_PKEY_CTX *ctx, struct span label)
{
    ENSURE(label.n <= 255, MLT_ERR_STATE);
    ENSURE(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, algorithms()->sha256) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, algorithms()->sha256) == 1, MLT_ERR_CRYPTO);
    /* set0: the context owns the copy once the call succeeded. */
    uint8_t *copy = OPENSSL_memdup(label.p, label.n);
    ENSURE(copy != NULL || label.n == 0, MLT_ERR_NOMEM);
    if (EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label.n) != 1) {
        OPENSSL_free(copy);
        return MLT_ERR_CRYPTO;
    }
    return MLT_OK;
}

enum mlt_err rsa_wrap(EVP_PKEY *key, struct span label, struct span secret, struct buf *wrapped)
{
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    ENSURE(ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1, MLT_ERR_CRYPTO);
    TRY(set_oaep(ctx, label));
    size_t n = (size_t)EVP_PKEY_get_size(key);
    size_t before = wrapped->len;
    uint8_t *at = NULL;
    TRY(buf_extend(wrapped, n, &at));
    if (EVP_PKEY_encrypt(ctx, at, &n, secret.p, secret.n) != 1) {
        wrapped->len = before;
        return MLT_ERR_CRYPTO;
    }
    return MLT_OK;
}

enum mlt_err rsa_unwrap(EVP_PKEY *key, struct span label, struct span wrapped,
                        struct secret *secret)
{
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    ENSURE(ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1, MLT_ERR_CRYPTO);
    TRY(set_oaep(ctx, label));
    CLEANUP(secret_clear) struct secret room = { 0 };
    size_t n = (size_t)EVP_PKEY_get_size(key);
    TRY(secret_new(&room, n));
    ENSURE(EVP_PKEY_decrypt(ctx, room.p, &n, wrapped.p, wrapped.n) == 1, MLT_ERR_AUTH);
    return secret_copy(secret, span_of(room.p, n));
}
