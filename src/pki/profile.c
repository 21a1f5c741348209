/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/profile.h"

#include <string.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/pss.h"
#include "pki/profile_table.h"
#include "pki/subject.h"

static const int64_t day_s = 86400;

static void free_x509(X509 **x)
{
    X509_free(*x);
}

static void free_integer(ASN1_INTEGER **i)
{
    ASN1_INTEGER_free(*i);
}

static void free_time(ASN1_TIME **t)
{
    ASN1_TIME_free(*t);
}

static void free_octets(ASN1_OCTET_STRING **o)
{
    ASN1_OCTET_STRING_free(*o);
}

static void free_authority(AUTHORITY_KEYID **a)
{
    AUTHORITY_KEYID_free(*a);
}

/* X509 has getters only for its algorithm and signature; the object is ours to change. */
static void *writable(const void *p)
{
    return (void *)(uintptr_t)p;
}

static bool is_role(enum cert_role role)
{
    return role == CERT_CA || role == CERT_SERVER || role == CERT_CLIENT;
}

static bool is_serial(const uint8_t serial[static CERT_SERIAL])
{
    static const uint8_t zero[CERT_SERIAL];
    return serial[0] < 0x80 && !span_eq(span_of(serial, CERT_SERIAL), SPAN_OF(zero));
}

/* Reserved names never reach a user's certificate, whoever asks. */
static bool is_named_for_role(const struct cert_fields *f)
{
    struct name checked;
    switch (f->role) {
    case CERT_CA:
        return f->name.text[0] == '\0';
    case CERT_SERVER:
        return span_eq(name_span(&f->name), span_str("relay"));
    case CERT_CLIENT:
        return name_parse_user(name_span(&f->name), &checked) == MLT_OK;
    }
    return false;
}

static enum mlt_err check_fields(const struct cert_fields *f)
{
    ENSURE(is_role(f->role) && is_named_for_role(f), MLT_ERR_CERT_PROFILE);
    ENSURE(realm_check(span_of(f->realm, strnlen(f->realm, sizeof f->realm))) == MLT_OK,
           MLT_ERR_CERT_PROFILE);
    ENSURE(is_serial(f->serial) &&
               profile_is_life((enum profile_kind)f->role, f->not_before_s, f->not_after_s),
           MLT_ERR_CERT_PROFILE);
    return MLT_OK;
}

static enum mlt_err set_algorithm(const X509_ALGOR *algorithm)
{
    struct span der = profile_algorithm();
    const uint8_t *at = der.p;
    X509_ALGOR *ours = d2i_X509_ALGOR(NULL, &at, (long)der.n);
    ENSURE(ours != NULL, MLT_ERR_NOMEM);
    int done = X509_ALGOR_copy(writable(algorithm), ours);
    X509_ALGOR_free(ours);
    ENSURE(done == 1, MLT_ERR_NOMEM);
    return MLT_OK;
}

static enum mlt_err set_algorithms(X509 *x)
{
    const X509_ALGOR *outer = NULL;
    X509_get0_signature(NULL, &outer, x);
    TRY(set_algorithm(X509_get0_tbs_sigalg(x)));
    return set_algorithm(outer);
}

/* DER's shortest form: no zero byte in front, except before a set top bit. */
static enum mlt_err set_serial(X509 *x, const uint8_t serial[static CERT_SERIAL])
{
    size_t skip = 0;
    while (skip + 1 < CERT_SERIAL && serial[skip] == 0 && serial[skip + 1] < 0x80)
        skip++;
    size_t n = CERT_SERIAL - skip;
    uint8_t der[2 + CERT_SERIAL] = { V_ASN1_INTEGER, (uint8_t)n };
    memcpy(der + 2, serial + skip, n);
    const uint8_t *at = der;
    CLEANUP(free_integer) ASN1_INTEGER *number = d2i_ASN1_INTEGER(NULL, &at, (long)(2 + n));
    ENSURE(number != NULL && X509_set_serialNumber(x, number) == 1, MLT_ERR_NOMEM);
    return MLT_OK;
}

/* From day 0 on, so that a 32-bit time_t has no say. */
static enum mlt_err set_time(ASN1_TIME *t, int64_t s)
{
    ENSURE(ASN1_TIME_adj(t, 0, (int)(s / day_s), (long)(s % day_s)) != NULL, MLT_ERR_NOMEM);
    return MLT_OK;
}

static enum mlt_err set_names(X509 *x, const struct cert_fields *f)
{
    X509_NAME *subject = X509_get_subject_name(x);
    TRY(subject_put_ca(X509_get_issuer_name(x), f->realm));
    if (f->role == CERT_CA)
        return subject_put_ca(subject, f->realm);
    return subject_put_name(subject, &f->name);
}

static enum mlt_err add_extensions(X509 *x, const struct cert_fields *f,
                                   const uint8_t *issuer_key_id)
{
    uint8_t subject_key_id[PROFILE_KEY_ID];
    TRY(profile_key_id(X509_get_X509_PUBKEY(x), subject_key_id));
    const struct profile_values values = { .realm = f->realm,
                                           .name = &f->name,
                                           .subject_key_id = subject_key_id,
                                           .issuer_key_id = issuer_key_id };
    CLEANUP(profile_extensions_free) STACK_OF(X509_EXTENSION) *all = NULL;
    TRY(profile_extensions((enum profile_kind)f->role, &values, &all));
    for (int i = 0; i < sk_X509_EXTENSION_num(all); i++)
        ENSURE(X509_add_ext(x, sk_X509_EXTENSION_value(all, i), -1) == 1, MLT_ERR_NOMEM);
    return MLT_OK;
}

/* The key is in x already. */
static enum mlt_err fill(X509 *x, const struct cert_fields *f, const uint8_t *issuer_key_id)
{
    ENSURE(X509_set_version(x, X509_VERSION_3) == 1, MLT_ERR_NOMEM);
    TRY(set_serial(x, f->serial));
    TRY(set_algorithms(x));
    TRY(set_names(x, f));
    TRY(set_time(X509_getm_notBefore(x), f->not_before_s));
    TRY(set_time(X509_getm_notAfter(x), f->not_after_s));
    return add_extensions(x, f, issuer_key_id);
}

static enum mlt_err copy_key_id(const ASN1_OCTET_STRING *from, uint8_t id[static PROFILE_KEY_ID])
{
    ENSURE(from != NULL && ASN1_STRING_length(from) == PROFILE_KEY_ID, MLT_ERR_CERT_PROFILE);
    memcpy(id, ASN1_STRING_get0_data(from), PROFILE_KEY_ID);
    return MLT_OK;
}

static enum mlt_err check_issuer(X509 *issuer, const char *realm,
                                 uint8_t key_id[static PROFILE_KEY_ID])
{
    char issuer_realm[LIMIT_REALM + 1];
    ENSURE(subject_get_realm(X509_get_subject_name(issuer), issuer_realm) == MLT_OK &&
               span_eq(span_str(issuer_realm), span_str(realm)),
           MLT_ERR_CERT_FOREIGN);
    CLEANUP(free_octets)
    ASN1_OCTET_STRING *id = X509_get_ext_d2i(issuer, NID_subject_key_identifier, NULL, NULL);
    return copy_key_id(id, key_id);
}

enum mlt_err profile_build(const struct cert_fields *fields, EVP_PKEY *subject_key, X509 *issuer,
                           X509 *out)
{
    uint8_t issuer_key_id[PROFILE_KEY_ID] = { 0 };
    TRY(check_fields(fields));
    ENSURE((issuer == NULL) == (fields->role == CERT_CA), MLT_ERR_CERT_PROFILE);
    if (issuer != NULL)
        TRY(check_issuer(issuer, fields->realm, issuer_key_id));
    ENSURE(X509_set_pubkey(out, subject_key) == 1, MLT_ERR_CRYPTO);
    ENSURE(subject_key_is_ours(X509_get_X509_PUBKEY(out)), MLT_ERR_CERT_PROFILE);
    return fill(out, fields, issuer_key_id);
}

enum mlt_err profile_tbs(X509 *cert, struct buf *tbs)
{
    int n = i2d_re_X509_tbs(cert, NULL);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    uint8_t *at = NULL;
    TRY(buf_extend(tbs, (size_t)n, &at));
    ENSURE(i2d_re_X509_tbs(cert, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

static enum mlt_err get_serial(const X509 *cert, uint8_t serial[static CERT_SERIAL])
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
    size_t n = (size_t)ASN1_STRING_length(number);
    ENSURE(ASN1_STRING_type(number) == V_ASN1_INTEGER && n <= CERT_SERIAL, MLT_ERR_CERT_PROFILE);
    memset(serial, 0, CERT_SERIAL);
    if (n > 0)
        memcpy(serial + CERT_SERIAL - n, ASN1_STRING_get0_data(number), n);
    return MLT_OK;
}

static enum mlt_err get_time(const ASN1_TIME *t, int64_t *s)
{
    CLEANUP(free_time) ASN1_TIME *epoch = ASN1_TIME_adj(NULL, 0, 0, 0);
    ENSURE(epoch != NULL, MLT_ERR_NOMEM);
    int days = 0;
    int seconds = 0;
    ENSURE(ASN1_TIME_diff(&days, &seconds, epoch, t) == 1, MLT_ERR_CERT_PROFILE);
    *s = days * day_s + seconds;
    return MLT_OK;
}

/* As much as a rebuild needs; what the fields do not say, the comparison does. */
static enum mlt_err get_fields(X509 *cert, enum cert_role role, struct cert_fields *f)
{
    f->role = role;
    TRY(get_serial(cert, f->serial));
    TRY(get_time(X509_get0_notBefore(cert), &f->not_before_s));
    TRY(get_time(X509_get0_notAfter(cert), &f->not_after_s));
    ENSURE(subject_get_realm(X509_get_issuer_name(cert), f->realm) == MLT_OK, MLT_ERR_CERT_PROFILE);
    if (role != CERT_CA)
        ENSURE(subject_get_name(X509_get_subject_name(cert), &f->name) == MLT_OK,
               MLT_ERR_CERT_PROFILE);
    return check_fields(f);
}

static enum mlt_err get_issuer_key_id(X509 *cert, uint8_t id[static PROFILE_KEY_ID])
{
    CLEANUP(free_authority)
    AUTHORITY_KEYID *authority = X509_get_ext_d2i(cert, NID_authority_key_identifier, NULL, NULL);
    ENSURE(authority != NULL, MLT_ERR_CERT_PROFILE);
    return copy_key_id(authority->keyid, id);
}

static enum mlt_err copy_signature(X509 *from, X509 *to)
{
    const ASN1_BIT_STRING *source = NULL;
    const ASN1_BIT_STRING *target = NULL;
    X509_get0_signature(&source, NULL, from);
    X509_get0_signature(&target, NULL, to);
    ENSURE(ASN1_STRING_copy(writable(target), source) == 1, MLT_ERR_NOMEM);
    return MLT_OK;
}

static enum mlt_err put_der(X509 *cert, struct buf *out)
{
    int n = i2d_X509(cert, NULL);
    ENSURE(n > 0, MLT_ERR_CERT_PROFILE);
    uint8_t *at = NULL;
    TRY(buf_extend(out, (size_t)n, &at));
    ENSURE(i2d_X509(cert, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

/* Equal bytes leave no room for anything more, less, or encoded in another way. */
static enum mlt_err compare(X509 *cert, X509 *expected)
{
    CLEANUP(buf_clear) struct buf have = { 0 };
    CLEANUP(buf_clear) struct buf want = { 0 };
    TRY(copy_signature(cert, expected));
    TRY(put_der(cert, &have));
    TRY(put_der(expected, &want));
    ENSURE(span_eq(buf_span(&have), buf_span(&want)), MLT_ERR_CERT_PROFILE);
    return MLT_OK;
}

enum mlt_err profile_check(X509 *cert, enum cert_role role, struct cert_fields *fields)
{
    struct cert_fields got = { 0 };
    uint8_t issuer_key_id[PROFILE_KEY_ID] = { 0 };
    ENSURE(is_role(role), MLT_ERR_CERT_PROFILE);
    X509_PUBKEY *spki = X509_get_X509_PUBKEY(cert);
    ENSURE(subject_key_is_ours(spki), MLT_ERR_CERT_PROFILE);
    TRY(get_fields(cert, role, &got));
    if (role != CERT_CA)
        TRY(get_issuer_key_id(cert, issuer_key_id));

    CLEANUP(free_x509) X509 *expected = X509_new();
    ENSURE(expected != NULL, MLT_ERR_NOMEM);
    TRY(subject_copy_key(X509_get_X509_PUBKEY(expected), spki));
    TRY(fill(expected, &got, issuer_key_id));
    TRY(compare(cert, expected));
    *fields = got;
    return MLT_OK;
}

static enum mlt_err check_any_role(X509 *cert)
{
    static const enum cert_role roles[] = { CERT_CLIENT, CERT_SERVER, CERT_CA };
    struct cert_fields ignored;
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (profile_check(cert, roles[i], &ignored) == MLT_OK)
            return MLT_OK;
    return MLT_ERR_CERT_PROFILE;
}

enum mlt_err profile_sign(X509 *cert, EVP_PKEY *key)
{
    CLEANUP(pss_context_free) EVP_MD_CTX *ctx = NULL;
    TRY(check_any_role(cert));
    TRY(pss_sign_context(key, &ctx));
    ENSURE(X509_sign_ctx(cert, ctx) > 0, MLT_ERR_CRYPTO);
    return check_any_role(cert);
}

bool profile_is_algorithm(const X509_ALGOR *algorithm)
{
    struct span ours = profile_algorithm();
    CLEANUP(buf_clear) struct buf der = { 0 };
    int n = i2d_X509_ALGOR(algorithm, NULL);
    uint8_t *at = NULL;
    return n >= 0 && (size_t)n == ours.n && buf_extend(&der, ours.n, &at) == MLT_OK &&
           i2d_X509_ALGOR(algorithm, &at) == n && span_eq(buf_span(&der), ours);
}
