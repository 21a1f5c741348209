/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/rsa.h"

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "fake.c:%d: %s\n", __LINE__, #cond);                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

void fake_start(struct fake *f, int64_t now_s)
{
    *f = (struct fake) { .now_s = now_s };
    must(rsa_key_new(2048, &f->ca_key) == MLT_OK);
    must(rsa_key_new(2048, &f->leaf_key) == MLT_OK);
    must(rsa_key_new(2048, &f->other_key) == MLT_OK);
    X509 *root = fake_root(f->ca_key, FAKE_REALM, now_s);
    CLEANUP(buf_clear) struct buf der = { 0 };
    fake_der(root, &der);
    X509_free(root);
    must(cert_read_ca(buf_span(&der), NULL, &f->ca) == MLT_OK);
}

void fake_stop(struct fake *f)
{
    rsa_key_free(&f->ca_key);
    rsa_key_free(&f->leaf_key);
    rsa_key_free(&f->other_key);
    cert_clear(&f->ca);
}

/* libcrypto generates no exponent below 3: n of another key with e = 1 is a key of its own. */
static EVP_PKEY *with_exponent_one(EVP_PKEY *from)
{
    BIGNUM *n = NULL;
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    must(EVP_PKEY_get_bn_param(from, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
    must(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1);
    must(OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, 1) == 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    must(EVP_PKEY_fromdata_init(ctx) == 1);
    must(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    EVP_PKEY_free(from);
    return key;
}

EVP_PKEY *fake_key(unsigned bits, unsigned exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *e = BN_new();
    must(e != NULL && BN_set_word(e, exponent == 1 ? RSA_F4 : exponent) == 1);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    must(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1);
    must(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1);
    must(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1);
    must(EVP_PKEY_keygen(ctx, &key) == 1);
    EVP_PKEY_CTX_free(ctx);
    BN_free(e);
    return exponent == 1 ? with_exponent_one(key) : key;
}

void fake_fields(enum cert_role role, const char *name, int64_t now_s, struct cert_fields *out)
{
    static uint8_t next = 1;
    *out = (struct cert_fields) { .role = role, .realm = FAKE_REALM, .serial = { 0x5a } };
    out->serial[CERT_SERIAL - 1] = next++;
    out->not_before_s = now_s - LIMIT_BACKDATE_S;
    out->not_after_s = now_s + 3600;
    if (role == CERT_CA)
        out->not_after_s = now_s + LIMIT_CA_YEARS * INT64_C(31536000);
    else
        must(name_parse(span_str(name), &out->name) == MLT_OK);
}

X509 *fake_draft(struct fake *f, const struct cert_fields *fields, EVP_PKEY *key)
{
    X509 *x = X509_new();
    must(x != NULL && profile_build(fields, key, f->ca.x509, x) == MLT_OK);
    return x;
}

X509 *fake_root(EVP_PKEY *key, const char *realm, int64_t now_s)
{
    struct cert_fields fields;
    fake_fields(CERT_CA, NULL, now_s, &fields);
    memset(fields.realm, 0, sizeof fields.realm);
    must(strlen(realm) <= LIMIT_REALM);
    memcpy(fields.realm, realm, strlen(realm));
    X509 *x = X509_new();
    must(x != NULL && profile_build(&fields, key, NULL, x) == MLT_OK);
    must(profile_sign(x, key) == MLT_OK);
    return x;
}

X509 *fake_good(struct fake *f, enum cert_role role)
{
    struct cert_fields fields;
    fake_fields(role, role == CERT_SERVER ? "relay" : "maria.silva", f->now_s, &fields);
    X509 *x = fake_draft(f, &fields, f->leaf_key);
    must(profile_sign(x, f->ca_key) == MLT_OK);
    return x;
}

static const EVP_MD *signing_hash(enum fake_signature how)
{
    switch (how) {
    case FAKE_PSS_SHA384:
        return EVP_sha384();
    case FAKE_PSS_SHA1:
    case FAKE_PKCS1_SHA1:
        return EVP_sha1();
    case FAKE_PKCS1_MD5:
        return EVP_md5();
    default:
        return EVP_sha256();
    }
}

static int signing_salt(enum fake_signature how)
{
    if (how == FAKE_PSS_SALT_0)
        return 0;
    return how == FAKE_PSS_SALT_20 ? 20 : 32;
}

static EVP_MD_CTX *signing(EVP_PKEY *key, enum fake_signature how)
{
    const EVP_MD *md = signing_hash(how);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *params = NULL;
    must(ctx != NULL && EVP_DigestSignInit(ctx, &params, md, NULL, key) == 1);
    if (how == FAKE_PKCS1_SHA256 || how == FAKE_PKCS1_SHA1 || how == FAKE_PKCS1_MD5)
        return ctx;
    int salt = signing_salt(how);
    must(EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) == 1);
    must(EVP_PKEY_CTX_set_rsa_pss_saltlen(params, salt) == 1);
    must(EVP_PKEY_CTX_set_rsa_mgf1_md(params, how == FAKE_PSS_MGF_SHA1 ? EVP_sha1() : md) == 1);
    return ctx;
}

void fake_sign(X509 *x, EVP_PKEY *key, enum fake_signature how)
{
    EVP_MD_CTX *ctx = signing(key, how);
    must(X509_sign_ctx(x, ctx) > 0);
    EVP_MD_CTX_free(ctx);
}

void fake_sign_crl(X509_CRL *crl, EVP_PKEY *key, enum fake_signature how)
{
    EVP_MD_CTX *ctx = signing(key, how);
    must(X509_CRL_sign_ctx(crl, ctx) > 0);
    EVP_MD_CTX_free(ctx);
}

void fake_sign_request(X509_REQ *r, EVP_PKEY *key, enum fake_signature how)
{
    EVP_MD_CTX *ctx = signing(key, how);
    must(X509_REQ_sign_ctx(r, ctx) > 0);
    EVP_MD_CTX_free(ctx);
}

void fake_add(X509 *x, const char *name, const char *value, int at)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *made = X509V3_EXT_nconf(NULL, &ctx, name, value);
    must(made != NULL && X509_add_ext(x, made, at) == 1);
    X509_EXTENSION_free(made);
}

void fake_drop(X509 *x, int nid)
{
    int at = X509_get_ext_by_NID(x, nid, -1);
    must(at >= 0);
    X509_EXTENSION_free(X509_delete_ext(x, at));
}

void fake_replace(X509 *x, int nid, const char *value)
{
    int at = X509_get_ext_by_NID(x, nid, -1);
    must(at >= 0);
    X509_EXTENSION_free(X509_delete_ext(x, at));
    fake_add(x, OBJ_nid2sn(nid), value, at);
}

X509_NAME *fake_common_name(int type, const char *text)
{
    X509_NAME *n = X509_NAME_new();
    must(n != NULL && X509_NAME_add_entry_by_txt(n, "CN", type, (const uint8_t *)text, -1, -1, 0));
    return n;
}

void fake_der(X509 *x, struct buf *out)
{
    must(cert_der(x, out) == MLT_OK);
}
