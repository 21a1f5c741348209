/* SPDX-License-Identifier: Apache-2.0 */
#include "client/identity.h"

#include "crypto/rsa.h"

void identity_clear(struct identity *identity)
{
    rsa_key_free(&identity->key);
    cert_clear(&identity->ca);
    cert_clear(&identity->own);
    buf_clear(&identity->own_der);
    server_file_wipe(&identity->server);
    *identity = (struct identity) { 0 };
}

static bool is_time_error(enum mlt_err err)
{
    return err == MLT_ERR_CERT_EXPIRED || err == MLT_ERR_CERT_NOT_YET;
}

static enum mlt_err load_certificates(const struct home *home, int64_t now_s, struct identity *id)
{
    CLEANUP(buf_clear) struct buf ca_der = { 0 };
    TRY(home_read_certificate(home, HOME_CA, &ca_der));
    TRY(cert_read_ca(buf_span(&ca_der), id->server.pin, &id->ca));
    TRY(home_read_certificate(home, HOME_OWN, &id->own_der));
    const struct trust_self self = { &id->server.name, id->key_hash };
    id->verdict = trust_own(buf_span(&id->own_der), &id->ca, &self, now_s, &id->own);
    return is_time_error(id->verdict) ? MLT_OK : id->verdict;
}

enum mlt_err identity_load(const struct home *home, const struct key_file *key_file,
                           const struct secret *passphrase, int64_t now_s,
                           struct identity *identity)
{
    CLEANUP(identity_clear) struct identity got = { 0 };
    TRY(home_read_server(home, &got.server));
    TRY(key_file_open(key_file, passphrase, &got.key));
    TRY(rsa_public_hash(got.key, got.key_hash));
    if (got.server.state == SERVER_JOINED)
        TRY(load_certificates(home, now_s, &got));
    *identity = got;
    got = (struct identity) { 0 };
    return MLT_OK;
}

enum mlt_err identity_begin(const struct home *home, const struct server_file *server,
                            EVP_PKEY *key, const struct secret *passphrase,
                            struct identity *identity)
{
    CLEANUP(identity_clear) struct identity made = { .server = *server };
    TRY(rsa_key_share(key, &made.key));
    TRY(rsa_public_hash(key, made.key_hash));
    TRY(key_file_write(home, key, passphrase));
    TRY(home_write_server(home, server));
    *identity = made;
    made = (struct identity) { 0 };
    return MLT_OK;
}

enum mlt_err identity_take_up(const struct home *home, const struct server_file *wanted,
                              const struct key_file *key_file, const struct secret *passphrase,
                              struct identity *identity)
{
    CLEANUP(identity_clear) struct identity taken = { .server = *wanted };
    TRY(key_file_open(key_file, passphrase, &taken.key));
    TRY(rsa_public_hash(taken.key, taken.key_hash));
    TRY(home_write_server(home, wanted));
    *identity = taken;
    taken = (struct identity) { 0 };
    return MLT_OK;
}

enum mlt_err identity_keep_issued(const struct home *home, struct identity *identity,
                                  struct span ca_der, struct span own_der, int64_t now_s)
{
    CLEANUP(cert_clear) struct cert ca = { 0 };
    TRY(cert_read_ca(ca_der, identity->server.pin, &ca));
    CLEANUP(cert_clear) struct cert own = { 0 };
    const struct trust_self self = { &identity->server.name, identity->key_hash };
    enum mlt_err verdict = trust_own(own_der, &ca, &self, now_s, &own);
    ENSURE(verdict == MLT_OK || verdict == MLT_ERR_CERT_EXPIRED, verdict);
    TRY(home_write_certificate(home, HOME_CA, ca.x509));
    TRY(home_write_certificate(home, HOME_OWN, own.x509));
    CLEANUP(server_file_wipe) struct server_file joined = identity->server;
    joined.state = SERVER_JOINED;
    joined.has_invite = false;
    joined.invite = (struct invite) { 0 };
    TRY(home_write_server(home, &joined));

    CLEANUP(buf_clear) struct buf kept = { 0 };
    TRY(buf_put(&kept, own_der));
    buf_clear(&identity->own_der);
    identity->own_der = kept;
    kept = (struct buf) { 0 };
    cert_clear(&identity->ca);
    cert_clear(&identity->own);
    identity->ca = ca;
    identity->own = own;
    ca = own = (struct cert) { 0 };
    identity->server = joined;
    identity->verdict = verdict;
    return MLT_OK;
}

static enum mlt_err read_own(struct span der, const struct identity *id, int64_t now_s,
                             struct cert *own)
{
    const struct trust_self self = { &id->server.name, id->key_hash };
    enum mlt_err verdict = trust_own(der, &id->ca, &self, now_s, own);
    return verdict == MLT_ERR_CERT_EXPIRED ? MLT_OK : verdict; /* by a clock that may be wrong */
}

/* *own moves into the identity. */
static enum mlt_err adopt(struct identity *id, struct span der, struct cert *own)
{
    CLEANUP(buf_clear) struct buf kept = { 0 };
    TRY(buf_put(&kept, der));
    buf_clear(&id->own_der);
    id->own_der = kept;
    kept = (struct buf) { 0 };
    cert_clear(&id->own);
    id->own = *own;
    *own = (struct cert) { 0 };
    id->verdict = MLT_OK;
    return MLT_OK;
}

static enum mlt_err read_file(const struct home *home, const struct identity *id, int64_t now_s,
                              struct buf *der, struct cert *own)
{
    TRY(home_read_certificate(home, HOME_OWN, der));
    return read_own(buf_span(der), id, now_s, own);
}

static bool ends_later(const struct cert *a, const struct cert *b)
{
    return a->fields.not_after_s > b->fields.not_after_s;
}

void identity_reload(const struct home *home, struct identity *identity, int64_t now_s)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert there = { 0 };
    enum mlt_err err = read_file(home, identity, now_s, &der, &there);
    if (err == MLT_OK && ends_later(&there, &identity->own))
        err = adopt(identity, buf_span(&der), &there);
    (void)err; /* what is in memory serves on */
}

/* What is there and cannot be read is no loss. */
static enum mlt_err write_if_later(const struct home *home, const struct identity *id,
                                   const struct cert *own, int64_t now_s)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert there = { 0 };
    enum mlt_err err = read_file(home, id, now_s, &der, &there);
    if (err == MLT_OK && !ends_later(own, &there))
        return MLT_OK;
    return home_write_certificate(home, HOME_OWN, own->x509);
}

enum mlt_err identity_keep_renewed(const struct home *home, struct store *store,
                                   struct identity *identity, struct span own_der, int64_t now_s)
{
    CLEANUP(cert_clear) struct cert own = { 0 };
    TRY(read_own(own_der, identity, now_s, &own));
    TRY(store_begin(store));
    TRY(store_end(store, write_if_later(home, identity, &own, now_s)));
    return ends_later(&own, &identity->own) ? adopt(identity, own_der, &own) : MLT_OK;
}

enum mlt_err identity_keep_pending(const struct home *home, struct identity *identity)
{
    CLEANUP(server_file_wipe) struct server_file pending = identity->server;
    pending.state = SERVER_PENDING;
    TRY(home_write_server(home, &pending));
    identity->server = pending;
    return MLT_OK;
}
