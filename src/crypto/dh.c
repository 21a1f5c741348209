/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/dh.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/alloc.h"
#include "crypto/dh_groups.h"

const char *dh_group_name(enum dh_group group)
{
    const struct dh_group_row *row = dh_group_row(group);
    return row != NULL ? row->name : "none";
}

enum mlt_err dh_group_parse(const char *name, enum dh_group *group)
{
    for (enum dh_group g = DH_FFDHE2048; g <= DH_FFDHE4096; g++) {
        if (strcmp(name, dh_group_row(g)->name) == 0) {
            *group = g;
            return MLT_OK;
        }
    }
    return MLT_ERR_GROUP;
}

size_t dh_group_size(enum dh_group group)
{
    const struct dh_group_row *row = dh_group_row(group);
    return row != NULL ? row->p.n : 0;
}

void dh_group_params(enum dh_group group, struct span *p, struct span *g)
{
    static const uint8_t generator[] = { 2 };
    const struct dh_group_row *row = dh_group_row(group);
    *p = row != NULL ? row->p : (struct span) { 0 };
    *g = SPAN_OF(generator);
}

enum mlt_err dh_group_from_params(struct span p, struct span g, enum dh_group *group)
{
    for (enum dh_group candidate = DH_FFDHE2048; candidate <= DH_FFDHE4096; candidate++) {
        struct span known_p, known_g;
        dh_group_params(candidate, &known_p, &known_g);
        if (span_eq(p, known_p) && span_eq(g, known_g)) {
            *group = candidate;
            return MLT_OK;
        }
    }
    return MLT_ERR_GROUP;
}

static void free_ctx(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

void dh_key_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    *key = NULL;
}

enum mlt_err dh_key_new(enum dh_group group, EVP_PKEY **key)
{
    const struct dh_group_row *row = dh_group_row(group);
    ENSURE(row != NULL, MLT_ERR_GROUP);
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    ENSURE(ctx != NULL, MLT_ERR_CRYPTO);
    char name[16];
    strncpy(name, row->name, sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    /* libcrypto takes exponents of 225, 275, 325 bits for the named groups: RFC 7919 A. */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
        OSSL_PARAM_construct_end(),
    };
    ENSURE(EVP_PKEY_keygen_init(ctx) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_PKEY_CTX_set_params(ctx, params) == 1, MLT_ERR_CRYPTO);
    EVP_PKEY *made = NULL;
    ENSURE(EVP_PKEY_generate(ctx, &made) == 1, MLT_ERR_CRYPTO);
    *key = made;
    return MLT_OK;
}

static void free_bn(BIGNUM **bn)
{
    BN_clear_free(*bn);
}

enum mlt_err dh_key_public(EVP_PKEY *key, enum dh_group group, struct buf *out)
{
    size_t size = dh_group_size(group);
    ENSURE(size > 0, MLT_ERR_GROUP);
    CLEANUP(free_bn) BIGNUM *y = NULL;
    ENSURE(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PUB_KEY, &y) == 1, MLT_ERR_CRYPTO);
    uint8_t padded[DH_PUBLIC_MAX];
    ENSURE(BN_bn2binpad(y, padded, (int)size) == (int)size, MLT_ERR_CRYPTO);
    return buf_put(out, span_of(padded, size));
}

static void free_bn_ctx(BN_CTX **ctx)
{
    BN_CTX_free(*ctx);
}

/* RFC 7919 5.1 asks for 1 < y < p-1; the Legendre symbol adds that y has order q.  p is a known
 * safe prime, so this answers what y^q mod p would, at a fifth of the cost of the derive. */
enum mlt_err dh_check_public(enum dh_group group, struct span y)
{
    const struct dh_group_row *row = dh_group_row(group);
    ENSURE(row != NULL, MLT_ERR_GROUP);
    ENSURE(y.n == row->p.n, MLT_ERR_DH_VALUE);
    CLEANUP(free_bn) BIGNUM *p = BN_bin2bn(row->p.p, (int)row->p.n, NULL);
    CLEANUP(free_bn) BIGNUM *value = BN_bin2bn(y.p, (int)y.n, NULL);
    CLEANUP(free_bn) BIGNUM *most = p != NULL ? BN_dup(p) : NULL;
    CLEANUP(free_bn_ctx) BN_CTX *ctx = BN_CTX_new();
    ENSURE(value != NULL && most != NULL && ctx != NULL, MLT_ERR_NOMEM);
    ENSURE(BN_sub_word(most, 2) == 1, MLT_ERR_CRYPTO);
    ENSURE(!BN_is_zero(value) && !BN_is_one(value), MLT_ERR_DH_VALUE);
    ENSURE(BN_cmp(value, most) <= 0, MLT_ERR_DH_VALUE);
    int symbol = BN_kronecker(value, p, ctx);
    ENSURE(symbol >= -1, MLT_ERR_CRYPTO);
    ENSURE(symbol == 1, MLT_ERR_DH_VALUE);
    return MLT_OK;
}

static enum mlt_err peer_key(enum dh_group group, struct span y, EVP_PKEY **peer)
{
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    ENSURE(ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1, MLT_ERR_CRYPTO);
    char name[16];
    strncpy(name, dh_group_row(group)->name, sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    /* OSSL_PARAM numbers are in the machine's byte order. */
    uint8_t native[DH_PUBLIC_MAX];
    CLEANUP(free_bn) BIGNUM *value = BN_bin2bn(y.p, (int)y.n, NULL);
    ENSURE(value != NULL, MLT_ERR_NOMEM);
    ENSURE(BN_bn2nativepad(value, native, (int)y.n) == (int)y.n, MLT_ERR_CRYPTO);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PUB_KEY, native, y.n),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *made = NULL;
    ENSURE(EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) == 1, MLT_ERR_CRYPTO);
    *peer = made;
    return MLT_OK;
}

enum mlt_err dh_derive(EVP_PKEY *key, enum dh_group group, struct span y, struct secret *z)
{
    TRY(dh_check_public(group, y));
    CLEANUP(dh_key_free) EVP_PKEY *peer = NULL;
    TRY(peer_key(group, y, &peer));
    CLEANUP(free_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    ENSURE(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1, MLT_ERR_CRYPTO);
    unsigned pad = 1;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_EXCHANGE_PARAM_PAD, &pad),
        OSSL_PARAM_construct_end(),
    };
    ENSURE(EVP_PKEY_CTX_set_params(ctx, params) == 1, MLT_ERR_CRYPTO);
    /* 0: not libcrypto's full check, which costs 8 times the derive; ours was just made. */
    ENSURE(EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1, MLT_ERR_DH_VALUE);
    CLEANUP(secret_clear) struct secret made = { 0 };
    size_t n = dh_group_size(group);
    TRY(secret_new(&made, n));
    ENSURE(EVP_PKEY_derive(ctx, made.p, &n) == 1 && n == made.n, MLT_ERR_DH_VALUE);
    secret_move(z, &made);
    return MLT_OK;
}
