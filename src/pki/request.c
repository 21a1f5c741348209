/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/request.h"

#include <openssl/x509.h>

#include "crypto/pss.h"
#include "crypto/rsa.h"
#include "crypto/rsa_weak.h"
#include "pki/subject.h"

static void free_request(X509_REQ **r)
{
    X509_REQ_free(*r);
}

void request_clear(struct request *r)
{
    rsa_key_free(&r->key);
    *r = (struct request) { 0 };
}

static enum mlt_err fill(X509_REQ *r, const struct name *name)
{
    ENSURE(X509_REQ_set_version(r, X509_REQ_VERSION_1) == 1, MLT_ERR_NOMEM);
    return subject_put_name(X509_REQ_get_subject_name(r), name);
}

static enum mlt_err put_info(X509_REQ *r, struct buf *out)
{
    int n = i2d_re_X509_REQ_tbs(r, NULL);
    ENSURE(n > 0, MLT_ERR_REQUEST);
    uint8_t *at = NULL;
    TRY(buf_extend(out, (size_t)n, &at));
    ENSURE(i2d_re_X509_REQ_tbs(r, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

static enum mlt_err put_der(X509_REQ *r, struct buf *out)
{
    int n = i2d_X509_REQ(r, NULL);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    uint8_t *at = NULL;
    TRY(buf_extend(out, (size_t)n, &at));
    ENSURE(i2d_X509_REQ(r, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

/* Re-encoding first: i2d would hand back the cached bytes of the info part as they came. */
static enum mlt_err check_canonical(X509_REQ *r, struct span der)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    ENSURE(i2d_re_X509_REQ_tbs(r, NULL) > 0, MLT_ERR_ENCODING);
    TRY(put_der(r, &again));
    ENSURE(span_eq(buf_span(&again), der), MLT_ERR_ENCODING);
    return MLT_OK;
}

static enum mlt_err parse(struct span der, X509_REQ **r)
{
    ENSURE(der.n >= 1 && der.n <= LIMIT_REQUEST, MLT_ERR_ENCODING);
    const uint8_t *at = der.p;
    CLEANUP(free_request) X509_REQ *got = d2i_X509_REQ(NULL, &at, (long)der.n);
    ENSURE(got != NULL && at == der.p + der.n, MLT_ERR_ENCODING);
    TRY(check_canonical(got, der));
    *r = got;
    got = NULL;
    return MLT_OK;
}

/* Like a certificate: built again from what it says, it must come out the same. */
static enum mlt_err check_info(X509_REQ *r, struct name *name)
{
    X509_PUBKEY *spki = X509_REQ_get_X509_PUBKEY(r);
    ENSURE(subject_key_is_ours(spki), MLT_ERR_REQUEST);
    ENSURE(subject_get_name(X509_REQ_get_subject_name(r), name) == MLT_OK, MLT_ERR_REQUEST);

    CLEANUP(free_request) X509_REQ *expected = X509_REQ_new();
    ENSURE(expected != NULL, MLT_ERR_NOMEM);
    TRY(fill(expected, name));
    TRY(subject_copy_key(X509_REQ_get_X509_PUBKEY(expected), spki));
    CLEANUP(buf_clear) struct buf have = { 0 };
    CLEANUP(buf_clear) struct buf want = { 0 };
    TRY(put_info(r, &have));
    TRY(put_info(expected, &want));
    ENSURE(span_eq(buf_span(&have), buf_span(&want)), MLT_ERR_REQUEST);
    return MLT_OK;
}

static enum mlt_err check_algorithm(const X509_REQ *r)
{
    const X509_ALGOR *algorithm = NULL;
    X509_REQ_get0_signature(r, NULL, &algorithm);
    ENSURE(profile_is_algorithm(algorithm), MLT_ERR_REQUEST);
    return MLT_OK;
}

/* Whoever signs one holds it against the profile that its reader will. */
enum mlt_err request_make(EVP_PKEY *key, const struct name *name, struct buf *der)
{
    CLEANUP(free_request) X509_REQ *r = X509_REQ_new();
    ENSURE(r != NULL, MLT_ERR_NOMEM);
    TRY(rsa_key_check(key, false));
    TRY(fill(r, name));
    ENSURE(X509_REQ_set_pubkey(r, key) == 1, MLT_ERR_CRYPTO);
    struct name read;
    TRY(check_info(r, &read));
    ENSURE(name_eq(&read, name), MLT_ERR_REQUEST);
    CLEANUP(pss_context_free) EVP_MD_CTX *ctx = NULL;
    TRY(pss_sign_context(key, &ctx));
    ENSURE(X509_REQ_sign_ctx(r, ctx) > 0, MLT_ERR_CRYPTO);
    TRY(check_algorithm(r));
    return put_der(r, der);
}

enum mlt_err request_read(struct span der, struct request *r)
{
    CLEANUP(free_request) X509_REQ *req = NULL;
    CLEANUP(request_clear) struct request got = { 0 };
    TRY(parse(der, &req));
    TRY(check_algorithm(req));
    TRY(check_info(req, &got.name));
    EVP_PKEY *key = X509_REQ_get0_pubkey(req);
    ENSURE(rsa_weak_check(key) == MLT_OK, MLT_ERR_REQUEST);
    ENSURE(X509_REQ_verify(req, key) == 1, MLT_ERR_AUTH);
    TRY(subject_key_hash(X509_REQ_get_X509_PUBKEY(req), got.spki_hash));
    TRY(rsa_key_share(key, &got.key));
    *r = got;
    got.key = NULL;
    return MLT_OK;
}
