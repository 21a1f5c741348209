/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "ca/backup.h"
#include "ca/birth.h"
#include "ca/crl_keep.h"
#include "ca/explain.h"
#include "ca/invite.h"
#include "ca/keystore_rewrite.h"
#include "ca/ledger_tree.h"
#include "ca/schema.h"
#include "ca/setting.h"
#include "crypto/rsa.h"
#include "wire/join_url.h"

struct ca ca_none(void)
{
    return (struct ca) { .dir = -1, .keystore = keystore_none() };
}

void ca_close(struct ca *ca)
{
    rsa_key_free(&ca->key);
    cert_clear(&ca->cert);
    buf_clear(&ca->cert_der);
    secret_clear(&ca->invite_key);
    secret_clear(&ca->boot_key);
    mailbox_cache_clear(&ca->mailboxes);
    head_clear(&ca->head);
    stopped_clear(&ca->stopped);
    keystore_close(&ca->keystore);
    database_close(&ca->db);
    file_close(&ca->dir);
    *ca = ca_none();
}

enum mlt_err ca_may_issue(struct ca *ca)
{
    ENSURE(!stopped_is(ca), MLT_ERR_STOPPED);
    return clock_check(ca);
}

enum mlt_err ca_issuer(struct ca *ca, struct issuer *issuer)
{
    TRY(ca_may_issue(ca));
    *issuer = (struct issuer) { .env = ca->env,
                                .db = &ca->db,
                                .key = ca->key,
                                .ca = &ca->cert,
                                .client_life_s = ca->cert_life_s };
    return MLT_OK;
}

int64_t ca_now_s(const struct ca *ca)
{
    return env_wall_ms(ca->env) / 1000;
}

bool ca_may_log(struct ca *ca, unsigned class)
{
    int64_t now_ms = env_mono_ms(ca->env);
    if (!log_rate_take(&ca->log_rate, class, now_ms))
        return false;
    uint64_t held = log_rate_held(&ca->log_rate, class, now_ms);
    if (held > 0)
        log_info("lines like the next that were left out: %llu", (unsigned long long)held);
    return true;
}

static int sooner(int a_ms, int b_ms)
{
    if (a_ms < 0 || b_ms < 0)
        return a_ms < 0 ? b_ms : a_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

int ca_timeout(struct ca *ca)
{
    int own_ms = sooner(crl_keep_timeout(ca), alarm_timeout(ca));
    int ledger_ms = sooner(head_timeout(ca), stopped_timeout(ca));
    return sooner(own_ms, sooner(clock_timeout(ca), ledger_ms));
}

void ca_tick(struct ca *ca)
{
    clock_tick(ca);
    stopped_tick(ca);
    crl_keep_tick(ca);
    alarm_tick(ca);
    head_tick(ca);
}

/* ---- opening ---- */

static bool is_here(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum mlt_err set_text(struct span from, size_t room, char *to)
{
    ENSURE(from.n < room, MLT_ERR_RANGE);
    memset(to, 0, room);
    if (from.n > 0)
        memcpy(to, from.p, from.n);
    return MLT_OK;
}

static enum mlt_err load_text(struct database *db, const char *key, size_t room, char *to)
{
    CLEANUP(buf_clear) struct buf value = { 0 };
    TRY(setting_get(db, key, &value));
    return set_text(buf_span(&value), room, to) == MLT_OK ? MLT_OK : MLT_ERR_DAMAGED;
}

static enum mlt_err choose_realm(struct ca *ca, struct span given, struct buf *why)
{
    struct span realm = given.n > 0 ? given : span_str(CA_DEFAULT_REALM);
    if (realm_check(realm) != MLT_OK || set_text(realm, sizeof(ca->realm), ca->realm) != MLT_OK) {
        char shown[LIMIT_REALM + 1];
        snprintf(shown, sizeof(shown), "%.*s", (int)realm.n, (const char *)realm.p);
        return explain(why, MLT_ERR_USAGE, TEXT_BAD_REALM, shown);
    }
    return MLT_OK;
}

static enum mlt_err check_realm(struct ca *ca, struct span given, struct buf *why)
{
    TRY(load_text(&ca->db, CA_META_REALM, sizeof(ca->realm), ca->realm));
    ENSURE(realm_check(span_str(ca->realm)) == MLT_OK, MLT_ERR_DAMAGED);
    if (given.n > 0 && !span_eq(given, span_str(ca->realm)))
        return explain(why, MLT_ERR_USAGE, TEXT_OTHER_REALM, ca->realm, ca->realm);
    return MLT_OK;
}

/* The last address given is kept, so that malote-ca can print join URLs on its own. */
static enum mlt_err keep_advertise(struct ca *ca, struct span given)
{
    if (given.n == 0 && ca->fresh)
        return MLT_OK;
    if (given.n == 0) {
        enum mlt_err err =
            load_text(&ca->db, CA_META_ADVERTISE, sizeof(ca->advertise), ca->advertise);
        return err == MLT_ERR_MISSING ? MLT_OK : err;
    }
    TRY(set_text(given, sizeof(ca->advertise), ca->advertise));
    return ca->fresh ? MLT_OK : setting_set(&ca->db, CA_META_ADVERTISE, given);
}

/* The last life given is kept too, for what malote-ca approves on its own. */
static enum mlt_err keep_cert_life(struct ca *ca, int64_t given_s)
{
    const int64_t most_s = (int64_t)LIMIT_CERT_DAYS * 86400;
    ENSURE(given_s >= 0 && given_s <= most_s, MLT_ERR_USAGE);
    ca->cert_life_s = given_s > 0 ? given_s : most_s;
    if (ca->fresh)
        return MLT_OK;
    if (given_s > 0)
        return setting_set_number(&ca->db, CA_META_CERT_LIFE, given_s);
    enum mlt_err err = setting_get_number(&ca->db, CA_META_CERT_LIFE, &ca->cert_life_s);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    ENSURE(ca->cert_life_s > 0 && ca->cert_life_s <= most_s, MLT_ERR_DAMAGED);
    return MLT_OK;
}

/* An erasure, or another passphrase, that was committed when the process ended. */
static enum mlt_err finish_rewriting(struct ca *ca)
{
    struct keystore_mark committed;
    TRY(keystore_mark_load(&ca->db, &committed));
    return keystore_rewrite_recover(ca->dir, &committed);
}

/* What an older version, or a process that was killed, has left to do. */
static enum mlt_err take_up(struct ca *ca, struct buf *why)
{
    enum mlt_err err = ledger_tree_complete(&ca->db);
    if (err != MLT_OK)
        return explain(why, err, TEXT_FILE_REFUSED, SCHEMA_FILE, err_cause(err));
    backup_tidy(ca->dir);
    return finish_rewriting(ca);
}

/*
 * Both files or neither.  The one half-way house is ours: ledger.db committed, and chaves.txt
 * not renamed yet when the first run was killed.
 */
static enum mlt_err open_files(struct ca *ca, bool create, struct buf *why)
{
    bool keystore = is_here(ca->dir, KEYSTORE_FILE);
    bool ledger = is_here(ca->dir, SCHEMA_FILE);
    if (keystore && !ledger)
        return explain(why, MLT_ERR_MISSING, TEXT_HALF_GONE, KEYSTORE_FILE, SCHEMA_FILE);
    if (!keystore && !ledger && !create)
        return explain(why, MLT_ERR_MISSING, TEXT_NOT_HERE);
    const struct database_place place = { ca->dir, SCHEMA_FILE };
    bool empty = false;
    enum mlt_err err = database_open(&ca->db, &schema_ledger, &place, create, &empty);
    if (err == MLT_ERR_NEWER)
        return explain(why, err, TEXT_FILE_NEWER);
    if (err != MLT_OK)
        return explain(why, err, TEXT_FILE_REFUSED, SCHEMA_FILE, err_cause(err));
    if (empty && keystore)
        return explain(why, MLT_ERR_MISSING, TEXT_HALF_GONE, KEYSTORE_FILE, SCHEMA_FILE);
    if (empty && !create)
        return explain(why, MLT_ERR_MISSING, TEXT_NOT_HERE);
    ca->fresh = empty;
    if (!empty)
        TRY(take_up(ca, why));
    if (!empty && !keystore && keystore_publish(ca->dir) != MLT_OK)
        return explain(why, MLT_ERR_MISSING, TEXT_HALF_GONE, SCHEMA_FILE, KEYSTORE_FILE);
    return MLT_OK;
}

static enum mlt_err open_keystore(struct ca *ca, struct ipc_key_needed *need, struct buf *why)
{
    enum mlt_err err = keystore_open(&ca->keystore, ca->dir, KEYSTORE_FILE);
    if (err == MLT_ERR_DAMAGED)
        return explain(why, err, TEXT_KEYSTORE_DAMAGED, KEYSTORE_FILE, 1ull);
    if (err != MLT_OK)
        return explain(why, err, TEXT_FILE_REFUSED, KEYSTORE_FILE, err_cause(err));
    *need = (struct ipc_key_needed) { .cost = ca->keystore.box.cost };
    memcpy(need->salt, ca->keystore.box.salt, LOCKBOX_SALT);
    return MLT_OK;
}

static enum mlt_err open_all(struct ca *ca, const struct ipc_ca_start *start,
                             struct ipc_key_needed *need, struct buf *why)
{
    const struct ipc_ca_start none = { .mode = ENROL_INVITE };
    const struct ipc_ca_start *given = start != NULL ? start : &none;
    ca->mode = given->mode;
    ca->ca_bits = given->ca_bits;
    ca->accept_clock = given->accept_clock;
    ca->dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(ca->dir >= 0, MLT_ERR_SYSTEM);
    TRY(open_files(ca, start != NULL, why));
    if (ca->fresh) {
        TRY(choose_realm(ca, given->realm, why));
        TRY(birth_prepare(given->kdf_cost, need));
        ca->birth = *need;
    } else {
        TRY(check_realm(ca, given->realm, why));
        TRY(open_keystore(ca, need, why));
    }
    TRY(keep_cert_life(ca, given->cert_life_s));
    return keep_advertise(ca, given->advertise);
}

enum mlt_err ca_open(struct ca *ca, const struct env *env, const struct ipc_ca_start *start,
                     struct ipc_key_needed *need, struct buf *why)
{
    CLEANUP(ca_close) struct ca made = ca_none();
    made.env = env;
    struct ipc_key_needed asked = { 0 };
    TRY(open_all(&made, start, &asked, why));
    *need = asked;
    ca_close(ca);
    *ca = made;
    made = ca_none();
    return MLT_OK;
}

/* ---- unlocking ---- */

/* Where the CA's own two lines stand. */
struct own_lines {
    int64_t key, certificate;
};

static enum mlt_err note_line(void *ctx, enum keystore_kind kind, struct span name, int64_t offset)
{
    struct own_lines *own = ctx;
    (void)name;
    if (kind == KEYSTORE_MAILBOX)
        return MLT_OK;
    int64_t *place = kind == KEYSTORE_CA_KEY ? &own->key : &own->certificate;
    ENSURE(*place == 0, MLT_ERR_DAMAGED);
    *place = offset;
    return MLT_OK;
}

static enum mlt_err load_own(struct ca *ca, const struct own_lines *own)
{
    struct span name = span_str(CA_KEYSTORE_NAME);
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(secret_clear) struct secret certificate = { 0 };
    TRY(keystore_read(&ca->keystore, own->key, KEYSTORE_CA_KEY, name, &key));
    TRY(keystore_read(&ca->keystore, own->certificate, KEYSTORE_CA_CERTIFICATE, name,
                      &certificate));
    TRY(rsa_private_decode(secret_span(&key), &ca->key));
    TRY(rsa_key_check(ca->key, true));
    TRY(buf_put(&ca->cert_der, secret_span(&certificate)));
    TRY(cert_read_ca(buf_span(&ca->cert_der), NULL, &ca->cert));
    uint8_t hash[HASH_LEN];
    TRY(rsa_public_hash(ca->key, hash));
    ENSURE(span_eq(SPAN_OF(hash), SPAN_OF(ca->cert.spki_hash)), MLT_ERR_DAMAGED);
    ENSURE(span_eq(span_str(ca->cert.fields.realm), span_str(ca->realm)), MLT_ERR_DAMAGED);
    return invite_derive_key(&ca->keystore.master, &ca->invite_key);
}

static enum mlt_err load(struct ca *ca, const struct secret *stretched, struct buf *why)
{
    struct keystore_mark committed;
    TRY(keystore_mark_load(&ca->db, &committed));
    struct own_lines own = { 0 };
    const struct keystore_visit visit = { note_line, &own };
    enum mlt_err err = keystore_unlock(&ca->keystore, ca->dir, stretched, &committed, &visit);
    if (err == MLT_ERR_PASSPHRASE)
        return explain(why, err, TEXT_WRONG_PASSPHRASE, KEYSTORE_FILE);
    if (err == MLT_ERR_DAMAGED && ca->keystore.beyond > 1)
        return explain(why, err, TEXT_LEDGER_BEHIND, ca->keystore.beyond);
    if (err == MLT_ERR_DAMAGED)
        return explain(why, err, TEXT_KEYSTORE_DAMAGED, KEYSTORE_FILE,
                       (unsigned long long)ca->keystore.bad_line);
    TRY(err);
    err = load_own(ca, &own);
    if (err != MLT_OK && err_fault(err) != FAULT_LOCAL)
        err = MLT_ERR_DAMAGED;
    return err == MLT_ERR_DAMAGED ? explain(why, err, TEXT_KEY_DOES_NOT_FIT) : err;
}

enum mlt_err ca_unlock(struct ca *ca, const struct secret *stretched, struct buf *why)
{
    TRY(secret_new(&ca->boot_key, HASH_LEN));
    TRY(env_random(ca->env, ca->boot_key.p, ca->boot_key.n));
    if (!ca->fresh) {
        TRY(load(ca, stretched, why));
        TRY(clock_start(ca, ca->accept_clock, why));
        TRY(stopped_load(ca));
        return head_load(ca, why);
    }
    TRY(clock_start(ca, false, why));
    enum mlt_err err = birth(ca, stretched);
    if (err == MLT_OK)
        return MLT_OK;
    return explain(why, err, TEXT_NOT_CREATED, err_cause(err));
}

/* ---- join URLs ---- */

enum mlt_err ca_join_url(const struct ca *ca, const struct name *name, const struct invite *invite,
                         struct buf *url)
{
    ENSURE(ca->advertise[0] != '\0', MLT_ERR_MISSING);
    struct join_url made = { .has_name = name != NULL, .has_invite = invite != NULL };
    TRY(host_port_parse(span_str(ca->advertise), made.host, &made.port));
    memcpy(made.ca_hash, ca->cert.spki_hash, HASH_LEN);
    if (name != NULL)
        made.name = *name;
    if (invite != NULL)
        made.invite = *invite;
    enum mlt_err err = join_url_put(&made, url);
    alloc_wipe(&made, sizeof(made));
    return err;
}
