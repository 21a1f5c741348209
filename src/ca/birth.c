/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/birth.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "ca/adopt.h"
#include "ca/crl_keep.h"
#include "ca/explain.h"
#include "ca/invite.h"
#include "ca/setting.h"
#include "crypto/rsa.h"

static const uint32_t scrypt_r = 8;
static const uint32_t scrypt_p = 1;

enum mlt_err birth_prepare(uint32_t kdf_cost, struct ipc_key_needed *need)
{
    struct ipc_key_needed made = { .fresh = true, .cost = { kdf_cost, scrypt_r, scrypt_p } };
    ENSURE(kdf_cost >= LIMIT_KDF_COST_MIN && kdf_cost <= LIMIT_KDF_COST_MAX, MLT_ERR_USAGE);
    ENSURE((kdf_cost & (kdf_cost - 1)) == 0, MLT_ERR_USAGE);
    TRY(env_random(env_system(), made.salt, sizeof(made.salt)));
    *need = made;
    return MLT_OK;
}

static enum mlt_err append_own(struct ca *ca, enum keystore_kind kind, struct span content)
{
    struct keystore_mark mark;
    TRY(keystore_append(&ca->keystore, kind, span_str(CA_KEYSTORE_NAME), content, &mark));
    keystore_adopt(&ca->keystore, &mark);
    return MLT_OK;
}

/* A root that was signed elsewhere, long ago: entered as if it was issued now. */
static enum mlt_err adopt_root(struct ca *ca)
{
    const struct cert *cert = &ca->cert;
    struct certificate root = { .role = CERT_CA,
                                .issued_s = ca_now_s(ca),
                                .not_after_s = cert->fields.not_after_s,
                                .der = buf_span(&ca->cert_der) };
    uint64_t position = 0;
    memcpy(root.serial, cert->fields.serial, CERT_SERIAL);
    memcpy(root.spki_hash, cert->spki_hash, HASH_LEN);
    return adopt_enter(&ca->db, &root, cert, &position);
}

static enum mlt_err make_root(struct ca *ca)
{
    CLEANUP(issued_clear) struct issued root = { 0 };
    TRY(issue_root(ca->env, &ca->db, span_str(ca->realm), ca->key, &root));
    TRY(buf_put(&ca->cert_der, buf_span(&root.der)));
    TRY(cert_read_ca(buf_span(&ca->cert_der), NULL, &ca->cert));
    return certificates_record(&ca->db, &root);
}

/* Inside the one transaction. */
static enum mlt_err fill_ledger(struct ca *ca)
{
    bool imported = ca->cert_der.len > 0;
    TRY(database_create(&ca->db));
    TRY(imported ? adopt_root(ca) : make_root(ca));
    TRY(head_first(ca, !imported));
    CLEANUP(secret_clear) struct secret key = { 0 };
    TRY(rsa_private_encode(ca->key, &key));
    TRY(append_own(ca, KEYSTORE_CA_KEY, secret_span(&key)));
    TRY(append_own(ca, KEYSTORE_CA_CERTIFICATE, buf_span(&ca->cert_der)));
    TRY(keystore_mark_store(&ca->db, &ca->keystore.mark));
    TRY(setting_set(&ca->db, CA_META_REALM, span_str(ca->realm)));
    TRY(setting_set_number(&ca->db, CA_META_CERT_LIFE, ca->cert_life_s));
    if (ca->advertise[0] != '\0')
        TRY(setting_set(&ca->db, CA_META_ADVERTISE, span_str(ca->advertise)));
    return MLT_OK;
}

static enum mlt_err begin(struct ca *ca, const struct secret *stretched)
{
    TRY(rsa_key_check(ca->key, true));
    TRY(keystore_create(&ca->keystore, ca->dir, &ca->birth.cost, ca->birth.salt, stretched));
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, fill_ledger(ca)));
    TRY(keystore_publish(ca->dir));
    TRY(invite_derive_key(&ca->keystore.master, &ca->invite_key));
    ca->fresh = false;
    return MLT_OK;
}

enum mlt_err birth(struct ca *ca, const struct secret *stretched)
{
    TRY(rsa_key_new(ca->ca_bits, &ca->key));
    return begin(ca, stretched);
}

/* A wrong clock would date the epoch, and every client holds that against the CA for good. */
static enum mlt_err check_time(const struct ca *ca, struct buf *why)
{
    char now[TIMEFMT_RFC3339], begin[TIMEFMT_RFC3339], end[TIMEFMT_RFC3339];
    const struct cert_fields *root = &ca->cert.fields;
    int64_t now_s = ca_now_s(ca);
    timefmt_rfc3339(now_s * 1000, now);
    timefmt_rfc3339(root->not_before_s * 1000, begin);
    timefmt_rfc3339(root->not_after_s * 1000, end);
    if (now_s < root->not_before_s)
        return explain(why, MLT_ERR_CERT_NOT_YET, TEXT_ROOT_NOT_YET, now, begin);
    if (now_s >= root->not_after_s)
        return explain(why, MLT_ERR_CERT_EXPIRED, TEXT_ROOT_OVER, now, end);
    return MLT_OK;
}

enum mlt_err birth_import(struct ca *ca, const struct secret *stretched, EVP_PKEY *key,
                          struct span certificate, struct buf *why)
{
    uint8_t hash[HASH_LEN];
    ENSURE(ca->fresh, MLT_ERR_EXISTS);
    TRY(rsa_public_hash(key, hash));
    TRY(cert_read_ca(certificate, hash, &ca->cert));
    TRY(check_time(ca, why));
    TRY(buf_put(&ca->cert_der, certificate));
    TRY(rsa_key_share(key, &ca->key));
    memcpy(ca->realm, ca->cert.fields.realm, sizeof(ca->realm));
    TRY(begin(ca, stretched));
    TRY(database_begin(&ca->db));
    return database_end(&ca->db, crl_keep_skip_to(&ca->db, ca->head.epoch));
}

enum mlt_err birth_first_url(struct ca *ca, struct buf *url)
{
    if (ca->advertise[0] == '\0')
        return MLT_OK;
    if (ca->mode != ENROL_INVITE)
        return ca_join_url(ca, NULL, NULL, url);
    struct invite invite;
    int64_t now_s = ca_now_s(ca);
    TRY(invite_make(&ca->db, &ca->invite_key, NULL, now_s, now_s + LIMIT_FIRST_INVITE_S, &invite));
    enum mlt_err err = ca_join_url(ca, NULL, &invite, url);
    alloc_wipe(&invite, sizeof(invite));
    return err;
}
