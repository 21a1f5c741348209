/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/crl.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/alloc.h"
#include "crypto/pss.h"
#include "pki/der.h"
#include "pki/profile_table.h"

static const uint8_t version_2[] = { DER_INTEGER, 1, 1 }; /* RFC 5280 5.1.2.1 */
static const uint8_t oid_crl_number[] = { 0x55, 0x1d, 0x14 };
static const uint8_t oid_authority_key_id[] = { 0x55, 0x1d, 0x23 };
/* AuthorityKeyIdentifier that is a key id of ours and nothing else, up to the id. */
static const uint8_t key_id_alone[] = { DER_SEQUENCE, 2 + PROFILE_KEY_ID, 0x80, PROFILE_KEY_ID };

/* What stands around a TBSCertList: headers, algorithm, the longest signature. */
static const size_t envelope_most = 16 + 128 + LIMIT_SIGNATURE;

static const enum crl_reason reasons[] = { CRL_KEY_COMPROMISE, CRL_AFFILIATION_CHANGED,
                                           CRL_SUPERSEDED, CRL_CESSATION };

static void free_bio(BIO **b)
{
    BIO_free(*b);
}

bool crl_is_reason(unsigned reason)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i] == reason)
            return true;
    return reason == CRL_UNSPECIFIED;
}

void crl_clear(struct crl *crl)
{
    alloc_free(crl->entries);
    *crl = (struct crl) { 0 };
}

enum mlt_err crl_reserve(struct crl *crl, size_t count)
{
    struct crl_entry *entries = NULL;
    if (count > 0)
        TRY(ALLOC_ARRAY(count, &entries));
    alloc_free(crl->entries);
    crl->entries = entries;
    crl->count = count;
    return MLT_OK;
}

static int compare_serials(const void *a, const void *b)
{
    const struct crl_entry *left = a;
    const struct crl_entry *right = b;
    return span_cmp(SPAN_OF(left->serial), SPAN_OF(right->serial));
}

const struct crl_entry *crl_find(const struct crl *crl, const uint8_t serial[static CERT_SERIAL])
{
    struct crl_entry wanted = { 0 };
    memcpy(wanted.serial, serial, CERT_SERIAL);
    if (crl->count == 0)
        return NULL;
    return bsearch(&wanted, crl->entries, crl->count, sizeof wanted, compare_serials);
}

/* ---- from fields to bytes ---- */

/* What is the same in every list of a CA, and in every entry with a reason. */
struct pattern {
    uint8_t key_id[PROFILE_KEY_ID];
    struct buf issuer;                    /* Name */
    struct buf reason[COUNT_OF(reasons)]; /* Extensions of an entry */
};

static void pattern_clear(struct pattern *p)
{
    buf_clear(&p->issuer);
    for (size_t i = 0; i < COUNT_OF(p->reason); i++)
        buf_clear(&p->reason[i]);
}

static enum mlt_err put_extensions(enum profile_kind kind, const struct profile_values *values,
                                   struct buf *out)
{
    CLEANUP(profile_extensions_free) STACK_OF(X509_EXTENSION) *all = NULL;
    TRY(profile_extensions(kind, values, &all));
    int n = i2d_X509_EXTENSIONS(all, NULL);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    uint8_t *at = NULL;
    TRY(buf_extend(out, (size_t)n, &at));
    ENSURE(i2d_X509_EXTENSIONS(all, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

static enum mlt_err put_issuer(const struct cert *ca, struct buf *out)
{
    const X509_NAME *name = X509_get_subject_name(ca->x509);
    int n = i2d_X509_NAME(name, NULL);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    uint8_t *at = NULL;
    TRY(buf_extend(out, (size_t)n, &at));
    ENSURE(i2d_X509_NAME(name, &at) == n, MLT_ERR_CRYPTO);
    return MLT_OK;
}

static enum mlt_err pattern_make(const struct cert *ca, struct pattern *out)
{
    CLEANUP(pattern_clear) struct pattern p = { 0 };
    TRY(profile_key_id(X509_get_X509_PUBKEY(ca->x509), p.key_id));
    TRY(put_issuer(ca, &p.issuer));
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        const struct profile_values values = { .reason = (uint8_t)reasons[i] };
        TRY(put_extensions(PROFILE_CRL_ENTRY, &values, &p.reason[i]));
    }
    *out = p;
    p = (struct pattern) { 0 };
    return MLT_OK;
}

static enum mlt_err put_reason(const struct pattern *p, enum crl_reason reason, struct buf *out)
{
    if (reason == CRL_UNSPECIFIED) /* RFC 5280 5.3.1: said by saying nothing */
        return MLT_OK;
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i] == reason)
            return buf_put(out, buf_span(&p->reason[i]));
    return MLT_ERR_CRL;
}

static enum mlt_err put_entries(const struct crl *crl, const struct pattern *p, struct buf *out)
{
    CLEANUP(buf_clear) struct buf all = { 0 };
    CLEANUP(buf_clear) struct buf one = { 0 };
    if (crl->count == 0) /* RFC 5280 5.1.2.6: then there is no list */
        return MLT_OK;
    for (size_t i = 0; i < crl->count; i++) {
        buf_reset(&one);
        TRY(der_put_number(&one, SPAN_OF(crl->entries[i].serial)));
        TRY(der_put_time(&one, crl->entries[i].revoked_s));
        TRY(put_reason(p, crl->entries[i].reason, &one));
        TRY(der_put(&all, DER_SEQUENCE, buf_span(&one)));
        ENSURE(all.len <= LIMIT_CRL, MLT_ERR_NOSPACE);
    }
    return der_put(out, DER_SEQUENCE, buf_span(&all));
}

static enum mlt_err put_list_extensions(const struct crl *crl, const struct pattern *p,
                                        struct buf *out)
{
    CLEANUP(buf_clear) struct buf extensions = { 0 };
    const struct profile_values values = { .issuer_key_id = p->key_id, .number = crl->number };
    TRY(put_extensions(PROFILE_CRL, &values, &extensions));
    return der_put(out, DER_CONTEXT_0, buf_span(&extensions));
}

static bool is_entry(const struct crl_entry *e)
{
    static const uint8_t zero[CERT_SERIAL];
    return e->serial[0] < 0x80 && !span_eq(SPAN_OF(e->serial), SPAN_OF(zero)) &&
           profile_is_time(e->revoked_s) && crl_is_reason(e->reason);
}

/* Each serial once, by rising serial. */
static enum mlt_err check_entries(const struct crl *crl)
{
    for (size_t i = 0; i < crl->count; i++) {
        const struct crl_entry *e = &crl->entries[i];
        ENSURE(is_entry(e), MLT_ERR_CRL);
        ENSURE(i == 0 || compare_serials(e - 1, e) < 0, MLT_ERR_CRL);
    }
    return MLT_OK;
}

static enum mlt_err build(const struct crl *crl, const struct pattern *p, struct buf *tbs)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    ENSURE(crl->number > 0 && crl->number <= INT64_MAX, MLT_ERR_CRL);
    ENSURE(profile_is_life(PROFILE_CRL, crl->this_update_s, crl->next_update_s), MLT_ERR_CRL);
    TRY(check_entries(crl));
    TRY(buf_put(&body, SPAN_OF(version_2)));
    TRY(buf_put(&body, profile_algorithm()));
    TRY(buf_put(&body, buf_span(&p->issuer)));
    TRY(der_put_time(&body, crl->this_update_s));
    TRY(der_put_time(&body, crl->next_update_s));
    TRY(put_entries(crl, p, &body));
    TRY(put_list_extensions(crl, p, &body));
    ENSURE(body.len <= LIMIT_CRL - envelope_most, MLT_ERR_NOSPACE);
    return der_put(tbs, DER_SEQUENCE, buf_span(&body));
}

enum mlt_err crl_tbs(struct crl *crl, const struct cert *ca, struct buf *tbs)
{
    CLEANUP(pattern_clear) struct pattern p = { 0 };
    TRY(pattern_make(ca, &p));
    if (crl->count > 0)
        qsort(crl->entries, crl->count, sizeof *crl->entries, compare_serials);
    return build(crl, &p, tbs);
}

/* ---- from bytes to fields ---- */

/* A TBSCertList, as far as it has the form of one. */
struct parts {
    struct span algorithm, issuer;
    struct span rest;       /* thisUpdate and what follows */
    struct span extensions; /* content of the list of them; empty where there is none */
};

static bool take_extensions(struct span rest, struct span *extensions)
{
    uint8_t tag = 0;
    struct span content;
    *extensions = span_of(NULL, 0);
    while (rest.n > 0)
        if (!der_next(&rest, &tag, &content))
            return false;
    return tag != DER_CONTEXT_0 || der_take(&content, DER_SEQUENCE, extensions);
}

static enum mlt_err take_parts(struct span tbs, struct parts *parts)
{
    struct span body;
    struct span version;
    ENSURE(der_take(&tbs, DER_SEQUENCE, &body), MLT_ERR_CRL);
    (void)der_take(&body, DER_INTEGER, &version); /* a list of version 1 has none */
    ENSURE(der_take_whole(&body, DER_SEQUENCE, &parts->algorithm), MLT_ERR_CRL);
    ENSURE(der_take_whole(&body, DER_SEQUENCE, &parts->issuer), MLT_ERR_CRL);
    parts->rest = body;
    ENSURE(take_extensions(body, &parts->extensions), MLT_ERR_CRL);
    return MLT_OK;
}

/* The value of the first extension of this kind. */
static bool find_extension(const struct parts *parts, struct span oid, struct span *value)
{
    struct span rest = parts->extensions;
    struct span extension;
    struct span id;
    struct span critical;
    while (der_take(&rest, DER_SEQUENCE, &extension)) {
        if (!der_take(&extension, DER_OID, &id) || !span_eq(id, oid))
            continue;
        (void)der_take(&extension, DER_BOOLEAN, &critical);
        return der_take(&extension, DER_OCTETS, value);
    }
    return false;
}

/* A list without the extension, or with another form of it, is the profile's to refuse. */
static enum mlt_err check_issuer(const struct parts *parts, const struct pattern *p)
{
    struct span value;
    ENSURE(span_eq(parts->issuer, buf_span(&p->issuer)), MLT_ERR_CRL_FOREIGN);
    if (!find_extension(parts, SPAN_OF(oid_authority_key_id), &value) ||
        value.n != sizeof key_id_alone + PROFILE_KEY_ID ||
        !span_eq(span_of(value.p, sizeof key_id_alone), SPAN_OF(key_id_alone)))
        return MLT_OK;
    ENSURE(span_eq(span_from(value, sizeof key_id_alone), SPAN_OF(p->key_id)), MLT_ERR_CRL_FOREIGN);
    return MLT_OK;
}

static enum mlt_err get_number(const struct parts *parts, uint64_t *number)
{
    struct span value;
    uint8_t bytes[sizeof *number];
    ENSURE(find_extension(parts, SPAN_OF(oid_crl_number), &value), MLT_ERR_CRL);
    ENSURE(der_take_number(&value, bytes, sizeof bytes), MLT_ERR_CRL);
    *number = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        *number = *number << 8 | bytes[i];
    return MLT_OK;
}

static enum mlt_err get_reason(struct span rest, const struct pattern *p, enum crl_reason *reason)
{
    *reason = CRL_UNSPECIFIED;
    if (rest.n == 0)
        return MLT_OK;
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (!span_eq(rest, buf_span(&p->reason[i])))
            continue;
        *reason = reasons[i];
        return MLT_OK;
    }
    return MLT_ERR_CRL;
}

static enum mlt_err get_entry(struct span entry, const struct pattern *p, struct crl_entry *out)
{
    ENSURE(der_take_number(&entry, out->serial, CERT_SERIAL), MLT_ERR_CRL);
    ENSURE(der_take_time(&entry, &out->revoked_s), MLT_ERR_CRL);
    return get_reason(entry, p, &out->reason);
}

static enum mlt_err get_entries(struct span list, const struct pattern *p, struct crl *crl)
{
    struct span entry;
    size_t count = 0;
    for (struct span rest = list; rest.n > 0; count++)
        ENSURE(der_take(&rest, DER_SEQUENCE, &entry), MLT_ERR_CRL);
    TRY(crl_reserve(crl, count));
    for (size_t i = 0; i < count; i++) {
        ENSURE(der_take(&list, DER_SEQUENCE, &entry), MLT_ERR_CRL);
        TRY(get_entry(entry, p, &crl->entries[i]));
    }
    return MLT_OK;
}

/* As much as a rebuild needs; what the fields do not say, the comparison does. */
static enum mlt_err get_fields(const struct parts *parts, const struct pattern *p, struct crl *crl)
{
    struct span rest = parts->rest;
    struct span list;
    ENSURE(der_take_time(&rest, &crl->this_update_s), MLT_ERR_CRL);
    ENSURE(der_take_time(&rest, &crl->next_update_s), MLT_ERR_CRL);
    TRY(get_number(parts, &crl->number));
    return der_take(&rest, DER_SEQUENCE, &list) ? get_entries(list, p, crl) : MLT_OK;
}

/* Equal bytes leave no room for anything more, less, or encoded in another way. */
static enum mlt_err check_profile(struct span tbs, const struct parts *parts,
                                  const struct pattern *p, struct crl *crl)
{
    CLEANUP(crl_clear) struct crl got = { 0 };
    CLEANUP(buf_clear) struct buf expected = { 0 };
    TRY(get_fields(parts, p, &got));
    TRY(build(&got, p, &expected));
    ENSURE(span_eq(tbs, buf_span(&expected)), MLT_ERR_CRL);
    crl_clear(crl);
    *crl = got;
    got = (struct crl) { 0 };
    return MLT_OK;
}

/* CertificateList (RFC 5280 5.1). */
struct signed_list {
    struct span tbs, algorithm, signature;
};

static enum mlt_err take_signed(struct span der, struct signed_list *out)
{
    struct span body;
    struct span bits;
    ENSURE(der.n >= 1 && der.n <= LIMIT_CRL, MLT_ERR_ENCODING);
    TRY(der_check(der));
    ENSURE(der_take(&der, DER_SEQUENCE, &body), MLT_ERR_CRL);
    ENSURE(der_take_whole(&body, DER_SEQUENCE, &out->tbs), MLT_ERR_CRL);
    ENSURE(der_take_whole(&body, DER_SEQUENCE, &out->algorithm), MLT_ERR_CRL);
    ENSURE(der_take(&body, DER_BIT_STRING, &bits) && body.n == 0, MLT_ERR_CRL);
    ENSURE(bits.n >= 1 && bits.p[0] == 0, MLT_ERR_CRL); /* no bits left over */
    out->signature = span_from(bits, 1);
    return MLT_OK;
}

enum mlt_err crl_read(struct span der, const struct cert *ca, struct crl *crl)
{
    CLEANUP(pattern_clear) struct pattern p = { 0 };
    struct signed_list list;
    struct parts parts;
    TRY(take_signed(der, &list));
    TRY(take_parts(list.tbs, &parts));
    TRY(pattern_make(ca, &p));
    TRY(check_issuer(&parts, &p));
    ENSURE(span_eq(list.algorithm, profile_algorithm()) &&
               span_eq(parts.algorithm, profile_algorithm()),
           MLT_ERR_CRL);
    enum mlt_err verdict = pss_verify(ca->key, list.tbs, list.signature);
    ENSURE(verdict != MLT_ERR_AUTH, MLT_ERR_CRL_SIGNATURE);
    TRY(verdict);
    return check_profile(list.tbs, &parts, &p, crl);
}

enum mlt_err crl_tbs_of(struct span der, struct buf *tbs)
{
    struct signed_list list;
    TRY(take_signed(der, &list));
    return buf_put(tbs, list.tbs);
}

static enum mlt_err check_tbs(struct span tbs, const struct cert *ca)
{
    CLEANUP(pattern_clear) struct pattern p = { 0 };
    CLEANUP(crl_clear) struct crl ignored = { 0 };
    struct parts parts;
    TRY(der_check(tbs));
    TRY(take_parts(tbs, &parts));
    TRY(pattern_make(ca, &p));
    TRY(check_issuer(&parts, &p));
    return check_profile(tbs, &parts, &p, &ignored);
}

static enum mlt_err put_signature(struct span signature, struct buf *out)
{
    CLEANUP(buf_clear) struct buf bits = { 0 };
    TRY(buf_put_u8(&bits, 0)); /* bits left over in the last byte */
    TRY(buf_put(&bits, signature));
    return der_put(out, DER_BIT_STRING, buf_span(&bits));
}

enum mlt_err crl_sign(struct span tbs, EVP_PKEY *key, const struct cert *ca, struct buf *der)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(check_tbs(tbs, ca));
    TRY(pss_sign(key, tbs, &signature));
    ENSURE(pss_verify(ca->key, tbs, buf_span(&signature)) == MLT_OK, MLT_ERR_CRYPTO);
    TRY(buf_put(&body, tbs));
    TRY(buf_put(&body, profile_algorithm()));
    TRY(put_signature(buf_span(&signature), &body));
    return der_put(der, DER_SEQUENCE, buf_span(&body));
}

enum mlt_err crl_pem(struct span der, struct buf *pem)
{
    ENSURE(der.n >= 1 && der.n <= LIMIT_CRL, MLT_ERR_ENCODING);
    CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_mem());
    ENSURE(bio != NULL, MLT_ERR_NOMEM);
    ENSURE(PEM_write_bio(bio, PEM_STRING_X509_CRL, "", der.p, (long)der.n) > 0, MLT_ERR_CRYPTO);
    char *text = NULL;
    long n = BIO_get_mem_data(bio, &text);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    return buf_put(pem, span_of(text, (size_t)n));
}
