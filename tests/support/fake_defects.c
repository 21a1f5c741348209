/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/hex.h"
#include "crypto/rsa.h"

static X509 *draft(struct fake *f)
{
    struct cert_fields fields;
    fake_fields(CERT_CLIENT, "maria.silva", f->now_s, &fields);
    return fake_draft(f, &fields, f->leaf_key);
}

/* Signs as the real CA would: only the defect is wrong. */
static X509 *by_ca(struct fake *f, X509 *x)
{
    fake_sign(x, f->ca_key, FAKE_PSS);
    return x;
}

/* ---- who issued it ---- */

static X509 *twin_ca(struct fake *f)
{
    X509 *x = draft(f);
    fake_sign(x, f->other_key, FAKE_PSS);
    return x;
}

static X509 *issued_by(struct fake *f, EVP_PKEY *key, const char *realm)
{
    X509 *root = fake_root(key, realm, f->now_s);
    struct cert_fields fields;
    fake_fields(CERT_CLIENT, "maria.silva", f->now_s, &fields);
    memset(fields.realm, 0, sizeof fields.realm);
    memcpy(fields.realm, realm, strlen(realm));
    X509 *x = X509_new();
    if (x == NULL || profile_build(&fields, f->leaf_key, root, x) != MLT_OK)
        abort();
    X509_free(root);
    fake_sign(x, key, FAKE_PSS);
    return x;
}

static X509 *twin_ca_own_key_id(struct fake *f)
{
    return issued_by(f, f->other_key, FAKE_REALM);
}

static X509 *other_realm(struct fake *f)
{
    return issued_by(f, f->other_key, "elsewhere.internal");
}

static X509 *other_realm_same_key(struct fake *f)
{
    return issued_by(f, f->ca_key, "elsewhere.internal");
}

static X509 *named_issuer(struct fake *f, const char *issuer, EVP_PKEY *key)
{
    X509 *x = draft(f);
    X509_NAME *name = fake_common_name(V_ASN1_UTF8STRING, issuer);
    X509_set_issuer_name(x, name);
    X509_NAME_free(name);
    fake_sign(x, key, FAKE_PSS);
    return x;
}

static X509 *intermediate(struct fake *f)
{
    return named_issuer(f, "malote CA 2", f->other_key);
}

static X509 *leaf_signs_leaf(struct fake *f)
{
    return named_issuer(f, "joao", f->other_key);
}

static X509 *leaf_poses_as_ca(struct fake *f)
{
    X509 *x = draft(f);
    fake_sign(x, f->leaf_key, FAKE_PSS);
    return x;
}

static X509 *self_signed(struct fake *f)
{
    return named_issuer(f, "maria.silva", f->leaf_key);
}

static X509 *root_as_leaf(struct fake *f)
{
    return X509_dup(f->ca.x509);
}

/* ---- when ---- */

static X509 *timed(struct fake *f, int64_t from_s, int64_t to_s)
{
    X509 *x = draft(f);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(f->now_s + from_s));
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(f->now_s + to_s));
    return by_ca(f, x);
}

static X509 *expired(struct fake *f)
{
    return timed(f, -7200, -3600);
}

static X509 *not_yet_valid(struct fake *f)
{
    return timed(f, 3600, 7200);
}

static X509 *never_valid(struct fake *f)
{
    return timed(f, 3600, -3600);
}

static X509 *valid_too_long(struct fake *f)
{
    return timed(f, 0, LIMIT_CERT_DAYS * INT64_C(86400) + LIMIT_BACKDATE_S + 1);
}

static X509 *generalized_time(struct fake *f)
{
    X509 *x = draft(f);
    ASN1_GENERALIZEDTIME_set(X509_getm_notAfter(x), (time_t)f->now_s + 3600);
    return by_ca(f, x);
}

static X509 *without_end(struct fake *f)
{
    X509 *x = draft(f);
    ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z"); /* RFC 5280 4.1.2.5 */
    return by_ca(f, x);
}

/* The right second in a form that is not due (RFC 5280 4.1.2.5.1), or no time at all. */
static X509 *end_spelled(struct fake *f, int type, const char *text)
{
    X509 *x = draft(f);
    ASN1_TIME *end = X509_getm_notAfter(x);
    end->type = type;
    ASN1_STRING_set(end, text, -1);
    return by_ca(f, x);
}

static X509 *time_without_seconds(struct fake *f)
{
    return end_spelled(f, V_ASN1_UTCTIME, "2611181200Z");
}

static X509 *time_with_offset(struct fake *f)
{
    return end_spelled(f, V_ASN1_UTCTIME, "261118120000+0000");
}

static X509 *time_with_fraction(struct fake *f)
{
    return end_spelled(f, V_ASN1_GENERALIZEDTIME, "20261118120000.5Z");
}

static X509 *time_of_no_month(struct fake *f)
{
    return end_spelled(f, V_ASN1_UTCTIME, "261318120000Z");
}

/* ---- how it is signed ---- */

static X509 *signed_as(struct fake *f, enum fake_signature how)
{
    X509 *x = draft(f);
    fake_sign(x, f->ca_key, how);
    return x;
}

static X509 *sha1(struct fake *f)
{
    return signed_as(f, FAKE_PKCS1_SHA1);
}

static X509 *pss_sha1(struct fake *f)
{
    return signed_as(f, FAKE_PSS_SHA1);
}

static X509 *pss_sha384(struct fake *f)
{
    return signed_as(f, FAKE_PSS_SHA384);
}

static X509 *md5(struct fake *f)
{
    return signed_as(f, FAKE_PKCS1_MD5);
}

static X509 *pss_salt_0(struct fake *f)
{
    return signed_as(f, FAKE_PSS_SALT_0);
}

static X509 *pss_salt_20(struct fake *f)
{
    return signed_as(f, FAKE_PSS_SALT_20);
}

static X509 *pss_mgf_sha1(struct fake *f)
{
    return signed_as(f, FAKE_PSS_MGF_SHA1);
}

static X509 *pkcs1_v15(struct fake *f)
{
    return signed_as(f, FAKE_PKCS1_SHA256);
}

static X509 *two_algorithms(struct fake *f)
{
    X509 *x = by_ca(f, draft(f));
    const X509_ALGOR *outer = NULL;
    X509_get0_signature(NULL, &outer, x);
    X509_ALGOR_set0((X509_ALGOR *)(uintptr_t)outer, OBJ_nid2obj(NID_sha256WithRSAEncryption),
                    V_ASN1_NULL, NULL);
    return x;
}

static X509 *not_signed(struct fake *f)
{
    return draft(f);
}

/* ---- whose key ---- */

static X509 *holding(struct fake *f, EVP_PKEY *key)
{
    X509 *x = draft(f);
    X509_set_pubkey(x, key);
    fake_replace(x, NID_subject_key_identifier, "hash");
    EVP_PKEY_free(key);
    return by_ca(f, x);
}

static X509 *rsa_1024(struct fake *f)
{
    return holding(f, fake_key(1024, 65537));
}

static X509 *rsa_odd_size(struct fake *f)
{
    return holding(f, fake_key(2056, 65537));
}

static X509 *exponent_3(struct fake *f)
{
    return holding(f, fake_key(2048, 3));
}

static X509 *exponent_1(struct fake *f)
{
    return holding(f, fake_key(2048, 1));
}

static X509 *curve_key(struct fake *f)
{
    return holding(f, EVP_EC_gen("P-256"));
}

static X509 *edwards_key(struct fake *f)
{
    return holding(f, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

static X509 *pss_typed_key(struct fake *f)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    if (EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_keygen(ctx, &key) != 1)
        abort();
    EVP_PKEY_CTX_free(ctx);
    return holding(f, key);
}

/* The good key's bytes and `more`, with parameters of the caller's choice. */
static X509 *key_spelled(struct fake *f, int parameters, size_t more)
{
    X509 *x = draft(f);
    X509_PUBKEY *spki = X509_get_X509_PUBKEY(x);
    const uint8_t *key = NULL;
    int n = 0;
    X509_PUBKEY_get0_param(NULL, &key, &n, NULL, spki);
    uint8_t *spelled = OPENSSL_zalloc((size_t)n + more);
    memcpy(spelled, key, (size_t)n);
    X509_PUBKEY_set0_param(spki, OBJ_nid2obj(NID_rsaEncryption), parameters, NULL, spelled,
                           n + (int)more);
    return by_ca(f, x);
}

static X509 *key_with_more(struct fake *f)
{
    return key_spelled(f, V_ASN1_NULL, 1);
}

static X509 *key_without_null(struct fake *f)
{
    return key_spelled(f, V_ASN1_UNDEF, 0);
}

/* The good key's modulus, and 1 less: a key for nothing, of the right size and exponent. */
static X509 *even_modulus(struct fake *f)
{
    X509 *x = draft(f);
    X509_PUBKEY *spki = X509_get_X509_PUBKEY(x);
    const uint8_t *key = NULL;
    int n = 0;
    X509_PUBKEY_get0_param(NULL, &key, &n, NULL, spki);
    uint8_t *spelled = OPENSSL_memdup(key, (size_t)n);
    spelled[n - 6] &= 0xfe; /* the exponent is the last 5 */
    uint8_t hash[HASH_LEN];
    char id[2 * HASH_LEN + 1];
    if (hash_sha256(span_of(spelled, (size_t)n), hash) != MLT_OK)
        abort();
    hex_encode(SPAN_OF(hash), id);
    id[40] = '\0'; /* RFC 7093: it fits the key it has */
    X509_PUBKEY_set0_param(spki, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL, spelled, n);
    int at = X509_get_ext_by_NID(x, NID_subject_key_identifier, -1);
    X509_EXTENSION_free(X509_delete_ext(x, at));
    fake_add(x, "subjectKeyIdentifier", id, at);
    return by_ca(f, x);
}

static X509 *other_subject_key_id(struct fake *f)
{
    X509 *x = draft(f);
    fake_replace(x, NID_subject_key_identifier, "hash"); /* SHA-1, not RFC 7093 */
    return by_ca(f, x);
}

/* ---- version and serial ---- */

static X509 *version_1(struct fake *f)
{
    X509 *x = draft(f);
    X509_set_version(x, X509_VERSION_1);
    while (X509_get_ext_count(x) > 0)
        X509_EXTENSION_free(X509_delete_ext(x, 0));
    return by_ca(f, x);
}

static X509 *version_1_with_extensions(struct fake *f)
{
    X509 *x = draft(f);
    X509_set_version(x, X509_VERSION_1);
    return by_ca(f, x);
}

static X509 *version_4(struct fake *f)
{
    X509 *x = draft(f);
    X509_set_version(x, 3);
    return by_ca(f, x);
}

static X509 *numbered(struct fake *f, const char *hex)
{
    X509 *x = draft(f);
    BIGNUM *bn = NULL;
    BN_hex2bn(&bn, hex);
    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
    BN_free(bn);
    return by_ca(f, x);
}

static X509 *serial_zero(struct fake *f)
{
    return numbered(f, "0");
}

static X509 *serial_negative(struct fake *f)
{
    return numbered(f, "-5A000000000000000000000000000001");
}

static X509 *serial_top_bit(struct fake *f)
{
    return numbered(f, "80000000000000000000000000000001");
}

static X509 *serial_17_bytes(struct fake *f)
{
    return numbered(f, "0100000000000000000000000000000001");
}

static X509 *serial_21_bytes(struct fake *f)
{
    return numbered(f, "010000000000000000000000000000000000000001");
}

/* ---- who it speaks of ---- */

static X509 *called(struct fake *f, int type, const char *name)
{
    X509 *x = draft(f);
    X509_NAME *subject = fake_common_name(type, name);
    X509_set_subject_name(x, subject);
    X509_NAME_free(subject);
    char address[128];
    snprintf(address, sizeof address, "email:%s@%s", name, FAKE_REALM);
    fake_replace(x, NID_subject_alt_name, address);
    return by_ca(f, x);
}

static X509 *reserved_name(struct fake *f)
{
    return called(f, V_ASN1_UTF8STRING, "admin");
}

static X509 *client_named_relay(struct fake *f)
{
    return called(f, V_ASN1_UTF8STRING, "relay");
}

static X509 *upper_case_name(struct fake *f)
{
    return called(f, V_ASN1_UTF8STRING, "Maria.Silva");
}

static X509 *long_name(struct fake *f)
{
    return called(f, V_ASN1_UTF8STRING, "a23456789012345678901234567890123");
}

static X509 *foreign_letters(struct fake *f)
{
    return called(f, V_ASN1_UTF8STRING, "m\xd0\xb0ria.silva"); /* the first a is Cyrillic */
}

static X509 *international_name(struct fake *f)
{
    return called(f, V_ASN1_UTF8STRING, "xn--mara-7ra");
}

/* What a C string's reader would take for maria.silva. */
static X509 *name_with_nul(struct fake *f)
{
    static const uint8_t text[] = "maria.silva\0.evil";
    X509 *x = draft(f);
    X509_NAME *subject = X509_NAME_new();
    X509_NAME_add_entry_by_txt(subject, "CN", V_ASN1_UTF8STRING, text, sizeof text - 1, -1, 0);
    X509_set_subject_name(x, subject);
    X509_NAME_free(subject);
    return by_ca(f, x);
}

static X509 *printable_name(struct fake *f)
{
    return called(f, V_ASN1_PRINTABLESTRING, "maria.silva");
}

static X509 *bmp_name(struct fake *f)
{
    return called(f, V_ASN1_BMPSTRING, "mariasilva");
}

static X509 *subject_with_more(struct fake *f)
{
    X509 *x = draft(f);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "OU", V_ASN1_UTF8STRING,
                               (const uint8_t *)"staff", -1, -1, 0);
    return by_ca(f, x);
}

static X509 *subject_empty(struct fake *f)
{
    X509 *x = draft(f);
    X509_NAME *none = X509_NAME_new();
    X509_set_subject_name(x, none);
    X509_NAME_free(none);
    return by_ca(f, x);
}

static X509 *subject_twice(struct fake *f)
{
    X509 *x = draft(f);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", V_ASN1_UTF8STRING,
                               (const uint8_t *)"joao", -1, -1, 0);
    return by_ca(f, x);
}

/* ---- extensions: each wrong in its own way ---- */

static X509 *extended(struct fake *f, int nid, const char *value)
{
    X509 *x = draft(f);
    fake_replace(x, nid, value);
    return by_ca(f, x);
}

static X509 *without(struct fake *f, int nid)
{
    X509 *x = draft(f);
    fake_drop(x, nid);
    return by_ca(f, x);
}

static X509 *with_more(struct fake *f, const char *name, const char *value)
{
    X509 *x = draft(f);
    fake_add(x, name, value, -1);
    return by_ca(f, x);
}

#define EXTENDED(function, nid, value)                                                             \
    static X509 *function(struct fake *f)                                                          \
    {                                                                                              \
        return extended(f, nid, value);                                                            \
    }
#define WITHOUT(function, nid)                                                                     \
    static X509 *function(struct fake *f)                                                          \
    {                                                                                              \
        return without(f, nid);                                                                    \
    }
#define WITH_MORE(function, name, value)                                                           \
    static X509 *function(struct fake *f)                                                          \
    {                                                                                              \
        return with_more(f, name, value);                                                          \
    }

EXTENDED(ca_bit, NID_basic_constraints, "critical,CA:TRUE")
EXTENDED(basic_not_critical, NID_basic_constraints, "CA:FALSE")
EXTENDED(basic_with_path, NID_basic_constraints, "critical,CA:FALSE,pathlen:0")
EXTENDED(usage_not_critical, NID_key_usage, "digitalSignature")
EXTENDED(usage_more, NID_key_usage, "critical,digitalSignature,keyEncipherment")
EXTENDED(usage_cert_sign, NID_key_usage, "critical,digitalSignature,keyCertSign")
EXTENDED(usage_none, NID_key_usage, "critical,DER:030100")
EXTENDED(usage_sloppy, NID_key_usage, "critical,DER:03020080") /* bits that are not used, shown */
EXTENDED(usage_other, NID_key_usage, "critical,keyEncipherment")
EXTENDED(eku_client_auth_only, NID_ext_key_usage, "clientAuth")
EXTENDED(eku_any, NID_ext_key_usage, "anyExtendedKeyUsage")
EXTENDED(eku_server, NID_ext_key_usage, PROFILE_OID_SERVER ",serverAuth")
EXTENDED(eku_both, NID_ext_key_usage, PROFILE_OID_CLIENT ",clientAuth," PROFILE_OID_SERVER)
EXTENDED(eku_role_only, NID_ext_key_usage, PROFILE_OID_CLIENT)
EXTENDED(eku_order, NID_ext_key_usage, "clientAuth," PROFILE_OID_CLIENT)
EXTENDED(eku_critical, NID_ext_key_usage, "critical," PROFILE_OID_CLIENT ",clientAuth")
EXTENDED(address_other_name, NID_subject_alt_name, "email:joao@" FAKE_REALM)
EXTENDED(address_other_realm, NID_subject_alt_name, "email:maria.silva@elsewhere.internal")
EXTENDED(address_subdomain, NID_subject_alt_name, "email:maria.silva@sub." FAKE_REALM)
EXTENDED(address_two, NID_subject_alt_name,
         "email:maria.silva@" FAKE_REALM ",email:joao@" FAKE_REALM)
EXTENDED(address_dns, NID_subject_alt_name, "DNS:maria.silva." FAKE_REALM)
EXTENDED(address_critical, NID_subject_alt_name, "critical,email:maria.silva@" FAKE_REALM)
EXTENDED(address_upper_case, NID_subject_alt_name, "email:Maria.Silva@" FAKE_REALM)
/* maria.silva@malote.internal, NUL, x */
EXTENDED(address_with_nul, NID_subject_alt_name,
         "DER:301F811D6D617269612E73696C7661406D616C6F74652E696E7465726E616C0078")
EXTENDED(address_none, NID_subject_alt_name, "DER:3000")
EXTENDED(key_id_short, NID_subject_key_identifier, "0102030405060708")
EXTENDED(authority_short, NID_authority_key_identifier, "DER:30048002ABCD")
EXTENDED(authority_empty, NID_authority_key_identifier, "DER:3000")
WITHOUT(no_basic, NID_basic_constraints)
WITHOUT(no_usage, NID_key_usage)
WITHOUT(no_eku, NID_ext_key_usage)
WITHOUT(no_address, NID_subject_alt_name)
WITHOUT(no_key_id, NID_subject_key_identifier)
WITHOUT(no_authority, NID_authority_key_identifier)
WITH_MORE(unknown_critical, "1.3.6.1.4.1.99999.7", "critical,DER:0500")
WITH_MORE(unknown_extra, "1.3.6.1.4.1.99999.7", "DER:0500")
WITH_MORE(known_extra, "nsComment", "hello")
WITH_MORE(name_constraints, "nameConstraints", "critical,permitted;email:" FAKE_REALM)
WITH_MORE(policies, "certificatePolicies", "DER:3007300506032A0304")
WITH_MORE(twice_basic, "basicConstraints", "critical,CA:FALSE")
WITH_MORE(twice_eku, "extendedKeyUsage", PROFILE_OID_CLIENT ",clientAuth")

static X509 *extensions_in_other_order(struct fake *f)
{
    X509 *x = draft(f);
    X509_EXTENSION *first = X509_delete_ext(x, 0);
    X509_add_ext(x, first, -1);
    X509_EXTENSION_free(first);
    return by_ca(f, x);
}

static X509 *sloppy_extension_value(struct fake *f)
{
    X509 *x = draft(f);
    /* BOOLEAN FALSE written out: DER leaves a default away. */
    fake_replace(x, NID_basic_constraints, "critical,DER:3003010100");
    return by_ca(f, x);
}

static const struct fake_defect defects[] = {
    { "twin_ca", MLT_ERR_CERT_SIGNATURE, twin_ca },
    { "twin_ca_own_key_id", MLT_ERR_CERT_FOREIGN, twin_ca_own_key_id },
    { "other_realm", MLT_ERR_CERT_FOREIGN, other_realm },
    { "other_realm_same_key", MLT_ERR_CERT_FOREIGN, other_realm_same_key },
    { "intermediate", MLT_ERR_CERT_FOREIGN, intermediate },
    { "leaf_signs_leaf", MLT_ERR_CERT_FOREIGN, leaf_signs_leaf },
    { "leaf_poses_as_ca", MLT_ERR_CERT_SIGNATURE, leaf_poses_as_ca },
    { "self_signed", MLT_ERR_CERT_FOREIGN, self_signed },
    { "root_as_leaf", MLT_ERR_CERT_ROLE, root_as_leaf },
    { "expired", MLT_ERR_CERT_EXPIRED, expired },
    { "not_yet_valid", MLT_ERR_CERT_NOT_YET, not_yet_valid },
    { "never_valid", MLT_ERR_CERT_PROFILE, never_valid },
    { "valid_too_long", MLT_ERR_CERT_PROFILE, valid_too_long },
    { "generalized_time", MLT_ERR_CERT_PROFILE, generalized_time },
    { "without_end", MLT_ERR_CERT_PROFILE, without_end },
    { "time_without_seconds", MLT_ERR_CERT_PROFILE, time_without_seconds },
    { "time_with_offset", MLT_ERR_CERT_PROFILE, time_with_offset },
    { "time_with_fraction", MLT_ERR_CERT_PROFILE, time_with_fraction },
    { "time_of_no_month", MLT_ERR_CERT_PROFILE, time_of_no_month },
    { "sha1", MLT_ERR_CERT_PROFILE, sha1 },
    { "md5", MLT_ERR_CERT_PROFILE, md5 },
    { "pss_sha1", MLT_ERR_CERT_PROFILE, pss_sha1 },
    { "pss_sha384", MLT_ERR_CERT_PROFILE, pss_sha384 },
    { "pss_salt_0", MLT_ERR_CERT_PROFILE, pss_salt_0 },
    { "pss_salt_20", MLT_ERR_CERT_PROFILE, pss_salt_20 },
    { "pss_mgf_sha1", MLT_ERR_CERT_PROFILE, pss_mgf_sha1 },
    { "pkcs1_v15", MLT_ERR_CERT_PROFILE, pkcs1_v15 },
    { "two_algorithms", MLT_ERR_CERT_PROFILE, two_algorithms },
    { "not_signed", MLT_ERR_CERT_SIGNATURE, not_signed },
    { "rsa_1024", MLT_ERR_CERT_PROFILE, rsa_1024 },
    { "rsa_odd_size", MLT_ERR_CERT_PROFILE, rsa_odd_size },
    { "exponent_3", MLT_ERR_CERT_PROFILE, exponent_3 },
    { "exponent_1", MLT_ERR_CERT_PROFILE, exponent_1 },
    { "even_modulus", MLT_ERR_CERT_PROFILE, even_modulus },
    { "curve_key", MLT_ERR_CERT_PROFILE, curve_key },
    { "edwards_key", MLT_ERR_CERT_PROFILE, edwards_key },
    { "pss_typed_key", MLT_ERR_CERT_PROFILE, pss_typed_key },
    { "key_with_more", MLT_ERR_CERT_PROFILE, key_with_more },
    { "key_without_null", MLT_ERR_CERT_PROFILE, key_without_null },
    { "other_subject_key_id", MLT_ERR_CERT_PROFILE, other_subject_key_id },
    { "version_1", MLT_ERR_CERT_ROLE, version_1 },
    { "version_1_with_extensions", MLT_ERR_CERT_PROFILE, version_1_with_extensions },
    { "version_4", MLT_ERR_CERT_PROFILE, version_4 },
    { "serial_zero", MLT_ERR_CERT_PROFILE, serial_zero },
    { "serial_negative", MLT_ERR_CERT_PROFILE, serial_negative },
    { "serial_top_bit", MLT_ERR_CERT_PROFILE, serial_top_bit },
    { "serial_17_bytes", MLT_ERR_CERT_PROFILE, serial_17_bytes },
    { "serial_21_bytes", MLT_ERR_CERT_PROFILE, serial_21_bytes },
    { "reserved_name", MLT_ERR_CERT_PROFILE, reserved_name },
    { "client_named_relay", MLT_ERR_CERT_PROFILE, client_named_relay },
    { "upper_case_name", MLT_ERR_CERT_PROFILE, upper_case_name },
    { "long_name", MLT_ERR_CERT_PROFILE, long_name },
    { "foreign_letters", MLT_ERR_CERT_PROFILE, foreign_letters },
    { "international_name", MLT_ERR_CERT_PROFILE, international_name },
    { "name_with_nul", MLT_ERR_CERT_PROFILE, name_with_nul },
    { "printable_name", MLT_ERR_CERT_PROFILE, printable_name },
    { "bmp_name", MLT_ERR_CERT_PROFILE, bmp_name },
    { "subject_with_more", MLT_ERR_CERT_PROFILE, subject_with_more },
    { "subject_empty", MLT_ERR_CERT_PROFILE, subject_empty },
    { "subject_twice", MLT_ERR_CERT_PROFILE, subject_twice },
    { "ca_bit", MLT_ERR_CERT_PROFILE, ca_bit },
    { "basic_not_critical", MLT_ERR_CERT_PROFILE, basic_not_critical },
    { "basic_with_path", MLT_ERR_CERT_PROFILE, basic_with_path },
    { "usage_not_critical", MLT_ERR_CERT_PROFILE, usage_not_critical },
    { "usage_more", MLT_ERR_CERT_PROFILE, usage_more },
    { "usage_cert_sign", MLT_ERR_CERT_PROFILE, usage_cert_sign },
    { "usage_none", MLT_ERR_CERT_PROFILE, usage_none },
    { "usage_sloppy", MLT_ERR_CERT_PROFILE, usage_sloppy },
    { "usage_other", MLT_ERR_CERT_PROFILE, usage_other },
    { "eku_client_auth_only", MLT_ERR_CERT_ROLE, eku_client_auth_only },
    { "eku_any", MLT_ERR_CERT_ROLE, eku_any },
    { "eku_server", MLT_ERR_CERT_ROLE, eku_server },
    { "eku_both", MLT_ERR_CERT_PROFILE, eku_both },
    { "eku_role_only", MLT_ERR_CERT_PROFILE, eku_role_only },
    { "eku_order", MLT_ERR_CERT_PROFILE, eku_order },
    { "eku_critical", MLT_ERR_CERT_PROFILE, eku_critical },
    { "address_other_name", MLT_ERR_CERT_PROFILE, address_other_name },
    { "address_other_realm", MLT_ERR_CERT_PROFILE, address_other_realm },
    { "address_subdomain", MLT_ERR_CERT_PROFILE, address_subdomain },
    { "address_two", MLT_ERR_CERT_PROFILE, address_two },
    { "address_dns", MLT_ERR_CERT_PROFILE, address_dns },
    { "address_critical", MLT_ERR_CERT_PROFILE, address_critical },
    { "address_upper_case", MLT_ERR_CERT_PROFILE, address_upper_case },
    { "address_with_nul", MLT_ERR_CERT_PROFILE, address_with_nul },
    { "address_none", MLT_ERR_CERT_PROFILE, address_none },
    { "key_id_short", MLT_ERR_CERT_PROFILE, key_id_short },
    { "authority_short", MLT_ERR_CERT_FOREIGN, authority_short },
    { "authority_empty", MLT_ERR_CERT_PROFILE, authority_empty },
    { "no_basic", MLT_ERR_CERT_PROFILE, no_basic },
    { "no_usage", MLT_ERR_CERT_PROFILE, no_usage },
    { "no_eku", MLT_ERR_CERT_ROLE, no_eku },
    { "no_address", MLT_ERR_CERT_PROFILE, no_address },
    { "no_key_id", MLT_ERR_CERT_PROFILE, no_key_id },
    { "no_authority", MLT_ERR_CERT_PROFILE, no_authority },
    { "unknown_critical", MLT_ERR_CERT_PROFILE, unknown_critical },
    { "unknown_extra", MLT_ERR_CERT_PROFILE, unknown_extra },
    { "known_extra", MLT_ERR_CERT_PROFILE, known_extra },
    { "name_constraints", MLT_ERR_CERT_PROFILE, name_constraints },
    { "policies", MLT_ERR_CERT_PROFILE, policies },
    { "twice_basic", MLT_ERR_CERT_PROFILE, twice_basic },
    { "twice_eku", MLT_ERR_CERT_ROLE, twice_eku },
    { "extensions_in_other_order", MLT_ERR_CERT_PROFILE, extensions_in_other_order },
    { "sloppy_extension_value", MLT_ERR_CERT_PROFILE, sloppy_extension_value },
};

const struct fake_defect *fake_defects(size_t *count)
{
    *count = COUNT_OF(defects);
    return defects;
}
