/* SPDX-License-Identifier: Apache-2.0 */
#include <ares.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "client/public.h"
#include "crypto/crypto.h"

_Static_assert((int)MLT_STATE_JOINING == SERVER_JOINING, "public state");
_Static_assert((int)MLT_STATE_PENDING == SERVER_PENDING, "public state");
_Static_assert((int)MLT_STATE_JOINED == SERVER_JOINED, "public state");
_Static_assert(MLT_NAME_SIZE == sizeof(struct name), "public name");

/* All that handles share; immutable once started. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum mlt_err started;

static void start(void)
{
    bool locked = false; /* what cannot be locked is still wiped */
    started = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS ? MLT_OK : MLT_ERR_NOMEM;
    if (started == MLT_OK)
        started = secret_heap_start(&locked);
    if (started == MLT_OK)
        started = crypto_start();
}

enum mlt_err public_start(void)
{
    ENSURE(pthread_once(&once, start) == 0, MLT_ERR_SYSTEM);
    return started;
}

enum mlt_err public_secret(const void *bytes, size_t n, struct secret *secret,
                           const struct secret **given)
{
    *given = NULL;
    if (bytes == NULL)
        return MLT_OK;
    ENSURE(n >= 1 && n <= LIMIT_PASSPHRASE, MLT_ERR_PASSPHRASE);
    TRY(secret_copy(secret, span_of(bytes, n)));
    *given = secret;
    return MLT_OK;
}

static enum mlt_err find_home(const char *wanted, char *path, size_t room)
{
    CLEANUP(alloc_free_text) char *found = NULL;
    TRY(home_locate(wanted, &found));
    size_t n = strlen(found) + 1;
    ENSURE(n <= room, MLT_ERR_NOSPACE);
    memcpy(path, found, n);
    return MLT_OK;
}

enum mlt_error mlt_find_home(const char *home, char *path, size_t room)
{
    return public_error(find_home(home, path, room));
}

static enum mlt_err open_client(const char *wanted, unsigned flags, struct mlt_client **client)
{
    ENSURE((flags & ~(unsigned)MLT_OPEN_CREATE) == 0, MLT_ERR_USAGE);
    TRY(public_start());
    CLEANUP(alloc_free_text) char *path = NULL;
    TRY(home_locate(wanted, &path));
    CLEANUP(mlt_close) struct mlt_client *c = NULL;
    TRY(ALLOC_NEW(&c));
    c->home = (struct home)HOME_CLOSED;
    c->lock = -1;
    TRY(home_open(path, (flags & MLT_OPEN_CREATE) != 0, &c->home));
    *client = c;
    c = NULL;
    return MLT_OK;
}

enum mlt_error mlt_open(const char *home, unsigned flags, struct mlt_client **client)
{
    CRYPTO_KEEP_ERRORS();
    return public_error(open_client(home, flags, client));
}

void mlt_close(struct mlt_client **client)
{
    struct mlt_client *c = *client;
    if (c == NULL)
        return;
    CRYPTO_KEEP_ERRORS();
    client_event_clear(&c->event.is);
    store_message_clear(&c->message);
    client_free(&c->client);
    store_close(&c->store);
    identity_clear(&c->identity);
    home_close(&c->home);
    file_unlock(&c->lock);
    alloc_free_wiped(c, sizeof(*c));
    *client = NULL;
}

const char *mlt_home(const struct mlt_client *client)
{
    return client->home.path;
}

bool public_is_connected(const struct mlt_client *c)
{
    return c->client != NULL && !client_is_over(c->client);
}

bool public_is_idle(const struct mlt_client *c)
{
    return !public_is_connected(c) && (c->client == NULL || !client_has_events(c->client));
}

const struct server_file *public_server(const struct mlt_client *c)
{
    return c->is_loaded ? &c->identity.server : &c->server;
}

void public_refresh(struct mlt_client *c)
{
    c->ca_fingerprint[0] = c->key_fingerprint[0] = c->serial[0] = '\0';
    if (c->has_server || c->is_loaded)
        hex_encode(SPAN_OF(public_server(c)->pin), c->ca_fingerprint);
    if (c->is_loaded)
        hex_encode(SPAN_OF(c->identity.key_hash), c->key_fingerprint);
    if (mlt_state(c) == MLT_STATE_JOINED && c->is_loaded)
        hex_encode(SPAN_OF(c->identity.own.fields.serial), c->serial);
}

void public_adopt(struct mlt_client *c, struct identity *identity)
{
    client_free(&c->client);
    identity_clear(&c->identity);
    c->identity = *identity;
    *identity = (struct identity) { 0 };
    c->is_loaded = true;
    public_refresh(c);
}

enum mlt_err public_lock(struct mlt_client *c)
{
    return c->lock >= 0 ? MLT_OK : home_lock(&c->home, &c->lock);
}

/* What is loaded stays as it is: the files of a running identity are nobody else's business. */
enum mlt_err public_look(struct mlt_client *c)
{
    CLEANUP(server_file_wipe) struct server_file got = { 0 };
    enum mlt_err err = home_read_server(&c->home, &got);
    ENSURE(err == MLT_OK || err == MLT_ERR_MISSING, err);
    c->has_server = err == MLT_OK;
    c->server = got;
    public_refresh(c);
    return MLT_OK;
}

enum mlt_error mlt_look(struct mlt_client *client)
{
    return public_error(public_look(client));
}

static enum mlt_err is_protected(const struct mlt_client *c, bool *answer)
{
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    TRY(key_file_read(&c->home, &file));
    *answer = file.is_protected;
    return MLT_OK;
}

enum mlt_error mlt_key_is_protected(struct mlt_client *client, bool *answer)
{
    return public_error(is_protected(client, answer));
}

static enum mlt_err load(struct mlt_client *c, const void *passphrase, size_t n)
{
    ENSURE(public_is_idle(c), MLT_ERR_STATE);
    CLEANUP(secret_clear) struct secret secret = { 0 };
    const struct secret *given = NULL;
    TRY(public_secret(passphrase, n, &secret, &given));
    TRY(public_look(c));
    ENSURE(c->has_server, MLT_ERR_MISSING);
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    TRY(key_file_read(&c->home, &file));
    CLEANUP(identity_clear) struct identity got = { 0 };
    TRY(identity_load(&c->home, &file, given, env_wall_ms(env_system()) / 1000, &got));
    public_adopt(c, &got);
    return MLT_OK;
}

enum mlt_error mlt_load(struct mlt_client *client, const void *passphrase, size_t n)
{
    CRYPTO_KEEP_ERRORS();
    return public_error(load(client, passphrase, n));
}

enum mlt_state mlt_state(const struct mlt_client *client)
{
    return (enum mlt_state)public_server(client)->state;
}

const char *mlt_name(const struct mlt_client *client)
{
    return public_server(client)->name.text;
}

const char *mlt_host(const struct mlt_client *client)
{
    return public_server(client)->host;
}

unsigned mlt_port(const struct mlt_client *client)
{
    return public_server(client)->port;
}

const char *mlt_minimum_group(const struct mlt_client *client)
{
    enum dh_group group = public_server(client)->min_group;
    return group == DH_NONE ? "" : dh_group_name(group);
}

const char *mlt_ca_fingerprint(const struct mlt_client *client)
{
    return client->ca_fingerprint;
}

const char *mlt_key_fingerprint(const struct mlt_client *client)
{
    return client->key_fingerprint;
}

const char *mlt_realm(const struct mlt_client *client)
{
    return client->identity.ca.fields.realm;
}

const char *mlt_serial(const struct mlt_client *client)
{
    return client->serial;
}

int64_t mlt_not_before_s(const struct mlt_client *client)
{
    return client->identity.own.fields.not_before_s;
}

int64_t mlt_not_after_s(const struct mlt_client *client)
{
    return client->identity.own.fields.not_after_s;
}
