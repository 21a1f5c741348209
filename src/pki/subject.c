/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/subject.h"

#include <string.h>

#include <openssl/objects.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "crypto/rsa.h"

static enum mlt_err put(X509_NAME *subject, int nid, struct span text)
{
    int done =
        X509_NAME_add_entry_by_NID(subject, nid, V_ASN1_UTF8STRING, text.p, (int)text.n, -1, 0);
    ENSURE(done == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

enum mlt_err subject_put_name(X509_NAME *subject, const struct name *name)
{
    return put(subject, NID_commonName, name_span(name));
}

enum mlt_err subject_put_ca(X509_NAME *subject, const char *realm)
{
    TRY(put(subject, NID_organizationName, span_str(realm)));
    return put(subject, NID_commonName, span_str("malote CA"));
}

static enum mlt_err get(const X509_NAME *subject, int nid, struct span *text)
{
    int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    ENSURE(at >= 0, MLT_ERR_NAME);
    const ASN1_STRING *data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    *text = span_of(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data));
    return MLT_OK;
}

enum mlt_err subject_get_name(const X509_NAME *subject, struct name *name)
{
    struct span text;
    TRY(get(subject, NID_commonName, &text));
    return name_parse(text, name);
}

enum mlt_err subject_get_realm(const X509_NAME *subject, char realm[static LIMIT_REALM + 1])
{
    struct span text;
    TRY(get(subject, NID_organizationName, &text));
    TRY(realm_check(text));
    memset(realm, 0, LIMIT_REALM + 1);
    memcpy(realm, text.p, text.n);
    return MLT_OK;
}

/* RSAPublicKey (RFC 8017 A.1.1) in DER up to the modulus, and the modulus' length. */
static const struct key_form {
    uint8_t head[9];
    size_t modulus;
} key_forms[] = {
    { { 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00 }, 256 },
    { { 0x30, 0x82, 0x01, 0x8a, 0x02, 0x82, 0x01, 0x81, 0x00 }, 384 },
    { { 0x30, 0x82, 0x02, 0x0a, 0x02, 0x82, 0x02, 0x01, 0x00 }, 512 },
};
static const uint8_t exponent_65537[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };

static bool has_form(struct span key, const struct key_form *form)
{
    size_t head = sizeof form->head;
    return key.n == head + form->modulus + sizeof exponent_65537 &&
           span_eq(span_of(key.p, head), SPAN_OF(form->head)) && key.p[head] >= 0x80 &&
           span_eq(span_from(key, head + form->modulus), SPAN_OF(exponent_65537));
}

static bool has_a_form(struct span key)
{
    for (size_t i = 0; i < COUNT_OF(key_forms); i++)
        if (has_form(key, &key_forms[i]))
            return true;
    return false;
}

static struct span key_bytes(X509_PUBKEY *spki)
{
    const uint8_t *p = NULL;
    int n = 0;
    if (X509_PUBKEY_get0_param(NULL, &p, &n, NULL, spki) != 1 || n < 0)
        return span_of(NULL, 0);
    return span_of(p, (size_t)n);
}

static bool is_rsa_of_ours(X509_PUBKEY *spki)
{
    ASN1_OBJECT *algorithm = NULL;
    return X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, spki) == 1 &&
           OBJ_obj2nid(algorithm) == NID_rsaEncryption && has_a_form(key_bytes(spki));
}

static bool has_null_parameters(X509_PUBKEY *spki)
{
    X509_ALGOR *algorithm = NULL;
    int type = V_ASN1_UNDEF;
    if (X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, spki) != 1)
        return false;
    X509_ALGOR_get0(NULL, &type, NULL, algorithm);
    return type == V_ASN1_NULL;
}

enum mlt_err subject_load_key(X509 *x)
{
    X509_PUBKEY *spki = X509_get_X509_PUBKEY(x);
    if (!is_rsa_of_ours(spki) || !has_null_parameters(spki))
        return MLT_OK;
    struct span bytes = key_bytes(spki);
    const uint8_t *at = bytes.p;
    CLEANUP(rsa_key_free) EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)bytes.n);
    ENSURE(key != NULL && at == bytes.p + bytes.n, MLT_ERR_ENCODING);
    ENSURE(X509_set_pubkey(x, key) == 1, MLT_ERR_NOMEM);
    return MLT_OK;
}

bool subject_key_is_ours(X509_PUBKEY *spki)
{
    if (!is_rsa_of_ours(spki))
        return false;
    EVP_PKEY *key = X509_PUBKEY_get0(spki);
    return key != NULL && rsa_key_check(key, false) == MLT_OK;
}

enum mlt_err subject_copy_key(X509_PUBKEY *to, X509_PUBKEY *from)
{
    struct span key = key_bytes(from);
    uint8_t *copy = OPENSSL_memdup(key.p, key.n);
    ENSURE(copy != NULL, MLT_ERR_NOMEM);
    ASN1_OBJECT *algorithm = OBJ_nid2obj(NID_rsaEncryption);
    if (X509_PUBKEY_set0_param(to, algorithm, V_ASN1_NULL, NULL, copy, (int)key.n) != 1) {
        OPENSSL_free(copy);
        return MLT_ERR_NOMEM;
    }
    return MLT_OK;
}

enum mlt_err subject_key_hash(X509_PUBKEY *spki, uint8_t hash[static HASH_LEN])
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    int n = i2d_X509_PUBKEY(spki, NULL);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    uint8_t *at = NULL;
    TRY(buf_extend(&der, (size_t)n, &at));
    ENSURE(i2d_X509_PUBKEY(spki, &at) == n, MLT_ERR_CRYPTO);
    return hash_sha256(buf_span(&der), hash);
}
