/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/profile_table.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "pki/der.h"

enum filling {
    FILL_NOTHING,
    FILL_REALM,
    FILL_ADDRESS,
    FILL_SUBJECT_KEY,
    FILL_ISSUER_KEY,
    FILL_NUMBER,
    FILL_REASON
};

/*
 * Extensions stand in this order.  The rfc822 constraint is the only one on the root: a DNS
 * constraint makes OpenSSL refuse the CN "maria.silva".  A request has none, nor any attribute.
 */
static const struct extension {
    enum profile_kind kind;
    int nid;
    const char *value;    /* as in x509v3_config(5) */
    enum filling filling; /* what follows it */
} extensions[] = {
    { PROFILE_CA, NID_basic_constraints, "critical,CA:TRUE,pathlen:0", FILL_NOTHING },
    { PROFILE_CA, NID_key_usage, "critical,keyCertSign,cRLSign", FILL_NOTHING },
    { PROFILE_CA, NID_subject_key_identifier, "", FILL_SUBJECT_KEY },
    { PROFILE_CA, NID_name_constraints, "critical,permitted;email:", FILL_REALM },

    { PROFILE_SERVER, NID_basic_constraints, "critical,CA:FALSE", FILL_NOTHING },
    { PROFILE_SERVER, NID_key_usage, "critical,digitalSignature", FILL_NOTHING },
    { PROFILE_SERVER, NID_ext_key_usage, PROFILE_OID_SERVER ",serverAuth", FILL_NOTHING },
    { PROFILE_SERVER, NID_subject_alt_name, "email:", FILL_ADDRESS },
    { PROFILE_SERVER, NID_subject_key_identifier, "", FILL_SUBJECT_KEY },
    { PROFILE_SERVER, NID_authority_key_identifier, "DER:30168014", FILL_ISSUER_KEY },

    { PROFILE_CLIENT, NID_basic_constraints, "critical,CA:FALSE", FILL_NOTHING },
    { PROFILE_CLIENT, NID_key_usage, "critical,digitalSignature", FILL_NOTHING },
    { PROFILE_CLIENT, NID_ext_key_usage, PROFILE_OID_CLIENT ",clientAuth", FILL_NOTHING },
    { PROFILE_CLIENT, NID_subject_alt_name, "email:", FILL_ADDRESS },
    { PROFILE_CLIENT, NID_subject_key_identifier, "", FILL_SUBJECT_KEY },
    { PROFILE_CLIENT, NID_authority_key_identifier, "DER:30168014", FILL_ISSUER_KEY },

    { PROFILE_CRL, NID_authority_key_identifier, "DER:30168014", FILL_ISSUER_KEY },
    { PROFILE_CRL, NID_crl_number, "DER:", FILL_NUMBER },

    { PROFILE_CRL_ENTRY, NID_crl_reason, "DER:0a01", FILL_REASON },
};

/* RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt 32, trailer by default (RFC 4055 3.1). */
static const uint8_t pss_algorithm[] = {
    0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30,
    0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
    0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
    0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20,
};

static const int64_t day_s = 86400;
static const int64_t last_second = 253402300799; /* of the year 9999: the end of X.509 time */

static int64_t longest_life(enum profile_kind kind)
{
    switch (kind) {
    case PROFILE_CA:
        return LIMIT_CA_YEARS * 366 * day_s + LIMIT_BACKDATE_S;
    case PROFILE_SERVER:
        return LIMIT_SERVER_CERT_HOURS * 3600 + LIMIT_BACKDATE_S;
    case PROFILE_CLIENT:
        return LIMIT_CERT_DAYS * day_s + LIMIT_BACKDATE_S;
    case PROFILE_CRL:
        return LIMIT_CRL_LIFE_S;
    case PROFILE_CRL_ENTRY:
        return 0;
    }
    return 0;
}

static void free_extension(X509_EXTENSION **e)
{
    X509_EXTENSION_free(*e);
}

void profile_extensions_free(STACK_OF(X509_EXTENSION) * *all)
{
    sk_X509_EXTENSION_pop_free(*all, X509_EXTENSION_free);
}

enum mlt_err profile_key_id(X509_PUBKEY *key, uint8_t id[static PROFILE_KEY_ID])
{
    const uint8_t *bits = NULL;
    int n = 0;
    uint8_t hash[HASH_LEN];
    ENSURE(X509_PUBKEY_get0_param(NULL, &bits, &n, NULL, key) == 1, MLT_ERR_CRYPTO);
    TRY(hash_sha256(span_of(bits, (size_t)n), hash));
    memcpy(id, hash, PROFILE_KEY_ID);
    return MLT_OK;
}

static enum mlt_err put_number(uint64_t number, struct buf *out)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint8_t bytes[sizeof number];
    for (size_t i = sizeof bytes; i > 0; number >>= 8)
        bytes[--i] = (uint8_t)number;
    TRY(der_put_number(&der, SPAN_OF(bytes)));
    return buf_put_hex(out, buf_span(&der));
}

static enum mlt_err put_filling(enum filling filling, const struct profile_values *v,
                                struct buf *out)
{
    switch (filling) {
    case FILL_NOTHING:
        return MLT_OK;
    case FILL_REALM:
        return buf_put_str(out, v->realm);
    case FILL_ADDRESS:
        return buf_put_format(out, "%s@%s", v->name->text, v->realm);
    case FILL_SUBJECT_KEY:
        return buf_put_hex(out, span_of(v->subject_key_id, PROFILE_KEY_ID));
    case FILL_ISSUER_KEY:
        return buf_put_hex(out, span_of(v->issuer_key_id, PROFILE_KEY_ID));
    case FILL_NUMBER:
        return put_number(v->number, out);
    case FILL_REASON:
        return buf_put_hex(out, span_of(&v->reason, 1));
    }
    return MLT_ERR_STATE;
}

static enum mlt_err add(const struct extension *row, const struct profile_values *v,
                        STACK_OF(X509_EXTENSION) * to)
{
    CLEANUP(buf_clear) struct buf value = { 0 };
    const char *text = NULL;
    TRY(buf_put_str(&value, row->value));
    TRY(put_filling(row->filling, v, &value));
    TRY(buf_text(&value, &text));
    X509V3_CTX nothing;
    X509V3_set_ctx(&nothing, NULL, NULL, NULL, NULL, 0);
    CLEANUP(free_extension)
    X509_EXTENSION *made = X509V3_EXT_nconf_nid(NULL, &nothing, row->nid, text);
    ENSURE(made != NULL && sk_X509_EXTENSION_push(to, made) > 0, MLT_ERR_CRYPTO);
    made = NULL;
    return MLT_OK;
}

enum mlt_err profile_extensions(enum profile_kind kind, const struct profile_values *v,
                                STACK_OF(X509_EXTENSION) * *out)
{
    CLEANUP(profile_extensions_free) STACK_OF(X509_EXTENSION) *made = sk_X509_EXTENSION_new_null();
    ENSURE(made != NULL, MLT_ERR_NOMEM);
    for (size_t i = 0; i < COUNT_OF(extensions); i++)
        if (extensions[i].kind == kind)
            TRY(add(&extensions[i], v, made));
    *out = made;
    made = NULL;
    return MLT_OK;
}

bool profile_is_time(int64_t s)
{
    return s >= 0 && s <= last_second;
}

bool profile_is_life(enum profile_kind kind, int64_t from_s, int64_t to_s)
{
    return profile_is_time(from_s) && profile_is_time(to_s) && from_s < to_s &&
           to_s - from_s <= longest_life(kind);
}

struct span profile_algorithm(void)
{
    return SPAN_OF(pss_algorithm);
}
