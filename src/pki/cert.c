/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/cert.h"

#include <string.h>

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "pki/subject.h"

static void free_x509(X509 **x)
{
    X509_free(*x);
}

static void free_store(X509_STORE **s)
{
    X509_STORE_free(*s);
}

static void free_store_ctx(X509_STORE_CTX **c)
{
    X509_STORE_CTX_free(*c);
}

static void free_authority(AUTHORITY_KEYID **a)
{
    AUTHORITY_KEYID_free(*a);
}

static void free_octets(ASN1_OCTET_STRING **o)
{
    ASN1_OCTET_STRING_free(*o);
}

static void free_usage(EXTENDED_KEY_USAGE **u)
{
    EXTENDED_KEY_USAGE_free(*u);
}

static void free_object(ASN1_OBJECT **o)
{
    ASN1_OBJECT_free(*o);
}

static void free_bio(BIO **b)
{
    BIO_free(*b);
}

void cert_clear(struct cert *c)
{
    rsa_key_free(&c->key);
    X509_free(c->x509);
    *c = (struct cert) { 0 };
}

enum mlt_err cert_der(X509 *x509, struct buf *out)
{
    int n = i2d_X509(x509, NULL);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    uint8_t *at = NULL;
    TRY(buf_extend(out, (size_t)n, &at));
    ENSURE(i2d_X509(x509, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

enum mlt_err cert_pem(X509 *x509, struct buf *out)
{
    CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_mem());
    ENSURE(bio != NULL && PEM_write_bio_X509(bio, x509) == 1, MLT_ERR_CRYPTO);
    char *text = NULL;
    long n = BIO_get_mem_data(bio, &text);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    return buf_put(out, span_of(text, (size_t)n));
}

/* What PEM_read_bio hands out, released together. */
struct pem {
    char *label;
    char *header;
    uint8_t *data;
    long n;
};

static void free_pem(struct pem *p)
{
    OPENSSL_free(p->label);
    OPENSSL_free(p->header);
    OPENSSL_free(p->data);
}

static bool is_blank(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (memchr(" \t\r\n", text.p[i], 4) == NULL)
            return false;
    return true;
}

enum mlt_err cert_der_from_pem(struct span pem, struct buf *der)
{
    ENSURE(pem.n >= 1 && pem.n <= 4 * LIMIT_CERTIFICATE, MLT_ERR_ENCODING);
    CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    ENSURE(bio != NULL, MLT_ERR_NOMEM);
    CLEANUP(free_pem) struct pem got = { 0 };
    ENSURE(PEM_read_bio(bio, &got.label, &got.header, &got.data, &got.n) == 1, MLT_ERR_ENCODING);
    ENSURE(span_eq(span_str(got.label), span_str(PEM_STRING_X509)), MLT_ERR_ENCODING);
    ENSURE(got.header[0] == '\0', MLT_ERR_ENCODING);
    char *rest = NULL;
    long left = BIO_get_mem_data(bio, &rest);
    ENSURE(left >= 0 && is_blank(span_of(rest, (size_t)left)), MLT_ERR_TRAILING);
    return buf_put(der, span_of(got.data, (size_t)got.n));
}

/* Re-encoding first: i2d would hand back the cached to-be-signed bytes as they came. */
static enum mlt_err check_canonical(X509 *x, struct span der)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    ENSURE(i2d_re_X509_tbs(x, NULL) > 0, MLT_ERR_ENCODING);
    TRY(cert_der(x, &again));
    ENSURE(span_eq(buf_span(&again), der), MLT_ERR_ENCODING);
    return MLT_OK;
}

/* libcrypto would ask every decoder it has about the key: five times the rest of the decoding. */
static X509 *decode(const uint8_t **at, long n)
{
    return (X509 *)ASN1_item_d2i_ex(NULL, at, n, ASN1_ITEM_rptr(X509), crypto_nothing(), NULL);
}

static enum mlt_err parse(struct span der, X509 **x)
{
    ENSURE(der.n >= 1 && der.n <= LIMIT_CERTIFICATE, MLT_ERR_ENCODING);
    const uint8_t *at = der.p;
    CLEANUP(free_x509) X509 *got = decode(&at, (long)der.n);
    ENSURE(got != NULL && at == der.p + der.n, MLT_ERR_ENCODING);
    TRY(subject_load_key(got));
    TRY(check_canonical(got, der));
    *x = got;
    got = NULL;
    return MLT_OK;
}

enum mlt_err cert_pem_from_der(struct span der, struct buf *pem)
{
    CLEANUP(free_x509) X509 *x = NULL;
    TRY(parse(der, &x));
    return cert_pem(x, pem);
}

static enum mlt_err check_algorithms(const X509 *x)
{
    const X509_ALGOR *outer = NULL;
    X509_get0_signature(NULL, &outer, x);
    ENSURE(profile_is_algorithm(X509_get0_tbs_sigalg(x)) && profile_is_algorithm(outer),
           MLT_ERR_CERT_PROFILE);
    return MLT_OK;
}

/* Takes x from the caller; *c is whole or untouched. */
static enum mlt_err commit(X509 **x, const struct cert_fields *fields, struct cert *c)
{
    struct cert got = { .fields = *fields };
    TRY(subject_key_hash(X509_get_X509_PUBKEY(*x), got.spki_hash));
    TRY(rsa_key_share(X509_get0_pubkey(*x), &got.key));
    got.x509 = *x;
    *x = NULL;
    *c = got;
    return MLT_OK;
}

static enum mlt_err check_pin(const X509 *x, const uint8_t pin[static HASH_LEN])
{
    uint8_t hash[HASH_LEN];
    TRY(subject_key_hash(X509_get_X509_PUBKEY(x), hash));
    ENSURE(span_eq(SPAN_OF(hash), span_of(pin, HASH_LEN)), MLT_ERR_PIN);
    return MLT_OK;
}

enum mlt_err cert_read_ca(struct span der, const uint8_t *pin, struct cert *ca)
{
    CLEANUP(free_x509) X509 *x = NULL;
    struct cert_fields fields;
    TRY(parse(der, &x));
    if (pin != NULL)
        TRY(check_pin(x, pin));
    TRY(profile_check(x, CERT_CA, &fields));
    ENSURE(X509_verify(x, X509_get0_pubkey(x)) == 1, MLT_ERR_CERT_SIGNATURE);
    return commit(&x, &fields, ca);
}

/* A leaf without the extension is the profile's to refuse. */
static enum mlt_err check_authority(X509 *x, const struct cert *ca)
{
    CLEANUP(free_authority)
    AUTHORITY_KEYID *authority = X509_get_ext_d2i(x, NID_authority_key_identifier, NULL, NULL);
    if (authority == NULL || authority->keyid == NULL)
        return MLT_OK;
    CLEANUP(free_octets)
    ASN1_OCTET_STRING *own = X509_get_ext_d2i(ca->x509, NID_subject_key_identifier, NULL, NULL);
    ENSURE(own != NULL && ASN1_OCTET_STRING_cmp(own, authority->keyid) == 0, MLT_ERR_CERT_FOREIGN);
    return MLT_OK;
}

static enum mlt_err check_issuer(X509 *x, const struct cert *ca)
{
    ENSURE(X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(ca->x509)) == 0,
           MLT_ERR_CERT_FOREIGN);
    return check_authority(x, ca);
}

static enum mlt_err check_role(X509 *x, enum cert_role role)
{
    ENSURE(role == CERT_SERVER || role == CERT_CLIENT, MLT_ERR_CERT_ROLE);
    const char *oid = role == CERT_SERVER ? PROFILE_OID_SERVER : PROFILE_OID_CLIENT;
    CLEANUP(free_object) ASN1_OBJECT *wanted = OBJ_txt2obj(oid, 1);
    ENSURE(wanted != NULL, MLT_ERR_NOMEM);
    CLEANUP(free_usage)
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++)
        if (OBJ_cmp(sk_ASN1_OBJECT_value(usage, i), wanted) == 0)
            return MLT_OK;
    return MLT_ERR_CERT_ROLE;
}

/* The last second is one too late, as libcrypto has it: both verdicts must agree. */
static enum mlt_err check_time(const struct cert_fields *f, int64_t now_s, int64_t behind_s)
{
    ENSURE(now_s >= f->not_before_s - behind_s, MLT_ERR_CERT_NOT_YET);
    ENSURE(now_s < f->not_after_s, MLT_ERR_CERT_EXPIRED);
    return MLT_OK;
}

static enum mlt_err set_checks(X509_VERIFY_PARAM *param, enum cert_role role)
{
    static const int security_level = 2; /* 112 bits: RSA-2048, SHA-256 */
    int purpose = role == CERT_SERVER ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
    ENSURE(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT) == 1 &&
               X509_VERIFY_PARAM_set_purpose(param, purpose) == 1,
           MLT_ERR_CRYPTO);
    X509_VERIFY_PARAM_set_depth(param, 0);
    X509_VERIFY_PARAM_set_auth_level(param, security_level);
    return MLT_OK;
}

/*
 * libcrypto's path validation over a store that holds our root alone.  Our own checks come
 * first and are stricter; this one can only refuse more.  `now_s` is NULL where the time was
 * already found wanting.
 */
static enum mlt_err check_second_opinion(X509 *x, const struct cert *ca, enum cert_role role,
                                         const int64_t *now_s)
{
    CLEANUP(free_store) X509_STORE *store = X509_STORE_new();
    CLEANUP(free_store_ctx) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    ENSURE(store != NULL && ctx != NULL, MLT_ERR_NOMEM);
    ENSURE(X509_STORE_add_cert(store, ca->x509) == 1 &&
               X509_STORE_CTX_init(ctx, store, x, NULL) == 1,
           MLT_ERR_NOMEM);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    TRY(set_checks(param, role));
    if (now_s != NULL)
        X509_VERIFY_PARAM_set_time(param, (time_t)*now_s);
    else
        ENSURE(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME) == 1, MLT_ERR_CRYPTO);
    ENSURE(X509_verify_cert(ctx) == 1, MLT_ERR_CERT_PROFILE);
    return MLT_OK;
}

enum mlt_err cert_read_leaf(struct span der, const struct cert *ca, enum cert_role role,
                            int64_t now_s, struct cert *c)
{
    CLEANUP(free_x509) X509 *x = NULL;
    struct cert_fields fields;
    TRY(parse(der, &x));
    TRY(check_issuer(x, ca));
    TRY(check_algorithms(x));
    ENSURE(X509_verify(x, ca->key) == 1, MLT_ERR_CERT_SIGNATURE);
    TRY(check_role(x, role));
    TRY(profile_check(x, role, &fields));
    ENSURE(span_eq(span_str(fields.realm), span_str(ca->fields.realm)), MLT_ERR_CERT_PROFILE);

    enum mlt_err time_verdict = check_time(&ca->fields, now_s, 0);
    if (time_verdict == MLT_OK)
        time_verdict = check_time(&fields, now_s, 0);
    TRY(check_second_opinion(x, ca, role, time_verdict == MLT_OK ? &now_s : NULL));
    TRY(commit(&x, &fields, c));
    return time_verdict;
}

enum mlt_err cert_check_late_clock(const struct cert *c, const struct cert *ca, int64_t now_s)
{
    static const int64_t behind_s = LIMIT_CLOCK_SLACK_S - LIMIT_BACKDATE_S;
    TRY(check_time(&ca->fields, now_s, behind_s));
    return check_time(&c->fields, now_s, behind_s);
}

enum mlt_err cert_read_leaf_late(struct span der, const struct cert *ca, enum cert_role role,
                                 int64_t now_s, struct cert *c)
{
    enum mlt_err err = cert_read_leaf(der, ca, role, now_s, c);
    return err == MLT_ERR_CERT_NOT_YET ? cert_check_late_clock(c, ca, now_s) : err;
}
