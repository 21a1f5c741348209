/* SPDX-License-Identifier: Apache-2.0 */
#include "signed_oracle.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"

#define ROLE_ARC "1.2.840.113556.1.8000.2554.57411.23035.27320.19085.38797.378319.9098608."

enum { SERIAL = 16, KEY_ID = 20, BACKDATE_S = 300, EXTENSIONS = 6 };

#define WRONG_IF(cond, what)                                                                       \
    do {                                                                                           \
        if (cond)                                                                                  \
            return what;                                                                           \
    } while (0)

static struct span content_of(const ASN1_STRING *s)
{
    return span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool is_text(const ASN1_STRING *s, int type, const char *text)
{
    return ASN1_STRING_type(s) == type && span_eq(content_of(s), span_str(text));
}

/* Exactly these attributes, each in an RDN of its own, as UTF8String. */
static bool is_dn(const X509_NAME *dn, const int *nids, const char *const *texts, int count)
{
    if (X509_NAME_entry_count(dn) != count)
        return false;
    for (int i = 0; i < count; i++) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(dn, i);
        if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)) != nids[i] || X509_NAME_ENTRY_set(e) != i ||
            !is_text(X509_NAME_ENTRY_get_data(e), V_ASN1_UTF8STRING, texts[i]))
            return false;
    }
    return true;
}

static const char *check_names(const X509 *x, const struct signed_wanted *w)
{
    static const int issuer_nids[] = { NID_organizationName, NID_commonName };
    static const int subject_nids[] = { NID_commonName };
    const char *const issuer[] = { w->realm, "malote CA" };
    WRONG_IF(!is_dn(X509_get_issuer_name(x), issuer_nids, issuer, 2), "issuer");
    WRONG_IF(!is_dn(X509_get_subject_name(x), subject_nids, &w->name, 1), "subject");
    return NULL;
}

static const char *check_serial(const X509 *x)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    uint8_t zero[SERIAL] = { 0 };
    WRONG_IF(ASN1_STRING_type(serial) != V_ASN1_INTEGER, "serial: negative");
    WRONG_IF(ASN1_STRING_length(serial) != SERIAL, "serial: length");
    const uint8_t *bytes = ASN1_STRING_get0_data(serial);
    WRONG_IF(bytes[0] & 0x80, "serial: top bit");
    WRONG_IF(span_eq(content_of(serial), SPAN_OF(zero)), "serial: zero");
    return NULL;
}

int64_t signed_seconds(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : -1;
}

static const char *check_time(const X509 *x, const struct signed_wanted *w)
{
    bool is_server = strcmp(w->name, "relay") == 0;
    int64_t from = signed_seconds(X509_get0_notBefore(x));
    int64_t until = signed_seconds(X509_get0_notAfter(x));
    int64_t ca_until = signed_seconds(X509_get0_notAfter(w->ca));
    int64_t most = BACKDATE_S + (is_server ? 86400 : INT64_C(90) * 86400);
    int64_t wanted = from + most < ca_until ? from + most : ca_until;
    WRONG_IF(from < 0 || until < 0, "validity: not a time");
    WRONG_IF(until != wanted, "validity: length");
    WRONG_IF(w->now_s != 0 && from != w->now_s - BACKDATE_S, "validity: not from now");
    return NULL;
}

static const char *check_algorithm(const X509_ALGOR *algorithm)
{
    WRONG_IF(OBJ_obj2nid(algorithm->algorithm) != NID_rsassaPss, "signature: not PSS");
    RSA_PSS_PARAMS *pss =
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
    bool good =
        pss != NULL && ASN1_INTEGER_get(pss->saltLength) == 32 && pss->trailerField == NULL &&
        pss->hashAlgorithm != NULL && OBJ_obj2nid(pss->hashAlgorithm->algorithm) == NID_sha256 &&
        pss->maskGenAlgorithm != NULL && OBJ_obj2nid(pss->maskGenAlgorithm->algorithm) == NID_mgf1;
    X509_ALGOR *mask = good ? ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR),
                                                        pss->maskGenAlgorithm->parameter)
                            : NULL;
    good = good && mask != NULL && OBJ_obj2nid(mask->algorithm) == NID_sha256;
    X509_ALGOR_free(mask);
    RSA_PSS_PARAMS_free(pss);
    WRONG_IF(!good, "signature: PSS parameters");
    return NULL;
}

static const char *check_signature(X509 *x, const struct signed_wanted *w)
{
    int digest = 0, scheme = 0, bits = 0;
    const X509_ALGOR *algorithm = NULL;
    X509_get0_signature(NULL, &algorithm, x);
    WRONG_IF(X509_verify(x, X509_get0_pubkey(w->ca)) != 1, "signature");
    WRONG_IF(X509_get_signature_info(x, &digest, &scheme, &bits, NULL) != 1, "signature: no info");
    WRONG_IF(digest != NID_sha256 || scheme != EVP_PKEY_RSA_PSS, "signature: algorithm");
    return check_algorithm(algorithm);
}

static const char *check_key(X509 *x, const struct signed_wanted *w)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    BIGNUM *e = NULL;
    WRONG_IF(key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA, "key: not RSA");
    int bits = EVP_PKEY_get_bits(key);
    WRONG_IF(bits != 2048 && bits != 3072 && bits != 4096, "key: size");
    WRONG_IF(EVP_PKEY_get_bn_param(key, "e", &e) != 1, "key: exponent");
    bool is_f4 = BN_is_word(e, RSA_F4);
    BN_free(e);
    WRONG_IF(!is_f4, "key: exponent");
    WRONG_IF(w->key != NULL && EVP_PKEY_eq(key, w->key) != 1, "key: another one");
    WRONG_IF(EVP_PKEY_eq(key, X509_get0_pubkey(w->ca)) == 1, "key: the CA's");
    return NULL;
}

/* ---- extensions ---- */

static void key_id(X509 *x, uint8_t out[static KEY_ID])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x);
    EVP_Digest(bits->data, (size_t)bits->length, digest, NULL, EVP_sha256(), NULL);
    memcpy(out, digest, KEY_ID);
}

static const char *check_order(const X509 *x)
{
    static const struct {
        int nid;
        bool critical;
    } rows[EXTENSIONS] = {
        { NID_basic_constraints, true },       { NID_key_usage, true },
        { NID_ext_key_usage, false },          { NID_subject_alt_name, false },
        { NID_subject_key_identifier, false }, { NID_authority_key_identifier, false },
    };
    WRONG_IF(X509_get_ext_count(x) != EXTENSIONS, "extensions: number");
    for (int i = 0; i < EXTENSIONS; i++) {
        X509_EXTENSION *e = X509_get_ext(x, i);
        WRONG_IF(OBJ_obj2nid(X509_EXTENSION_get_object(e)) != rows[i].nid, "extensions: order");
        WRONG_IF((X509_EXTENSION_get_critical(e) != 0) != rows[i].critical,
                 "extensions: criticality");
    }
    return NULL;
}

static const char *check_usage(X509 *x, const struct signed_wanted *w)
{
    bool is_server = strcmp(w->name, "relay") == 0;
    BASIC_CONSTRAINTS *basic = X509_get_ext_d2i(x, NID_basic_constraints, NULL, NULL);
    bool is_leaf = basic != NULL && basic->ca == 0 && basic->pathlen == NULL;
    BASIC_CONSTRAINTS_free(basic);
    WRONG_IF(!is_leaf, "basicConstraints");
    WRONG_IF(X509_get_key_usage(x) != KU_DIGITAL_SIGNATURE, "keyUsage");
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    char role[160] = "";
    bool good = eku != NULL && sk_ASN1_OBJECT_num(eku) == 2;
    if (good)
        OBJ_obj2txt(role, sizeof(role), sk_ASN1_OBJECT_value(eku, 0), 1);
    good = good && strcmp(role, is_server ? ROLE_ARC "2" : ROLE_ARC "1") == 0 &&
           OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, 1)) ==
               (is_server ? NID_server_auth : NID_client_auth);
    EXTENDED_KEY_USAGE_free(eku);
    WRONG_IF(!good, "extKeyUsage");
    return NULL;
}

static const char *check_alternative(X509 *x, const struct signed_wanted *w)
{
    char wanted[128];
    snprintf(wanted, sizeof(wanted), "%s@%s", w->name, w->realm);
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool good = names != NULL && sk_GENERAL_NAME_num(names) == 1;
    const GENERAL_NAME *one = good ? sk_GENERAL_NAME_value(names, 0) : NULL;
    good = good && one->type == GEN_EMAIL && is_text(one->d.rfc822Name, V_ASN1_IA5STRING, wanted);
    GENERAL_NAMES_free(names);
    WRONG_IF(!good, "subjectAltName");
    return NULL;
}

static const char *check_ids(X509 *x, const struct signed_wanted *w)
{
    uint8_t own[KEY_ID], of_ca[KEY_ID];
    key_id(x, own);
    key_id(w->ca, of_ca);
    const ASN1_OCTET_STRING *subject = X509_get0_subject_key_id(x);
    WRONG_IF(subject == NULL || !span_eq(content_of(subject), SPAN_OF(own)),
             "subjectKeyIdentifier");
    const ASN1_OCTET_STRING *authority = X509_get0_authority_key_id(x);
    WRONG_IF(authority == NULL || !span_eq(content_of(authority), SPAN_OF(of_ca)),
             "authorityKeyIdentifier");
    WRONG_IF(X509_get0_authority_issuer(x) != NULL || X509_get0_authority_serial(x) != NULL,
             "authorityKeyIdentifier: more than the key id");
    return NULL;
}

const char *signed_complaint(X509 *x, const struct signed_wanted *wanted)
{
    const ASN1_BIT_STRING *issuer_uid = NULL, *subject_uid = NULL;
    const char *complaint = NULL;
    X509_get0_uids(x, &issuer_uid, &subject_uid);
    WRONG_IF(X509_get_version(x) != X509_VERSION_3, "version");
    WRONG_IF(issuer_uid != NULL || subject_uid != NULL, "unique identifiers");
    WRONG_IF((complaint = check_serial(x)) != NULL, complaint);
    WRONG_IF((complaint = check_names(x, wanted)) != NULL, complaint);
    WRONG_IF((complaint = check_time(x, wanted)) != NULL, complaint);
    WRONG_IF((complaint = check_key(x, wanted)) != NULL, complaint);
    WRONG_IF((complaint = check_order(x)) != NULL, complaint);
    WRONG_IF((complaint = check_usage(x, wanted)) != NULL, complaint);
    WRONG_IF((complaint = check_alternative(x, wanted)) != NULL, complaint);
    WRONG_IF((complaint = check_ids(x, wanted)) != NULL, complaint);
    return check_signature(x, wanted);
}

/* ---- revocation lists ---- */

enum { LIST_LIFE_S = 7 * 86400, LIST_EXTENSIONS = 2 };

static bool is_extension(const X509_CRL *crl, int place, int nid)
{
    X509_EXTENSION *e = X509_CRL_get_ext(crl, place);
    return e != NULL && OBJ_obj2nid(X509_EXTENSION_get_object(e)) == nid &&
           !X509_EXTENSION_get_critical(e);
}

static const char *check_list_extensions(X509_CRL *crl, const struct signed_list *w)
{
    uint8_t of_ca[KEY_ID];
    key_id(w->ca, of_ca);
    WRONG_IF(X509_CRL_get_ext_count(crl) != LIST_EXTENSIONS, "extensions: how many");
    WRONG_IF(!is_extension(crl, 0, NID_authority_key_identifier), "extensions: the first");
    WRONG_IF(!is_extension(crl, 1, NID_crl_number), "extensions: the second");
    AUTHORITY_KEYID *id = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    bool good = id != NULL && id->keyid != NULL && id->issuer == NULL && id->serial == NULL &&
                span_eq(content_of(id->keyid), SPAN_OF(of_ca));
    AUTHORITY_KEYID_free(id);
    WRONG_IF(!good, "authorityKeyIdentifier");
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    uint64_t got = 0;
    good = number != NULL && ASN1_INTEGER_get_uint64(&got, number) == 1 && got == w->number;
    ASN1_INTEGER_free(number);
    WRONG_IF(!good, "CRLNumber");
    return NULL;
}

static const char *check_reason(X509_REVOKED *entry)
{
    int count = X509_REVOKED_get_ext_count(entry);
    WRONG_IF(count < 0 || count > 1, "an entry's extensions");
    if (count == 0)
        return NULL;
    X509_EXTENSION *e = X509_REVOKED_get_ext(entry, 0);
    WRONG_IF(X509_EXTENSION_get_critical(e), "an entry's extension: critical");
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    long got = reason != NULL ? ASN1_ENUMERATED_get(reason) : -1;
    ASN1_ENUMERATED_free(reason);
    WRONG_IF(got != 1 && got != 3 && got != 4 && got != 5, "an entry's reason");
    return NULL;
}

static const char *check_entries(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    WRONG_IF(entries != NULL && sk_X509_REVOKED_num(entries) == 0, "entries: an empty list");
    const ASN1_INTEGER *before = NULL;
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
        X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);
        const char *complaint = check_reason(entry);
        WRONG_IF(complaint != NULL, complaint);
        WRONG_IF(before != NULL && ASN1_INTEGER_cmp(before, serial) >= 0, "entries: order");
        WRONG_IF(signed_seconds(X509_REVOKED_get0_revocationDate(entry)) >
                     signed_seconds(X509_CRL_get0_lastUpdate(crl)),
                 "entries: revoked later than listed");
        before = serial;
    }
    return NULL;
}

const char *signed_list_complaint(X509_CRL *crl, const struct signed_list *wanted)
{
    static const int nids[] = { NID_organizationName, NID_commonName };
    char realm[128] = "";
    const char *complaint = NULL;
    const X509_ALGOR *algorithm = NULL;
    X509_NAME_get_text_by_NID(X509_get_subject_name(wanted->ca), NID_organizationName, realm,
                              sizeof(realm));
    const char *const issuer[] = { realm, "malote CA" };
    WRONG_IF(X509_CRL_get_version(crl) != X509_CRL_VERSION_2, "version");
    WRONG_IF(!is_dn(X509_CRL_get_issuer(crl), nids, issuer, 2), "issuer");
    int64_t from = signed_seconds(X509_CRL_get0_lastUpdate(crl));
    WRONG_IF(from < 0 || signed_seconds(X509_CRL_get0_nextUpdate(crl)) != from + LIST_LIFE_S,
             "times");
    WRONG_IF((complaint = check_list_extensions(crl, wanted)) != NULL, complaint);
    WRONG_IF((complaint = check_entries(crl)) != NULL, complaint);
    X509_CRL_get0_signature(crl, NULL, &algorithm);
    WRONG_IF(X509_CRL_verify(crl, X509_get0_pubkey(wanted->ca)) != 1, "signature");
    return check_algorithm(algorithm);
}
