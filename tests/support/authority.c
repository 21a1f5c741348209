/* SPDX-License-Identifier: Apache-2.0 */
#include "authority.h"

#include <ftw.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "ca/enrol.h"
#include "ca/invite.h"
#include "ca/mailbox.h"
#include "ca/members.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "pki/request.h"
#include "pki/statement.h"

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "authority: %s failed\n", what);
    abort();
}

static int64_t wall_ms(void *ctx)
{
    const struct authority *a = ctx;
    return a->now_ms + a->jumped_ms;
}

static int64_t mono_ms(void *ctx)
{
    const struct authority *a = ctx;
    return env_mono_ms(env_system()) + a->ahead_ms + a->now_ms - (int64_t)AUTHORITY_NOW_S * 1000;
}

static enum mlt_err fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return env_random(env_system(), out, n);
}

void authority_libraries(void)
{
    bool locked = false;
    must(secret_start(&locked) == MLT_OK, "secret_start");
    must(crypto_start() == MLT_OK, "crypto_start");
    log_start("test", LOG_LEVEL_ERROR);
}

void authority_enter(struct authority *a)
{
    *a = (struct authority) { .now_ms = (int64_t)AUTHORITY_NOW_S * 1000, .ca = ca_none() };
    a->env = (struct env) { a, wall_ms, mono_ms, fill };
    /* Memory first: a disk is slow to sync, and no power fails here. */
    bool in_memory = access("/dev/shm", W_OK) == 0;
    snprintf(a->dir, sizeof(a->dir), "%s/malote-ca-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
    must(mkdtemp(a->dir) != NULL && chdir(a->dir) == 0, "mkdtemp");
}

void authority_stretch(const struct ipc_key_needed *need, const char *passphrase,
                       struct secret *stretched)
{
    must(kdf_scrypt(span_str(passphrase), SPAN_OF(need->salt), &need->cost, stretched) == MLT_OK,
         "scrypt");
}

enum mlt_err authority_open(struct authority *a, const char *realm, const char *passphrase,
                            struct buf *why)
{
    const struct ipc_ca_start start = { .realm = span_str(realm),
                                        .mode = a->mode,
                                        .kdf_cost = 1024,
                                        .ca_bits = 2048,
                                        .advertise = span_str("relay.example:6256"),
                                        .accept_clock = a->accept_clock };
    struct ipc_key_needed need;
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    TRY(ca_open(&a->ca, &a->env, &start, &need, why));
    authority_stretch(&need, passphrase, &stretched);
    return ca_unlock(&a->ca, &stretched, why);
}

static void open_here(struct authority *a)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    enum mlt_err err = authority_open(a, "", "passphrase", &why);
    if (err != MLT_OK)
        fprintf(stderr, "%s: %.*s\n", err_name(err), (int)why.len, (const char *)why.p);
    must(err == MLT_OK, "opening");
}

void authority_start(struct authority *a, enum enrol_mode mode)
{
    authority_enter(a);
    a->mode = mode;
    open_here(a);
}

void authority_restart(struct authority *a)
{
    ca_close(&a->ca);
    open_here(a);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void authority_stop(struct authority *a)
{
    ca_close(&a->ca);
    must(chdir("/") == 0 && nftw(a->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0, "cleaning");
}

EVP_PKEY *authority_key(unsigned i)
{
    static EVP_PKEY *keys[AUTHORITY_KEYS];
    must(i < AUTHORITY_KEYS, "authority_key");
    if (keys[i] == NULL)
        must(rsa_key_new(2048, &keys[i]) == MLT_OK, "rsa_key_new");
    return keys[i];
}

void authority_fingerprint(EVP_PKEY *key, uint8_t out[static HASH_LEN])
{
    must(rsa_public_hash(key, out) == MLT_OK, "rsa_public_hash");
}

struct name authority_name(const char *text)
{
    struct name name;
    must(name_parse(span_str(text), &name) == MLT_OK, "name_parse");
    return name;
}

static void prove(const struct cert *ca, const struct name *name, EVP_PKEY *key,
                  const struct invite *invite, uint8_t proof[static INVITE_PROOF])
{
    uint8_t client_hash[HASH_LEN];
    CLEANUP(buf_clear) struct buf input = { 0 };
    authority_fingerprint(key, client_hash);
    must(invite_proof_input(ca->spki_hash, name, span_str(ca->fields.realm), client_hash, &input) ==
             MLT_OK,
         "invite_proof_input");
    struct span part = buf_span(&input);
    must(hash_hmac(SPAN_OF(invite->token), &part, 1, proof) == MLT_OK, "hash_hmac");
}

struct ipc_enrol authority_ask(const struct cert *ca, const char *name, EVP_PKEY *key,
                               const struct invite *invite, struct buf *request)
{
    struct ipc_enrol ask = { .name = authority_name(name), .has_invite = invite != NULL };
    buf_reset(request);
    must(request_make(key, &ask.name, request) == MLT_OK, "request_make");
    ask.request = buf_span(request);
    if (invite != NULL) {
        memcpy(ask.invite_id, invite->id, INVITE_ID);
        prove(ca, &ask.name, key, invite, ask.proof);
    }
    return ask;
}

struct ipc_enrolled authority_enrol(struct authority *a, const char *name, EVP_PKEY *key,
                                    const struct invite *invite, struct buf *certificate)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct ipc_enrol ask = authority_ask(&a->ca.cert, name, key, invite, &request);
    struct ipc_enrolled answer;
    buf_reset(certificate);
    must(enrol_client(&a->ca, &ask, &answer, certificate) == MLT_OK, "enrol_client");
    return answer;
}

struct invite authority_invite(struct authority *a, const char *name)
{
    struct invite invite;
    struct name bound = { 0 };
    if (name != NULL)
        bound = authority_name(name);
    int64_t now_s = ca_now_s(&a->ca);
    must(invite_make(&a->ca.db, &a->ca.invite_key, name != NULL ? &bound : NULL, now_s,
                     now_s + LIMIT_INVITE_S, &invite) == MLT_OK,
         "invite_make");
    return invite;
}

void authority_sign_lost(struct authority *a, const struct authority_lost *lost, struct buf *der)
{
    struct cert_fields fields = { .role = CERT_CLIENT,
                                  .name = authority_name(lost->name),
                                  .serial = { [0] = 0x41, [CERT_SERIAL - 1] = lost->serial },
                                  .not_before_s = lost->issued_s - LIMIT_BACKDATE_S,
                                  .not_after_s = lost->not_after_s };
    X509 *x509 = X509_new();
    memcpy(fields.realm, a->ca.realm, sizeof(fields.realm));
    must(profile_build(&fields, lost->key, a->ca.cert.x509, x509) == MLT_OK, "profile_build");
    must(profile_sign(x509, a->ca.key) == MLT_OK, "profile_sign");
    must(cert_der(x509, der) == MLT_OK, "cert_der");
    X509_free(x509);
}

struct ipc_renew authority_renew_lost(struct authority *a, struct span der, EVP_PKEY *by,
                                      struct buf *signature)
{
    CLEANUP(cert_clear) struct cert cert = { 0 };
    struct ipc_renew request = { .certificate = der };
    enum mlt_err err = cert_read_leaf(der, &a->ca.cert, CERT_CLIENT, ca_now_s(&a->ca), &cert);
    must(err == MLT_OK || err == MLT_ERR_CERT_EXPIRED || err == MLT_ERR_CERT_NOT_YET, "read_leaf");
    memcpy(request.serial, cert.fields.serial, CERT_SERIAL);
    buf_reset(signature);
    must(statement_sign_renewal(by, &a->ca.cert, request.serial, signature) == MLT_OK, "sign");
    request.signature = buf_span(signature);
    return request;
}

void authority_fill_mailboxes(struct authority *a)
{
    struct mailbox_pool *pool = NULL;
    struct mailbox_queue queue = { .count = 0 };
    struct name name;
    must(mailbox_pool_start(2, &pool) == MLT_OK, "mailbox_pool_start");
    for (bool found = true; found;) {
        bool saved = false;
        must(mailbox_fill(&a->ca, pool, &queue, &saved) == MLT_OK, "mailbox_fill");
        if (!saved) {
            mailbox_pool_hurry(pool);
            usleep(20000);
        }
        must(members_without_mailbox(&a->ca.db, &name, &found) == MLT_OK, "members");
    }
    mailbox_pool_stop(&pool);
}
