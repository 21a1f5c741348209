/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "crypto/dh.h"

static enum mlt_err parse_group(const struct buf *arg, enum dh_group *group)
{
    const char *name = NULL;
    CLEANUP(buf_clear) struct buf text = { 0 };
    TRY(buf_put(&text, buf_span(arg)));
    TRY(buf_text(&text, &name));
    return dh_group_parse(name, group);
}

static enum mlt_err answer_params(const struct buf *args, struct buf *out)
{
    enum dh_group group = DH_NONE;
    struct span p, g;
    TRY(parse_group(&args[0], &group));
    dh_group_params(group, &p, &g);
    TRY(buf_put_hex(out, p));
    TRY(buf_put_u8(out, ' '));
    return buf_put_hex(out, g);
}

static enum mlt_err answer_group(const struct buf *args, struct buf *out)
{
    enum dh_group group = DH_NONE;
    TRY(dh_group_from_params(buf_span(&args[0]), buf_span(&args[1]), &group));
    return buf_put_str(out, dh_group_name(group));
}

static enum mlt_err answer_check(const struct buf *args, struct buf *out)
{
    (void)out;
    enum dh_group group = DH_NONE;
    TRY(parse_group(&args[0], &group));
    return dh_check_public(group, buf_span(&args[1]));
}

/* A pair whose exponent the caller chose: dh_key_new draws its own. */
static EVP_PKEY *pair_of(const struct buf *name, const struct buf *x, const struct buf *y)
{
    EVP_PKEY *key = NULL;
    BIGNUM *secret = BN_bin2bn(x->p, (int)x->len, NULL);
    BIGNUM *shown = BN_bin2bn(y->p, (int)y->len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    OSSL_PARAM *params = NULL;
    if (secret != NULL && shown != NULL && build != NULL && ctx != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, (const char *)name->p,
                                        name->len) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PUB_KEY, shown) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    if (params != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_clear_free(secret);
    BN_free(shown);
    return key;
}

/* group, own exponent, own public value, the other's public value: own value as sent, and Z */
static enum mlt_err answer_derive(const struct buf *args, struct buf *out)
{
    enum dh_group group = DH_NONE;
    CLEANUP(secret_clear) struct secret z = { 0 };
    TRY(parse_group(&args[0], &group));
    CLEANUP(dh_key_free) EVP_PKEY *key = pair_of(&args[0], &args[1], &args[2]);
    CLEANUP(buf_clear) struct buf own = { 0 };
    ENSURE(key != NULL, MLT_ERR_CRYPTO);
    TRY(dh_key_public(key, group, &own));
    TRY(dh_derive(key, group, buf_span(&args[3]), &z));
    TRY(buf_put_hex(out, buf_span(&own)));
    TRY(buf_put_u8(out, ' '));
    return buf_put_hex(out, secret_span(&z));
}

const struct verb *oracle_dh_verbs(size_t *count)
{
    static const struct verb verbs[] = {
        { "dh_params", 1, answer_params },
        { "dh_group", 2, answer_group },
        { "dh_check", 2, answer_check },
        { "dh_derive", 4, answer_derive },
    };
    *count = COUNT_OF(verbs);
    return verbs;
}
