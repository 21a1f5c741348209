/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pkcs12.h"

#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/algorithms.h"
#include "crypto/rsa.h"

#define SALT 16 /* NIST SP 800-132 5.1: 128 bits at least; libcrypto would take 64 */

static void free_file(PKCS12 **p)
{
    PKCS12_free(*p);
}

static void free_x509(X509 **x)
{
    X509_free(*x);
}

static void free_private(PKCS8_PRIV_KEY_INFO **p)
{
    PKCS8_PRIV_KEY_INFO_free(*p);
}

static void free_bags(STACK_OF(PKCS12_SAFEBAG) * *bags)
{
    sk_PKCS12_SAFEBAG_pop_free(*bags, PKCS12_SAFEBAG_free);
}

static void free_safes(STACK_OF(PKCS7) * *safes)
{
    sk_PKCS7_pop_free(*safes, PKCS7_free);
}

static void free_scheme(PBE2PARAM **p)
{
    PBE2PARAM_free(*p);
}

static void free_derivation(PBKDF2PARAM **p)
{
    PBKDF2PARAM_free(*p);
}

void pkcs12_clear(struct pkcs12 *p)
{
    rsa_key_free(&p->key);
    buf_clear(&p->certificate);
}

/* libcrypto takes chars; the secret must stand there with its end. */
struct phrase {
    struct secret text;
    const char *p;
    int n;
};

static void phrase_clear(struct phrase *phrase)
{
    secret_clear(&phrase->text);
}

static enum mlt_err phrase_set(struct phrase *phrase, struct span passphrase)
{
    ENSURE(passphrase.n >= 1 && passphrase.n <= LIMIT_PASSPHRASE, MLT_ERR_USAGE);
    ENSURE(memchr(passphrase.p, 0, passphrase.n) == NULL, MLT_ERR_USAGE);
    TRY(secret_new(&phrase->text, passphrase.n + 1));
    memcpy(phrase->text.p, passphrase.p, passphrase.n);
    phrase->p = (const char *)phrase->text.p;
    phrase->n = (int)passphrase.n;
    return MLT_OK;
}

static enum mlt_err decode_certificate(struct span der, EVP_PKEY *key, X509 **x)
{
    ENSURE(der.n >= 1 && der.n <= LIMIT_CERTIFICATE, MLT_ERR_DAMAGED);
    const uint8_t *at = der.p;
    CLEANUP(free_x509) X509 *got = d2i_X509(NULL, &at, (long)der.n);
    ENSURE(got != NULL && at == der.p + der.n, MLT_ERR_DAMAGED);
    ENSURE(X509_check_private_key(got, key) == 1, MLT_ERR_DAMAGED);
    *x = got;
    got = NULL;
    return MLT_OK;
}

/* Takes the bag; the label and the key's number say that certificate and key are a pair. */
static enum mlt_err put_bag(PKCS12_SAFEBAG *bag, const char *label, STACK_OF(PKCS12_SAFEBAG) * bags)
{
    static uint8_t pair[] = { 1 };
    ENSURE(bag != NULL, MLT_ERR_CRYPTO);
    if (PKCS12_add_friendlyname_utf8(bag, label, -1) != 1 ||
        PKCS12_add_localkeyid(bag, pair, sizeof pair) != 1 ||
        sk_PKCS12_SAFEBAG_push(bags, bag) <= 0) {
        PKCS12_SAFEBAG_free(bag);
        return MLT_ERR_CRYPTO;
    }
    return MLT_OK;
}

static enum mlt_err put_safe(PKCS7 *safe, STACK_OF(PKCS7) * safes)
{
    ENSURE(safe != NULL, MLT_ERR_CRYPTO);
    if (sk_PKCS7_push(safes, safe) <= 0) {
        PKCS7_free(safe);
        return MLT_ERR_NOMEM;
    }
    return MLT_OK;
}

/* PBES2 with its default, HMAC-SHA-256; libcrypto fills the salt. */
static enum mlt_err put_key(EVP_PKEY *key, const char *label, const struct phrase *phrase,
                            STACK_OF(PKCS7) * safes)
{
    CLEANUP(free_private) PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    CLEANUP(free_bags) STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    ENSURE(plain != NULL && bags != NULL, MLT_ERR_NOMEM);
    PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_pkcs8_encrypt(
        NID_aes_256_cbc, phrase->p, phrase->n, NULL, SALT, LIMIT_PKCS12_ITERATIONS, plain);
    TRY(put_bag(bag, label, bags));
    return put_safe(PKCS12_pack_p7data(bags), safes);
}

static enum mlt_err put_certificate(X509 *x, const char *label, const struct phrase *phrase,
                                    STACK_OF(PKCS7) * safes)
{
    CLEANUP(free_bags) STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    ENSURE(bags != NULL, MLT_ERR_NOMEM);
    TRY(put_bag(PKCS12_SAFEBAG_create_cert(x), label, bags));
    return put_safe(PKCS12_pack_p7encdata(NID_aes_256_cbc, phrase->p, phrase->n, NULL, SALT,
                                          LIMIT_PKCS12_ITERATIONS, bags),
                    safes);
}

static enum mlt_err put_der(PKCS12 *file, struct buf *out)
{
    int n = i2d_PKCS12(file, NULL);
    ENSURE(n > 0 && n <= LIMIT_PKCS12, MLT_ERR_CRYPTO);
    uint8_t *at = NULL;
    TRY(buf_extend(out, (size_t)n, &at));
    ENSURE(i2d_PKCS12(file, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

enum mlt_err pkcs12_make(const struct pkcs12 *p, const char *label, struct span passphrase,
                         struct buf *file)
{
    CLEANUP(phrase_clear) struct phrase phrase = { 0 };
    TRY(phrase_set(&phrase, passphrase));
    CLEANUP(free_x509) X509 *x = NULL;
    TRY(decode_certificate(buf_span(&p->certificate), p->key, &x));
    CLEANUP(free_safes) STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
    CLEANUP(free_file) PKCS12 *made = PKCS12_init(NID_pkcs7_data);
    ENSURE(safes != NULL && made != NULL, MLT_ERR_NOMEM);
    TRY(put_certificate(x, label, &phrase, safes));
    TRY(put_key(p->key, label, &phrase, safes));
    ENSURE(PKCS12_pack_authsafes(made, safes) == 1, MLT_ERR_CRYPTO);
    ENSURE(PKCS12_set_mac(made, phrase.p, phrase.n, NULL, SALT, LIMIT_PKCS12_ITERATIONS,
                          algorithms()->sha256) == 1,
           MLT_ERR_CRYPTO);
    return put_der(made, file);
}

static bool is_nid(const X509_ALGOR *algorithm, int nid)
{
    const ASN1_OBJECT *object = NULL;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    return OBJ_obj2nid(object) == nid;
}

/* Asked before the first one is done: a file may want years of them. */
static bool is_affordable(const ASN1_INTEGER *iterations)
{
    int64_t n = 0;
    return ASN1_INTEGER_get_int64(&n, iterations) == 1 && n >= 1 &&
           n <= LIMIT_PKCS12_ITERATIONS_MAX;
}

static enum mlt_err check_derivation(const X509_ALGOR *algorithm)
{
    ENSURE(is_nid(algorithm, NID_id_pbkdf2), MLT_ERR_REFUSED);
    CLEANUP(free_derivation)
    PBKDF2PARAM *d = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), algorithm->parameter);
    ENSURE(d != NULL, MLT_ERR_DAMAGED);
    ENSURE(d->prf != NULL && is_nid(d->prf, NID_hmacWithSHA256), MLT_ERR_REFUSED);
    ENSURE(is_affordable(d->iter), MLT_ERR_DAMAGED);
    return MLT_OK;
}

static enum mlt_err check_encryption(const X509_ALGOR *algorithm)
{
    ENSURE(algorithm != NULL, MLT_ERR_DAMAGED);
    ENSURE(is_nid(algorithm, NID_pbes2), MLT_ERR_REFUSED);
    CLEANUP(free_scheme)
    PBE2PARAM *scheme = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
    ENSURE(scheme != NULL, MLT_ERR_DAMAGED);
    ENSURE(is_nid(scheme->encryption, NID_aes_256_cbc), MLT_ERR_REFUSED);
    return check_derivation(scheme->keyfunc);
}

static enum mlt_err check_mac(PKCS12 *file, const struct phrase *phrase)
{
    const X509_ALGOR *algorithm = NULL;
    const ASN1_INTEGER *iterations = NULL;
    ENSURE(PKCS12_mac_present(file) == 1, MLT_ERR_REFUSED);
    PKCS12_get0_mac(NULL, &algorithm, NULL, &iterations, file);
    bool once = iterations == NULL; /* RFC 7292 4: DEFAULT 1 */
    ENSURE(is_nid(algorithm, NID_sha256), MLT_ERR_REFUSED);
    ENSURE(once || is_affordable(iterations), MLT_ERR_DAMAGED);
    ENSURE(PKCS12_verify_mac(file, phrase->p, phrase->n) == 1, MLT_ERR_PASSPHRASE);
    return MLT_OK;
}

/* What a file turned out to hold. */
struct found {
    EVP_PKEY *key;
    X509 *x509;
};

static void found_clear(struct found *f)
{
    rsa_key_free(&f->key);
    X509_free(f->x509);
}

static enum mlt_err take_key(PKCS12_SAFEBAG *bag, const struct phrase *phrase, struct found *f)
{
    const X509_ALGOR *algorithm = NULL;
    ENSURE(f->key == NULL, MLT_ERR_DAMAGED);
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
    TRY(check_encryption(algorithm));
    CLEANUP(free_private)
    PKCS8_PRIV_KEY_INFO *plain = PKCS12_decrypt_skey(bag, phrase->p, phrase->n);
    ENSURE(plain != NULL, MLT_ERR_DAMAGED);
    CLEANUP(rsa_key_free) EVP_PKEY *key = EVP_PKCS82PKEY(plain);
    ENSURE(key != NULL, MLT_ERR_DAMAGED);
    TRY(rsa_key_check(key, true));
    f->key = key;
    key = NULL;
    return MLT_OK;
}

static enum mlt_err take_bag(PKCS12_SAFEBAG *bag, const struct phrase *phrase, struct found *f)
{
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_pkcs8ShroudedKeyBag:
        return take_key(bag, phrase, f);
    case NID_certBag:
        ENSURE(f->x509 == NULL, MLT_ERR_DAMAGED);
        f->x509 = PKCS12_SAFEBAG_get1_cert(bag);
        ENSURE(f->x509 != NULL, MLT_ERR_DAMAGED);
        return MLT_OK;
    default:
        return MLT_ERR_DAMAGED;
    }
}

static enum mlt_err open_safe(PKCS7 *safe, const struct phrase *phrase,
                              STACK_OF(PKCS12_SAFEBAG) * *bags)
{
    if (PKCS7_type_is_encrypted(safe)) {
        ENSURE(safe->d.encrypted != NULL && safe->d.encrypted->enc_data != NULL, MLT_ERR_DAMAGED);
        TRY(check_encryption(safe->d.encrypted->enc_data->algorithm));
        *bags = PKCS12_unpack_p7encdata(safe, phrase->p, phrase->n);
    } else {
        ENSURE(PKCS7_type_is_data(safe), MLT_ERR_DAMAGED);
        *bags = PKCS12_unpack_p7data(safe);
    }
    ENSURE(*bags != NULL, MLT_ERR_DAMAGED);
    return MLT_OK;
}

/* Two of them hold all that is wanted: what each costs to open is bounded, their number too. */
static enum mlt_err take_all(PKCS12 *file, const struct phrase *phrase, struct found *f)
{
    CLEANUP(free_safes) STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(file);
    ENSURE(safes != NULL && sk_PKCS7_num(safes) <= 2, MLT_ERR_DAMAGED);
    for (int i = 0; i < sk_PKCS7_num(safes); i++) {
        CLEANUP(free_bags) STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
        TRY(open_safe(sk_PKCS7_value(safes, i), phrase, &bags));
        for (int j = 0; j < sk_PKCS12_SAFEBAG_num(bags); j++)
            TRY(take_bag(sk_PKCS12_SAFEBAG_value(bags, j), phrase, f));
    }
    ENSURE(f->key != NULL && f->x509 != NULL, MLT_ERR_DAMAGED);
    ENSURE(X509_check_private_key(f->x509, f->key) == 1, MLT_ERR_DAMAGED);
    return MLT_OK;
}

enum mlt_err pkcs12_read(struct span file, struct span passphrase, struct pkcs12 *p)
{
    CLEANUP(phrase_clear) struct phrase phrase = { 0 };
    TRY(phrase_set(&phrase, passphrase));
    ENSURE(file.n >= 1 && file.n <= LIMIT_PKCS12, MLT_ERR_DAMAGED);
    const uint8_t *at = file.p;
    CLEANUP(free_file) PKCS12 *got = d2i_PKCS12(NULL, &at, (long)file.n);
    ENSURE(got != NULL && at == file.p + file.n, MLT_ERR_DAMAGED);
    TRY(check_mac(got, &phrase));
    CLEANUP(found_clear) struct found found = { 0 };
    TRY(take_all(got, &phrase, &found));
    CLEANUP(buf_clear) struct buf der = { 0 };
    int n = i2d_X509(found.x509, NULL);
    uint8_t *to = NULL;
    ENSURE(n > 0, MLT_ERR_DAMAGED);
    TRY(buf_extend(&der, (size_t)n, &to));
    ENSURE(i2d_X509(found.x509, &to) == n, MLT_ERR_CRYPTO);
    pkcs12_clear(p);
    *p = (struct pkcs12) { .key = found.key, .certificate = der };
    found.key = NULL;
    der = (struct buf) { 0 };
    return MLT_OK;
}
