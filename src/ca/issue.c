/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/issue.h"

#include <openssl/x509.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/rsa.h"

static const char server_name[] = "relay";

/* What is to be signed, and the leaf that says so. */
struct draft {
    X509 *x509;
    struct cert_fields fields;
    struct ledger_leaf leaf;
    struct buf tbs;
};

static void draft_clear(struct draft *d)
{
    X509_free(d->x509);
    buf_clear(&d->tbs);
    *d = (struct draft) { 0 };
}

void issued_clear(struct issued *i)
{
    buf_clear(&i->der);
    *i = (struct issued) { 0 };
}

enum cert_role issue_role_of(const struct name *name)
{
    return span_eq(name_span(name), span_str(server_name)) ? CERT_SERVER : CERT_CLIENT;
}

/* Positive, never zero, without a leading zero byte that DER would drop: 126 random bits. */
static enum mlt_err choose_serial(const struct env *env, uint8_t serial[static CERT_SERIAL])
{
    TRY(env_random(env, serial, CERT_SERIAL));
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
    return MLT_OK;
}

static int64_t life_of(enum cert_role role)
{
    switch (role) {
    case CERT_CA:
        return (int64_t)LIMIT_CA_YEARS * 365 * 86400;
    case CERT_SERVER:
        return (int64_t)LIMIT_SERVER_CERT_HOURS * 3600;
    case CERT_CLIENT:
        return (int64_t)LIMIT_CERT_DAYS * 86400;
    }
    return 0;
}

static enum mlt_err set_realm(struct cert_fields *fields, struct span realm)
{
    TRY(realm_check(realm));
    memcpy(fields->realm, realm.p, realm.n);
    return MLT_OK;
}

enum mlt_err issue_draw_leaf(const struct cert_fields *fields,
                             const uint8_t spki_hash[static HASH_LEN], struct span tbs,
                             struct ledger_leaf *leaf)
{
    struct ledger_leaf made = { .name = fields->name,
                                .kind = (enum ledger_kind)fields->role,
                                .time_s = fields->not_before_s + LIMIT_BACKDATE_S };
    memcpy(made.serial, fields->serial, CERT_SERIAL);
    memcpy(made.spki_hash, spki_hash, HASH_LEN);
    TRY(hash_sha256(tbs, made.tbs_hash));
    *leaf = made;
    return MLT_OK;
}

/* Everything but the signature; `fields` has role, name and realm. */
static enum mlt_err make_draft(const struct env *env, const struct cert_fields *fields,
                               EVP_PKEY *subject, X509 *issuer, struct draft *out)
{
    CLEANUP(draft_clear) struct draft d = { .fields = *fields };
    uint8_t spki_hash[HASH_LEN];
    int64_t now_s = env_wall_ms(env) / 1000;
    TRY(choose_serial(env, d.fields.serial));
    d.fields.not_before_s = now_s - LIMIT_BACKDATE_S;
    d.fields.not_after_s = now_s + life_of(fields->role);
    if (fields->not_after_s > 0 && fields->not_after_s < d.fields.not_after_s)
        d.fields.not_after_s = fields->not_after_s;
    d.x509 = X509_new();
    ENSURE(d.x509 != NULL, MLT_ERR_NOMEM);
    TRY(profile_build(&d.fields, subject, issuer, d.x509));
    TRY(profile_tbs(d.x509, &d.tbs));
    TRY(rsa_public_hash(subject, spki_hash));
    TRY(issue_draw_leaf(&d.fields, spki_hash, buf_span(&d.tbs), &d.leaf));
    *out = d;
    d = (struct draft) { 0 };
    return MLT_OK;
}

/* The leaf stands: check those bytes once more, sign them, and see that they stayed the same. */
static enum mlt_err sign_draft(struct draft *d, EVP_PKEY *key, uint64_t position,
                               struct issued *out)
{
    struct cert_fields read;
    TRY(profile_check(d->x509, d->fields.role, &read));
    ENSURE(name_eq(&read.name, &d->fields.name), MLT_ERR_CERT_PROFILE);
    TRY(profile_sign(d->x509, key));
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    TRY(profile_tbs(d->x509, &tbs));
    ENSURE(span_eq(buf_span(&tbs), buf_span(&d->tbs)), MLT_ERR_STATE);
    CLEANUP(issued_clear)
    struct issued made = { .role = d->fields.role,
                           .name = d->fields.name,
                           .issued_s = d->leaf.time_s,
                           .not_after_s = d->fields.not_after_s,
                           .position = position };
    memcpy(made.spki_hash, d->leaf.spki_hash, HASH_LEN);
    memcpy(made.serial, d->fields.serial, CERT_SERIAL);
    TRY(cert_der(d->x509, &made.der));
    issued_clear(out);
    *out = made;
    made = (struct issued) { 0 };
    return MLT_OK;
}

static enum mlt_err commit_leaf(struct database *db, const struct ledger_leaf *leaf,
                                uint64_t *position)
{
    TRY(database_begin(db));
    return database_end(db, ledger_append(db, leaf, position));
}

enum mlt_err issue_leaf(const struct issuer *issuer, enum cert_role role, const struct name *name,
                        EVP_PKEY *subject, struct issued *out)
{
    ENSURE(role == CERT_CLIENT || role == CERT_SERVER, MLT_ERR_STATE);
    const struct cert_fields *root = &issuer->ca->fields;
    int64_t now_s = env_wall_ms(issuer->env) / 1000;
    ENSURE(now_s < root->not_after_s, MLT_ERR_CERT_EXPIRED);
    ENSURE(now_s >= root->not_before_s, MLT_ERR_CERT_NOT_YET);
    struct cert_fields fields = { .role = role, .not_after_s = root->not_after_s };
    int64_t life_s = role == CERT_CLIENT ? issuer->client_life_s : 0;
    if (life_s > 0 && now_s + life_s < fields.not_after_s)
        fields.not_after_s = now_s + life_s;
    if (role == CERT_SERVER)
        TRY(name_parse(span_str(server_name), &fields.name));
    else
        fields.name = *name;
    TRY(set_realm(&fields, span_str(root->realm)));
    CLEANUP(draft_clear) struct draft d = { 0 };
    TRY(make_draft(issuer->env, &fields, subject, issuer->ca->x509, &d));
    uint64_t position = 0;
    TRY(commit_leaf(issuer->db, &d.leaf, &position));
    return sign_draft(&d, issuer->key, position, out);
}

enum mlt_err issue_crl(const struct issuer *issuer, struct crl *crl, uint64_t *position,
                       struct buf *der)
{
    crl->this_update_s = env_wall_ms(issuer->env) / 1000;
    crl->next_update_s = crl->this_update_s + LIMIT_CRL_S;
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    TRY(crl_tbs(crl, issuer->ca, &tbs));
    struct ledger_leaf leaf = { .kind = LEDGER_CRL, .time_s = crl->this_update_s };
    ledger_leaf_put_number(crl->number, leaf.serial);
    memcpy(leaf.spki_hash, issuer->ca->spki_hash, HASH_LEN);
    TRY(hash_sha256(buf_span(&tbs), leaf.tbs_hash));
    uint64_t at = 0;
    TRY(commit_leaf(issuer->db, &leaf, &at));
    TRY(crl_sign(buf_span(&tbs), issuer->key, issuer->ca, der));
    *position = at;
    return MLT_OK;
}

enum mlt_err issue_root(const struct env *env, struct database *db, struct span realm,
                        EVP_PKEY *key, struct issued *out)
{
    struct cert_fields fields = { .role = CERT_CA };
    TRY(set_realm(&fields, realm));
    CLEANUP(draft_clear) struct draft d = { 0 };
    TRY(make_draft(env, &fields, key, NULL, &d));
    uint64_t position = 0;
    TRY(ledger_append(db, &d.leaf, &position));
    return sign_draft(&d, key, position, out);
}
