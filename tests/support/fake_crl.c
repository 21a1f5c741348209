/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_crl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "fake_crl.c:%d: %s\n", __LINE__, #cond);                               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const int64_t day_s = 86400;

/* ---- as it must be ---- */

static void put_extension(X509_CRL *crl, const char *name, const char *value, int at)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, NULL, NULL, NULL, crl, 0);
    X509_EXTENSION *made = X509V3_EXT_nconf(NULL, &ctx, name, value);
    must(made != NULL && X509_CRL_add_ext(crl, made, at) == 1);
    X509_EXTENSION_free(made);
}

static void put_key_id(X509_CRL *crl, X509 *of)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(of);
    CLEANUP(buf_clear) struct buf text = { 0 };
    const char *value = NULL;
    must(buf_put_str(&text, "DER:30168014") == MLT_OK);
    must(buf_put_hex(&text, span_of(id->data, (size_t)id->length)) == MLT_OK);
    must(buf_text(&text, &value) == MLT_OK);
    put_extension(crl, "authorityKeyIdentifier", value, 0);
}

static void set_update(X509_CRL *crl, int64_t from_s, int64_t to_s)
{
    ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)from_s);
    must(t != NULL && X509_CRL_set1_lastUpdate(crl, t) == 1);
    must(ASN1_TIME_set(t, (time_t)to_s) != NULL && X509_CRL_set1_nextUpdate(crl, t) == 1);
    ASN1_TIME_free(t);
}

static X509_REVOKED *revoked(struct fake *f, struct span serial, bool negative)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(f->now_s - 60));
    must(entry != NULL && number != NULL && t != NULL);
    must(ASN1_STRING_set(number, serial.p, (int)serial.n) == 1);
    if (negative)
        number->type = V_ASN1_NEG_INTEGER;
    must(X509_REVOKED_set_serialNumber(entry, number) == 1);
    must(X509_REVOKED_set_revocationDate(entry, t) == 1);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(t);
    return entry;
}

static void put_reason(X509_REVOKED *entry, long reason, int critical)
{
    ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
    must(value != NULL && ASN1_ENUMERATED_set(value, reason) == 1);
    must(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, critical, X509V3_ADD_APPEND) == 1);
    ASN1_ENUMERATED_free(value);
}

static void put_entry(struct fake *f, X509_CRL *crl, struct span serial, long reason)
{
    X509_REVOKED *entry = revoked(f, serial, false);
    if (reason > 0)
        put_reason(entry, reason, 0);
    must(X509_CRL_add0_revoked(crl, entry) == 1);
}

void fake_crl_serial(unsigned last, uint8_t serial[static CERT_SERIAL])
{
    memset(serial, 0, CERT_SERIAL);
    serial[0] = 0x5a;
    serial[CERT_SERIAL - 1] = (uint8_t)last;
}

X509_CRL *fake_crl_draft(struct fake *f)
{
    X509_CRL *crl = X509_CRL_new();
    uint8_t serial[CERT_SERIAL];
    must(crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(f->ca.x509)) == 1);
    set_update(crl, f->now_s, f->now_s + 7 * day_s);
    fake_crl_serial(1, serial);
    put_entry(f, crl, SPAN_OF(serial), CRL_REASON_KEY_COMPROMISE);
    fake_crl_serial(2, serial);
    put_entry(f, crl, SPAN_OF(serial), 0);
    put_key_id(crl, f->ca.x509);
    put_extension(crl, "crlNumber", "DER:02020102", -1);
    return crl;
}

void fake_crl_der(X509_CRL *crl, struct buf *out)
{
    uint8_t *der = NULL;
    int n = i2d_X509_CRL(crl, &der);
    must(n > 0 && buf_put(out, span_of(der, (size_t)n)) == MLT_OK);
    OPENSSL_free(der);
}

void fake_crl_good(struct fake *f, struct buf *out)
{
    X509_CRL *crl = fake_crl_draft(f);
    fake_sign_crl(crl, f->ca_key, FAKE_PSS);
    fake_crl_der(crl, out);
    X509_CRL_free(crl);
}

/* ---- who signed it, and how ---- */

static void by_another_key(struct fake *f, X509_CRL *crl)
{
    fake_sign_crl(crl, f->other_key, FAKE_PSS);
}

static void by_a_leaf(struct fake *f, X509_CRL *crl)
{
    fake_sign_crl(crl, f->leaf_key, FAKE_PSS);
}

static void own_key_id(struct fake *f, X509_CRL *crl)
{
    X509 *twin = fake_root(f->other_key, FAKE_REALM, f->now_s);
    X509_EXTENSION_free(X509_CRL_delete_ext(crl, 0));
    put_key_id(crl, twin);
    X509_free(twin);
}

static void name_issuer(X509_CRL *crl, X509_NAME *name)
{
    must(X509_CRL_set_issuer_name(crl, name) == 1);
    X509_NAME_free(name);
}

static void other_issuer(struct fake *f, X509_CRL *crl)
{
    (void)f;
    name_issuer(crl, fake_common_name(V_ASN1_UTF8STRING, "malote CA"));
}

static void issuer_is_a_leaf(struct fake *f, X509_CRL *crl)
{
    (void)f;
    name_issuer(crl, fake_common_name(V_ASN1_UTF8STRING, "maria.silva"));
}

/* RFC 5280 7.1 would compare the two as equal: ours has one form. */
static void issuer_printable(struct fake *f, X509_CRL *crl)
{
    (void)f;
    X509_NAME *name = X509_NAME_new();
    must(name != NULL);
    must(X509_NAME_add_entry_by_txt(name, "O", V_ASN1_PRINTABLESTRING, (const uint8_t *)FAKE_REALM,
                                    -1, -1, 0) == 1);
    must(X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_PRINTABLESTRING,
                                    (const uint8_t *)"malote CA", -1, -1, 0) == 1);
    name_issuer(crl, name);
}

#define SIGNED_AS(how)                                                                             \
    static void by_##how(struct fake *f, X509_CRL *crl)                                            \
    {                                                                                              \
        fake_sign_crl(crl, f->ca_key, how);                                                        \
    }
SIGNED_AS(FAKE_PSS_SALT_0)
SIGNED_AS(FAKE_PSS_SALT_20)
SIGNED_AS(FAKE_PSS_MGF_SHA1)
SIGNED_AS(FAKE_PSS_SHA384)
SIGNED_AS(FAKE_PSS_SHA1)
SIGNED_AS(FAKE_PKCS1_SHA256)
SIGNED_AS(FAKE_PKCS1_SHA1)
SIGNED_AS(FAKE_PKCS1_MD5)

/* ---- version and times ---- */

static void version_1(struct fake *f, X509_CRL *crl)
{
    (void)f;
    while (X509_CRL_get_ext_count(crl) > 0)
        X509_EXTENSION_free(X509_CRL_delete_ext(crl, 0));
    must(X509_CRL_set_version(crl, X509_CRL_VERSION_1) == 1);
}

static void version_1_with_extensions(struct fake *f, X509_CRL *crl)
{
    (void)f;
    must(X509_CRL_set_version(crl, X509_CRL_VERSION_1) == 1);
}

static void version_3(struct fake *f, X509_CRL *crl)
{
    (void)f;
    must(X509_CRL_set_version(crl, 2) == 1);
}

static void next_before_this(struct fake *f, X509_CRL *crl)
{
    set_update(crl, f->now_s, f->now_s - 1);
}

static void next_is_this(struct fake *f, X509_CRL *crl)
{
    set_update(crl, f->now_s, f->now_s);
}

static void longer_than_30_days(struct fake *f, X509_CRL *crl)
{
    set_update(crl, f->now_s, f->now_s + 30 * day_s + 1);
}

static void before_1970(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_update(crl, -day_s, day_s);
}

static void set_time(const ASN1_TIME *of, int type, const char *text)
{
    ASN1_TIME *t = (ASN1_TIME *)(uintptr_t)of;
    must(ASN1_STRING_set(t, text, -1) == 1);
    t->type = type;
}

static void generalized_before_2050(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_time(X509_CRL_get0_lastUpdate(crl), V_ASN1_GENERALIZEDTIME, "20261118110640Z");
}

static void time_without_seconds(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_time(X509_CRL_get0_lastUpdate(crl), V_ASN1_UTCTIME, "2611181106Z");
}

static void time_with_an_offset(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_time(X509_CRL_get0_lastUpdate(crl), V_ASN1_UTCTIME, "261118110640+0100");
}

static void time_with_a_fraction(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_time(X509_CRL_get0_lastUpdate(crl), V_ASN1_GENERALIZEDTIME, "20261118110640.5Z");
}

static void month_13(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_time(X509_CRL_get0_lastUpdate(crl), V_ASN1_UTCTIME, "261318110640Z");
}

static void second_60(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_time(X509_CRL_get0_lastUpdate(crl), V_ASN1_UTCTIME, "261118110660Z");
}

static void time_that_is_text(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_time(X509_CRL_get0_lastUpdate(crl), V_ASN1_UTCTIME, "today");
}

/* ---- extensions ---- */

static void drop(X509_CRL *crl, int nid)
{
    int at = X509_CRL_get_ext_by_NID(crl, nid, -1);
    must(at >= 0);
    X509_EXTENSION_free(X509_CRL_delete_ext(crl, at));
}

static void no_number(struct fake *f, X509_CRL *crl)
{
    (void)f;
    drop(crl, NID_crl_number);
}

static void no_key_id(struct fake *f, X509_CRL *crl)
{
    (void)f;
    drop(crl, NID_authority_key_identifier);
}

static void no_extensions(struct fake *f, X509_CRL *crl)
{
    no_number(f, crl);
    no_key_id(f, crl);
}

static void number_first(struct fake *f, X509_CRL *crl)
{
    no_number(f, crl);
    put_extension(crl, "crlNumber", "DER:02020102", 0);
}

/* Each is DER; each but the first few an INTEGER. */
#define NUMBER(name, der)                                                                          \
    static void number_##name(struct fake *f, X509_CRL *crl)                                       \
    {                                                                                              \
        (void)f;                                                                                   \
        drop(crl, NID_crl_number);                                                                 \
        put_extension(crl, "crlNumber", der, -1);                                                  \
    }
NUMBER(text, "DER:0c0131")
NUMBER(null, "DER:0500")
NUMBER(nothing, "DER:0200")
NUMBER(critical, "critical,DER:02020102")
NUMBER(zero, "DER:020100")
NUMBER(negative, "DER:0201ff")
NUMBER(negative_of_9_bytes, "DER:0209ff0000000000000001")
NUMBER(padded, "DER:0203000102")
NUMBER(2_to_the_63, "DER:0209008000000000000000")
NUMBER(2_to_the_64, "DER:0209010000000000000000")
NUMBER(20_bytes, "DER:02147f00000000000000000000000000000000000001")
NUMBER(21_bytes, "DER:02157f0000000000000000000000000000000000000001")
NUMBER(and_more, "DER:020201020500")
NUMBER(of_another_list, "DER:3003020102")

#define EXTRA(what, name, value)                                                                   \
    static void what(struct fake *f, X509_CRL *crl)                                                \
    {                                                                                              \
        (void)f;                                                                                   \
        put_extension(crl, name, value, -1);                                                       \
    }
EXTRA(delta, "deltaCRL", "critical,DER:020101")
EXTRA(indirect, "2.5.29.28", "critical,DER:30038401ff")
EXTRA(only_users, "2.5.29.28", "critical,DER:30038101ff")
EXTRA(only_some_reasons, "2.5.29.28", "critical,DER:300483020640")
EXTRA(empty_distribution_point, "2.5.29.28", "critical,DER:3000")
EXTRA(freshest, "2.5.29.46", "DER:3000")
EXTRA(issuer_alternative, "issuerAltName", "email:ca@elsewhere.internal")
EXTRA(unknown_critical, "1.2.3.4.5", "critical,DER:0500")
EXTRA(unknown, "1.2.3.4.5", "DER:0500")
EXTRA(expired_kept, "2.5.29.60", "DER:180f32303236313131383131303634305a")
EXTRA(second_number, "2.5.29.20", "DER:020103")

#define KEY_ID(name, der)                                                                          \
    static void key_id_##name(struct fake *f, X509_CRL *crl)                                       \
    {                                                                                              \
        (void)f;                                                                                   \
        drop(crl, NID_authority_key_identifier);                                                   \
        put_extension(crl, "authorityKeyIdentifier", der, 0);                                      \
    }
KEY_ID(empty, "DER:3000")
KEY_ID(short, "DER:3003800101")
KEY_ID(serial_alone, "DER:3003820101")

static void key_id_critical(struct fake *f, X509_CRL *crl)
{
    (void)f;
    X509_EXTENSION *e = X509_CRL_get_ext(crl, 0);
    must(X509_EXTENSION_set_critical(e, 1) == 1);
}

static void key_id_twice(struct fake *f, X509_CRL *crl)
{
    put_key_id(crl, f->ca.x509);
}

/* ---- entries ---- */

static void put_second(struct fake *f, X509_CRL *crl, unsigned last)
{
    uint8_t serial[CERT_SERIAL];
    fake_crl_serial(last, serial);
    put_entry(f, crl, SPAN_OF(serial), 0);
}

static void unsorted(struct fake *f, X509_CRL *crl)
{
    put_second(f, crl, 0);
}

static void twice(struct fake *f, X509_CRL *crl)
{
    put_second(f, crl, 2);
}

static void twice_at_the_front(struct fake *f, X509_CRL *crl)
{
    put_second(f, crl, 1);
}

/* Behind the others, which rise: where the order does not give it away. */
#define SERIAL(name, ...)                                                                          \
    static void serial_##name(struct fake *f, X509_CRL *crl)                                       \
    {                                                                                              \
        static const uint8_t serial[] = { __VA_ARGS__ };                                           \
        STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);                                   \
        while (sk_X509_REVOKED_num(all) > 0)                                                       \
            X509_REVOKED_free(sk_X509_REVOKED_pop(all));                                           \
        put_entry(f, crl, SPAN_OF(serial), 0);                                                     \
    }
SERIAL(zero, 0)
SERIAL(17_bytes, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
SERIAL(20_bytes, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
SERIAL(21_bytes, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
SERIAL(top_bit, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)

static void serial_negative(struct fake *f, X509_CRL *crl)
{
    static const uint8_t one[] = { 1 };
    STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
    while (sk_X509_REVOKED_num(all) > 0)
        X509_REVOKED_free(sk_X509_REVOKED_pop(all));
    must(X509_CRL_add0_revoked(crl, revoked(f, SPAN_OF(one), true)) == 1);
}

static void empty_list(struct fake *f, X509_CRL *crl)
{
    (void)f;
    STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
    while (sk_X509_REVOKED_num(all) > 0)
        X509_REVOKED_free(sk_X509_REVOKED_pop(all));
}

static X509_REVOKED *last_entry(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
    return sk_X509_REVOKED_value(all, sk_X509_REVOKED_num(all) - 1);
}

#define REASON(name, reason, critical)                                                             \
    static void reason_##name(struct fake *f, X509_CRL *crl)                                       \
    {                                                                                              \
        (void)f;                                                                                   \
        put_reason(last_entry(crl), reason, critical);                                             \
    }
REASON(said_to_be_unspecified, 0, 0)
REASON(ca_compromise, 2, 0)
REASON(hold, 6, 0)
REASON(taken_back, 8, 0)
REASON(privilege, 9, 0)
REASON(unknown, 200, 0)
REASON(critical, 1, 1)

static void reason_twice(struct fake *f, X509_CRL *crl)
{
    reason_critical(f, crl);
    put_reason(last_entry(crl), 1, 0);
}

static void put_entry_extension(X509_CRL *crl, const char *name, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, NULL, NULL, NULL, crl, 0);
    X509_EXTENSION *made = X509V3_EXT_nconf(NULL, &ctx, name, value);
    must(made != NULL && X509_REVOKED_add_ext(last_entry(crl), made, -1) == 1);
    X509_EXTENSION_free(made);
}

#define ENTRY_EXTRA(what, name, value)                                                             \
    static void what(struct fake *f, X509_CRL *crl)                                                \
    {                                                                                              \
        (void)f;                                                                                   \
        put_entry_extension(crl, name, value);                                                     \
    }
ENTRY_EXTRA(entry_invalidity, "2.5.29.24", "DER:180f32303236313131383131303634305a")
ENTRY_EXTRA(entry_of_another_issuer, "2.5.29.29", "critical,DER:3000")
ENTRY_EXTRA(entry_unknown_critical, "1.2.3.4.5", "critical,DER:0500")
ENTRY_EXTRA(entry_hold_instruction, "2.5.29.23", "DER:06072a8648ce380203")

static void entry_time_generalized(struct fake *f, X509_CRL *crl)
{
    (void)f;
    set_time(X509_REVOKED_get0_revocationDate(last_entry(crl)), V_ASN1_GENERALIZEDTIME,
             "20261118110540Z");
}

/* ---- bytes ---- */

static void set(struct buf *der, struct span bytes)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    must(buf_put(&copy, bytes) == MLT_OK);
    buf_reset(der);
    must(buf_put(der, buf_span(&copy)) == MLT_OK);
}

static void not_signed(struct fake *f, struct buf *der)
{
    (void)f;
    memset(der->p + der->len - 256, 0x11, 256);
}

static void one_bit_of_a_serial(struct fake *f, struct buf *der)
{
    (void)f;
    uint8_t serial[CERT_SERIAL];
    fake_crl_serial(1, serial);
    for (size_t i = 0; i + CERT_SERIAL <= der->len; i++)
        if (span_eq(span_of(der->p + i, CERT_SERIAL), SPAN_OF(serial))) {
            der->p[i + CERT_SERIAL - 1] ^= 4;
            return;
        }
    must(false);
}

static void cut(struct fake *f, struct buf *der)
{
    (void)f;
    buf_cut(der, der->len - 1);
}

static void trailing(struct fake *f, struct buf *der)
{
    (void)f;
    must(buf_put_u8(der, 0) == MLT_OK);
}

static void twice_over(struct fake *f, struct buf *der)
{
    fake_crl_good(f, der);
}

static void empty(struct fake *f, struct buf *der)
{
    (void)f;
    buf_reset(der);
}

/* 30 82 LL LL as 30 83 00 LL LL. */
static void long_length(struct fake *f, struct buf *der)
{
    (void)f;
    CLEANUP(buf_clear) struct buf longer = { 0 };
    must(buf_put(&longer, span_of("\x30\x83\x00", 3)) == MLT_OK);
    must(buf_put(&longer, span_from(buf_span(der), 2)) == MLT_OK);
    set(der, buf_span(&longer));
}

/* 30 80 ... 00 00 */
static void indefinite_length(struct fake *f, struct buf *der)
{
    (void)f;
    CLEANUP(buf_clear) struct buf other = { 0 };
    must(buf_put(&other, span_of("\x30\x80", 2)) == MLT_OK);
    must(buf_put(&other, span_from(buf_span(der), 4)) == MLT_OK);
    must(buf_put(&other, span_of("\x00\x00", 2)) == MLT_OK);
    set(der, buf_span(&other));
}

static void nested(struct fake *f, struct buf *der)
{
    (void)f;
    uint8_t *at = NULL;
    buf_reset(der);
    must(buf_extend(der, 65536, &at) == MLT_OK);
    memset(at, 0x30, 65536);
    for (size_t i = 1; i < 65536; i += 2)
        at[i] = 0x80;
}

/* DER all the way down, each level around the next. */
static void nested_in_der(struct fake *f, struct buf *der)
{
    (void)f;
    buf_reset(der);
    must(buf_put(der, span_of("\x05\x00", 2)) == MLT_OK);
    for (size_t i = 0; i < 40; i++) {
        CLEANUP(buf_clear) struct buf around = { 0 };
        must(buf_put_u8(&around, 0x30) == MLT_OK);
        must(buf_put_u8(&around, (uint8_t)der->len) == MLT_OK);
        must(buf_put(&around, buf_span(der)) == MLT_OK);
        set(der, buf_span(&around));
    }
}

/* A length of 4 GiB, in a file of a few bytes. */
static void said_to_be_4_gib(struct fake *f, struct buf *der)
{
    (void)f;
    set(der, span_of("\x30\x84\xff\xff\xff\xff\x30\x00", 8));
}

static void beyond_the_bound(struct fake *f, struct buf *der)
{
    (void)f;
    uint8_t *at = NULL;
    static const uint8_t head[] = { 0x30, 0x84, 0x01, 0x00, 0x00, 0x00 };
    buf_reset(der);
    must(buf_put(der, SPAN_OF(head)) == MLT_OK);
    must(buf_extend(der, 1 << 24, &at) == MLT_OK);
}

static void of_pem(struct fake *f, struct buf *der)
{
    (void)f;
    const uint8_t *at = der->p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der->len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    must(crl != NULL && bio != NULL && PEM_write_bio_X509_CRL(bio, crl) == 1);
    long n = BIO_get_mem_data(bio, &text);
    set(der, span_of(text, (size_t)n));
    BIO_free(bio);
    X509_CRL_free(crl);
}

static void a_certificate(struct fake *f, struct buf *der)
{
    buf_reset(der);
    fake_der(f->ca.x509, der);
}

/* The algorithm outside the signature is another one's: its last byte, the salt's length. */
static void outer_algorithm(struct fake *f, struct buf *der)
{
    (void)f;
    size_t at = der->len - 256 - 5 - 1; /* before the BIT STRING 03 82 01 01 00 */
    must(der->p[at] == 0x20);
    der->p[at] = 0x14;
}

static void bits_left_over(struct fake *f, struct buf *der)
{
    (void)f;
    der->p[der->len - 257] = 1;
}

static const struct fake_crl_defect defects[] = {
    { "twin_ca", MLT_ERR_CRL_SIGNATURE, NULL, NULL, by_another_key },
    { "twin_ca_own_key_id", MLT_ERR_CRL_FOREIGN, own_key_id, NULL, by_another_key },
    { "key_id_of_a_twin", MLT_ERR_CRL_FOREIGN, own_key_id, NULL, NULL },
    { "by_a_leaf", MLT_ERR_CRL_SIGNATURE, NULL, NULL, by_a_leaf },
    { "by_a_leaf_in_its_name", MLT_ERR_CRL_FOREIGN, issuer_is_a_leaf, NULL, by_a_leaf },
    { "other_issuer", MLT_ERR_CRL_FOREIGN, other_issuer, NULL, NULL },
    { "issuer_printable", MLT_ERR_CRL_FOREIGN, issuer_printable, NULL, NULL },
    { "pss_salt_0", MLT_ERR_CRL, NULL, NULL, by_FAKE_PSS_SALT_0 },
    { "pss_salt_20", MLT_ERR_CRL, NULL, NULL, by_FAKE_PSS_SALT_20 },
    { "pss_mgf_sha1", MLT_ERR_CRL, NULL, NULL, by_FAKE_PSS_MGF_SHA1 },
    { "pss_sha384", MLT_ERR_CRL, NULL, NULL, by_FAKE_PSS_SHA384 },
    { "pss_sha1", MLT_ERR_CRL, NULL, NULL, by_FAKE_PSS_SHA1 },
    { "pkcs1_sha256", MLT_ERR_CRL, NULL, NULL, by_FAKE_PKCS1_SHA256 },
    { "pkcs1_sha1", MLT_ERR_CRL, NULL, NULL, by_FAKE_PKCS1_SHA1 },
    { "pkcs1_md5", MLT_ERR_CRL, NULL, NULL, by_FAKE_PKCS1_MD5 },
    { "outer_algorithm", MLT_ERR_CRL, NULL, outer_algorithm, NULL },
    { "not_signed", MLT_ERR_CRL_SIGNATURE, NULL, not_signed, NULL },
    { "one_bit_of_a_serial", MLT_ERR_CRL_SIGNATURE, NULL, one_bit_of_a_serial, NULL },

    { "version_1", MLT_ERR_CRL, version_1, NULL, NULL },
    { "version_1_with_extensions", MLT_ERR_CRL, version_1_with_extensions, NULL, NULL },
    { "version_3", MLT_ERR_CRL, version_3, NULL, NULL },
    { "next_before_this", MLT_ERR_CRL, next_before_this, NULL, NULL },
    { "next_is_this", MLT_ERR_CRL, next_is_this, NULL, NULL },
    { "longer_than_30_days", MLT_ERR_CRL, longer_than_30_days, NULL, NULL },
    { "before_1970", MLT_ERR_CRL, before_1970, NULL, NULL },
    { "generalized_before_2050", MLT_ERR_CRL, generalized_before_2050, NULL, NULL },
    { "time_without_seconds", MLT_ERR_CRL, time_without_seconds, NULL, NULL },
    { "time_with_an_offset", MLT_ERR_CRL, time_with_an_offset, NULL, NULL },
    { "time_with_a_fraction", MLT_ERR_CRL, time_with_a_fraction, NULL, NULL },
    { "time_that_is_text", MLT_ERR_CRL, time_that_is_text, NULL, NULL },
    { "month_13", MLT_ERR_CRL, month_13, NULL, NULL },
    { "second_60", MLT_ERR_CRL, second_60, NULL, NULL },

    { "no_number", MLT_ERR_CRL, no_number, NULL, NULL },
    { "no_key_id", MLT_ERR_CRL, no_key_id, NULL, NULL },
    { "no_extensions", MLT_ERR_CRL, no_extensions, NULL, NULL },
    { "number_first", MLT_ERR_CRL, number_first, NULL, NULL },
    { "number_text", MLT_ERR_CRL, number_text, NULL, NULL },
    { "number_null", MLT_ERR_CRL, number_null, NULL, NULL },
    { "number_nothing", MLT_ERR_CRL, number_nothing, NULL, NULL },
    { "number_critical", MLT_ERR_CRL, number_critical, NULL, NULL },
    { "number_zero", MLT_ERR_CRL, number_zero, NULL, NULL },
    { "number_negative", MLT_ERR_CRL, number_negative, NULL, NULL },
    { "number_negative_of_9_bytes", MLT_ERR_CRL, number_negative_of_9_bytes, NULL, NULL },
    { "number_padded", MLT_ERR_CRL, number_padded, NULL, NULL },
    { "number_2_to_the_63", MLT_ERR_CRL, number_2_to_the_63, NULL, NULL },
    { "number_2_to_the_64", MLT_ERR_CRL, number_2_to_the_64, NULL, NULL },
    { "number_20_bytes", MLT_ERR_CRL, number_20_bytes, NULL, NULL },
    { "number_21_bytes", MLT_ERR_CRL, number_21_bytes, NULL, NULL },
    { "number_and_more", MLT_ERR_CRL, number_and_more, NULL, NULL },
    { "number_in_a_list", MLT_ERR_CRL, number_of_another_list, NULL, NULL },
    { "second_number", MLT_ERR_CRL, second_number, NULL, NULL },
    { "delta", MLT_ERR_CRL, delta, NULL, NULL },
    { "indirect", MLT_ERR_CRL, indirect, NULL, NULL },
    { "only_users", MLT_ERR_CRL, only_users, NULL, NULL },
    { "only_some_reasons", MLT_ERR_CRL, only_some_reasons, NULL, NULL },
    { "empty_distribution_point", MLT_ERR_CRL, empty_distribution_point, NULL, NULL },
    { "freshest", MLT_ERR_CRL, freshest, NULL, NULL },
    { "issuer_alternative", MLT_ERR_CRL, issuer_alternative, NULL, NULL },
    { "unknown_critical", MLT_ERR_CRL, unknown_critical, NULL, NULL },
    { "unknown", MLT_ERR_CRL, unknown, NULL, NULL },
    { "expired_kept", MLT_ERR_CRL, expired_kept, NULL, NULL },
    { "key_id_empty", MLT_ERR_CRL, key_id_empty, NULL, NULL },
    { "key_id_short", MLT_ERR_CRL, key_id_short, NULL, NULL },
    { "key_id_serial_alone", MLT_ERR_CRL, key_id_serial_alone, NULL, NULL },
    { "key_id_critical", MLT_ERR_CRL, key_id_critical, NULL, NULL },
    { "key_id_twice", MLT_ERR_CRL, key_id_twice, NULL, NULL },

    { "unsorted", MLT_ERR_CRL, unsorted, NULL, NULL },
    { "twice", MLT_ERR_CRL, twice, NULL, NULL },
    { "twice_at_the_front", MLT_ERR_CRL, twice_at_the_front, NULL, NULL },
    { "serial_zero", MLT_ERR_CRL, serial_zero, NULL, NULL },
    { "serial_negative", MLT_ERR_CRL, serial_negative, NULL, NULL },
    { "serial_top_bit", MLT_ERR_CRL, serial_top_bit, NULL, NULL },
    { "serial_17_bytes", MLT_ERR_CRL, serial_17_bytes, NULL, NULL },
    { "serial_20_bytes", MLT_ERR_CRL, serial_20_bytes, NULL, NULL },
    { "serial_21_bytes", MLT_ERR_CRL, serial_21_bytes, NULL, NULL },
    { "empty_list", MLT_ERR_CRL, empty_list, NULL, NULL },
    { "reason_said_to_be_unspecified", MLT_ERR_CRL, reason_said_to_be_unspecified, NULL, NULL },
    { "reason_ca_compromise", MLT_ERR_CRL, reason_ca_compromise, NULL, NULL },
    { "reason_hold", MLT_ERR_CRL, reason_hold, NULL, NULL },
    { "reason_taken_back", MLT_ERR_CRL, reason_taken_back, NULL, NULL },
    { "reason_privilege", MLT_ERR_CRL, reason_privilege, NULL, NULL },
    { "reason_unknown", MLT_ERR_CRL, reason_unknown, NULL, NULL },
    { "reason_critical", MLT_ERR_CRL, reason_critical, NULL, NULL },
    { "reason_twice", MLT_ERR_CRL, reason_twice, NULL, NULL },
    { "entry_invalidity", MLT_ERR_CRL, entry_invalidity, NULL, NULL },
    { "entry_of_another_issuer", MLT_ERR_CRL, entry_of_another_issuer, NULL, NULL },
    { "entry_unknown_critical", MLT_ERR_CRL, entry_unknown_critical, NULL, NULL },
    { "entry_hold_instruction", MLT_ERR_CRL, entry_hold_instruction, NULL, NULL },
    { "entry_time_generalized", MLT_ERR_CRL, entry_time_generalized, NULL, NULL },

    { "cut", MLT_ERR_ENCODING, NULL, cut, NULL },
    { "trailing", MLT_ERR_ENCODING, NULL, trailing, NULL },
    { "twice_over", MLT_ERR_ENCODING, NULL, twice_over, NULL },
    { "empty", MLT_ERR_ENCODING, NULL, empty, NULL },
    { "long_length", MLT_ERR_ENCODING, NULL, long_length, NULL },
    { "indefinite_length", MLT_ERR_ENCODING, NULL, indefinite_length, NULL },
    { "nested", MLT_ERR_ENCODING, NULL, nested, NULL },
    { "nested_in_der", MLT_ERR_ENCODING, NULL, nested_in_der, NULL },
    { "said_to_be_4_gib", MLT_ERR_ENCODING, NULL, said_to_be_4_gib, NULL },
    { "beyond_the_bound", MLT_ERR_ENCODING, NULL, beyond_the_bound, NULL },
    { "of_pem", MLT_ERR_ENCODING, NULL, of_pem, NULL },
    { "a_certificate", MLT_ERR_CRL, NULL, a_certificate, NULL },
    { "bits_left_over", MLT_ERR_CRL, NULL, bits_left_over, NULL },
};

const struct fake_crl_defect *fake_crl_defects(size_t *count)
{
    *count = COUNT_OF(defects);
    return defects;
}

void fake_crl_make(struct fake *f, const struct fake_crl_defect *defect, struct buf *out)
{
    X509_CRL *crl = fake_crl_draft(f);
    if (defect->change != NULL)
        defect->change(f, crl);
    if (defect->sign != NULL)
        defect->sign(f, crl);
    else
        fake_sign_crl(crl, f->ca_key, FAKE_PSS);
    fake_crl_der(crl, out);
    X509_CRL_free(crl);
    if (defect->damage != NULL)
        defect->damage(f, out);
}
