/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "crypto/pss.h"
#include "fake.h"
#include "pki/request.h"

static const int64_t now_s = 1795000000; /* 2026-11-18 */

/* Our own CA, made at the first question that needs it. */
static struct fake *house(void)
{
    static struct fake fake;
    if (fake.ca_key == NULL)
        fake_start(&fake, now_s);
    return &fake;
}

static enum mlt_err read_leaf(struct span der, enum cert_role role)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    return cert_read_leaf(der, &house()->ca, role, now_s, &c);
}

static enum mlt_err read_ca(struct span der, const uint8_t *pin)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    return cert_read_ca(der, pin, &c);
}

static enum mlt_err read_request(struct span der)
{
    CLEANUP(request_clear) struct request r = { 0 };
    return request_read(der, &r);
}

/* Every way in: as a client's, the server's, a CA to show, a CA to pin, a request. */
static enum mlt_err answer_read(const struct buf *args, struct buf *out)
{
    struct span der = buf_span(&args[0]);
    TRY(buf_put_format(out, "%s %s ", err_name(read_leaf(der, CERT_CLIENT)),
                       err_name(read_leaf(der, CERT_SERVER))));
    return buf_put_format(out, "%s %s %s", err_name(read_ca(der, NULL)),
                          err_name(read_ca(der, house()->ca.spki_hash)),
                          err_name(read_request(der)));
}

static enum mlt_err answer_pem(const struct buf *args, struct buf *out)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    TRY(cert_der_from_pem(buf_span(&args[0]), &der));
    return buf_put_hex(out, buf_span(&der));
}

static enum mlt_err judge(X509 *x)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    fake_der(x, &der);
    enum mlt_err client = read_leaf(buf_span(&der), CERT_CLIENT);
    return read_leaf(buf_span(&der), CERT_SERVER) == MLT_OK ? MLT_ERR_STATE : client;
}

static X509 *parse_any(const struct buf *der)
{
    const uint8_t *at = der->p;
    return d2i_X509(NULL, &at, (long)der->len);
}

static void drop_all(X509 *x, int nid)
{
    for (int at; (at = X509_get_ext_by_NID(x, nid, -1)) >= 0;)
        X509_EXTENSION_free(X509_delete_ext(x, at));
}

static void take_extension(X509 *x, X509 *from, int nid)
{
    drop_all(x, nid);
    X509_EXTENSION *ours = X509_get_ext(from, X509_get_ext_by_NID(from, nid, -1));
    if (X509_add_ext(x, ours, -1) != 1)
        abort();
}

/* Another copy of the one: to build each anew takes longer than to sign it. */
static X509 *draft(void)
{
    static X509 *first;
    struct cert_fields fields;
    if (first == NULL) {
        fake_fields(CERT_CLIENT, "maria.silva", now_s, &fields);
        first = fake_draft(house(), &fields, house()->leaf_key);
    }
    return X509_dup(first);
}

/*
 * Our own CA signs what others made: as it is; then under our CA's name; then with our authority
 * key id and role as well.
 */
static enum mlt_err answer_adopt(const struct buf *args, struct buf *out)
{
    struct fake *f = house();
    X509 *x = parse_any(&args[0]);
    ENSURE(x != NULL, MLT_ERR_ENCODING);
    X509 *good = draft();
    fake_sign(x, f->ca_key, FAKE_PSS);
    enum mlt_err as_is = judge(x);
    X509_set_issuer_name(x, X509_get_subject_name(f->ca.x509));
    fake_sign(x, f->ca_key, FAKE_PSS);
    enum mlt_err renamed = judge(x);
    take_extension(x, good, NID_ext_key_usage);
    take_extension(x, good, NID_authority_key_identifier);
    fake_sign(x, f->ca_key, FAKE_PSS);
    enum mlt_err dressed = judge(x);
    X509_free(good);
    X509_free(x);
    return buf_put_format(out, "%s %s %s", err_name(as_is), err_name(renamed), err_name(dressed));
}

static bool is(const struct buf *arg, const char *word)
{
    return span_eq(buf_span(arg), span_str(word));
}

/* Signs what was grafted, says what cert_read_leaf made of it, and forgets it. */
static enum mlt_err tell(X509 *x, struct buf *out)
{
    fake_sign(x, house()->ca_key, FAKE_PSS);
    enum mlt_err err = judge(x);
    X509_free(x);
    return buf_put_format(out, "%s ", err_name(err));
}

static enum mlt_err graft_key(X509 *x, const X509 *from)
{
    X509_PUBKEY *theirs = X509_get_X509_PUBKEY(from);
    ASN1_OBJECT *algorithm = NULL;
    X509_ALGOR *whole = NULL;
    const uint8_t *key = NULL;
    int n = 0, kind = 0;
    const void *parameters = NULL;
    X509_PUBKEY_get0_param(&algorithm, &key, &n, &whole, theirs);
    X509_ALGOR_get0(NULL, &kind, &parameters, whole);
    ASN1_TYPE *copy = ASN1_TYPE_new();
    ASN1_TYPE_set1(copy, kind, kind == V_ASN1_NULL ? NULL : parameters);
    void *value = copy->value.ptr;
    copy->type = V_ASN1_NULL;
    ASN1_TYPE_free(copy);
    X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x), OBJ_dup(algorithm), kind, value,
                           OPENSSL_memdup(key, (size_t)n), n);
    CLEANUP(buf_clear) struct buf id = { 0 };
    const char *text = NULL;
    uint8_t hash[HASH_LEN];
    TRY(hash_sha256(span_of(key, (size_t)n), hash));
    TRY(buf_put_hex(&id, span_of(hash, 20)));
    TRY(buf_text(&id, &text));
    int at = X509_get_ext_by_NID(x, NID_subject_key_identifier, -1);
    X509_EXTENSION_free(X509_delete_ext(x, at));
    fake_add(x, "subjectKeyIdentifier", text, at);
    return MLT_OK;
}

static enum mlt_err graft(X509 *x, X509 *from, const struct buf *part)
{
    if (is(part, "serial"))
        X509_set_serialNumber(x, X509_get_serialNumber(from));
    else if (is(part, "subject"))
        X509_set_subject_name(x, X509_get_subject_name(from));
    else if (is(part, "version"))
        X509_set_version(x, X509_get_version(from));
    else if (is(part, "key"))
        return graft_key(x, from);
    else if (is(part, "end"))
        X509_set1_notAfter(x, X509_get0_notAfter(from));
    else if (is(part, "life"))
        return X509_set1_notBefore(x, X509_get0_notBefore(from)) == 1 &&
                       X509_set1_notAfter(x, X509_get0_notAfter(from)) == 1
                   ? MLT_OK
                   : MLT_ERR_NOMEM;
    else
        return MLT_ERR_USAGE;
    return MLT_OK;
}

/* One part of theirs in an otherwise good client certificate of our CA. */
static enum mlt_err answer_graft(const struct buf *args, struct buf *out)
{
    X509 *from = parse_any(&args[1]);
    ENSURE(from != NULL, MLT_ERR_ENCODING);
    X509 *x = draft();
    enum mlt_err err = graft(x, from, &args[0]);
    X509_free(from);
    TRY(err);
    return tell(x, out);
}

static bool is_same_extension(X509_EXTENSION *a, X509_EXTENSION *b)
{
    return X509_EXTENSION_get_critical(a) == X509_EXTENSION_get_critical(b) &&
           ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(a), X509_EXTENSION_get_data(b)) == 0;
}

/* An extension of theirs in the place of ours, and beside ours; "same" if it is ours. */
static enum mlt_err answer_extension(const struct buf *args, struct buf *out)
{
    const uint8_t *p = args[0].p;
    X509_EXTENSION *theirs = d2i_X509_EXTENSION(NULL, &p, (long)args[0].len);
    ENSURE(theirs != NULL, MLT_ERR_ENCODING);
    X509 *more = draft();
    X509_add_ext(more, theirs, -1);
    TRY(tell(more, out));
    X509 *x = draft();
    int at = X509_get_ext_by_OBJ(x, X509_EXTENSION_get_object(theirs), -1);
    X509_EXTENSION *ours = at >= 0 ? X509_delete_ext(x, at) : NULL;
    bool same = ours != NULL && is_same_extension(ours, theirs);
    X509_add_ext(x, theirs, at);
    X509_EXTENSION_free(ours);
    X509_EXTENSION_free(theirs);
    TRY(tell(x, out));
    return buf_put_str(out, same ? "same" : "other");
}

/* What our CA makes, to be taken apart: client, server, ca, request. */
static enum mlt_err answer_ours(const struct buf *args, struct buf *out)
{
    struct fake *f = house();
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct name name;
    if (is(&args[0], "request")) {
        TRY(name_parse(span_str("maria.silva"), &name));
        TRY(request_make(f->leaf_key, &name, &der));
    } else if (is(&args[0], "ca")) {
        fake_der(f->ca.x509, &der);
    } else {
        X509 *x = fake_good(f, is(&args[0], "server") ? CERT_SERVER : CERT_CLIENT);
        fake_der(x, &der);
        X509_free(x);
    }
    return buf_put_hex(out, buf_span(&der));
}

/* A good signature over any bytes: the CA's, but for a request its own key's. */
static enum mlt_err answer_sign(const struct buf *args, struct buf *out)
{
    struct fake *f = house();
    CLEANUP(pss_context_free) EVP_MD_CTX *ctx = NULL;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    uint8_t *at = NULL;
    size_t n = 256;
    TRY(pss_sign_context(is(&args[0], "request") ? f->leaf_key : f->ca_key, &ctx));
    TRY(buf_extend(&signature, n, &at));
    ENSURE(EVP_DigestSign(ctx, at, &n, args[1].p, args[1].len) == 1 && n == 256, MLT_ERR_CRYPTO);
    return buf_put_hex(out, buf_span(&signature));
}

const struct verb *oracle_pki_verbs(size_t *count)
{
    static const struct verb verbs[] = {
        { "read", 1, answer_read },           { "pem", 1, answer_pem },
        { "adopt", 1, answer_adopt },         { "graft", 2, answer_graft },
        { "extension", 1, answer_extension }, { "ours", 1, answer_ours },
        { "sign", 2, answer_sign },
    };
    *count = COUNT_OF(verbs);
    return verbs;
}
