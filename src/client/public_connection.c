/* SPDX-License-Identifier: Apache-2.0 */
#include "client/public.h"
#include "crypto/crypto.h"

_Static_assert(MLT_SEND_WINDOW == LIMIT_SEND_WINDOW, "public limit");
_Static_assert((int)MLT_WANT_READ == CLIENT_WANT_READ, "public want");
_Static_assert((int)MLT_WANT_WRITE == CLIENT_WANT_WRITE, "public want");

static enum mlt_err kind_of(enum mlt_kind kind, enum client_auth_kind *auth)
{
    switch (kind) {
    case MLT_KIND_JOIN:
        *auth = CLIENT_AUTH_ENROL;
        return MLT_OK;
    case MLT_KIND_RECEIVE:
        *auth = CLIENT_AUTH_RECEIVE;
        return MLT_OK;
    case MLT_KIND_SEND:
        *auth = CLIENT_AUTH_SEND;
        return MLT_OK;
    }
    return MLT_ERR_USAGE;
}

/* Is what was loaded still what the home holds?  Another process may have joined meanwhile, or
 * begun anew with another key. */
static enum mlt_err check_unchanged(struct mlt_client *c)
{
    CLEANUP(server_file_wipe) struct server_file on_disk = { 0 };
    CLEANUP(buf_clear) struct buf here = { 0 };
    CLEANUP(buf_clear) struct buf there = { 0 };
    TRY(home_read_server(&c->home, &on_disk));
    TRY(server_file_put(&on_disk, &there));
    TRY(server_file_put(&c->identity.server, &here));
    return span_eq(buf_span(&here), buf_span(&there)) ? MLT_OK : MLT_ERR_LOCKED;
}

static enum mlt_err prepare(struct mlt_client *c, enum client_auth_kind kind)
{
    ENSURE(c->is_loaded && public_is_idle(c), MLT_ERR_STATE);
    if (kind == CLIENT_AUTH_ENROL) {
        TRY(public_lock(c));
        return check_unchanged(c);
    }
    file_unlock(&c->lock);
    return public_open_store(c);
}

static enum mlt_err connect_client(struct mlt_client *c, const struct mlt_connection *wanted)
{
    enum client_auth_kind kind;
    TRY(kind_of(wanted->kind, &kind));
    struct name only;
    if (wanted->only != NULL)
        TRY(name_parse(span_str(wanted->only), &only));
    TRY(prepare(c, kind));
    client_free(&c->client);
    if (wanted->only != NULL)
        c->only = only;
    c->tells_read = wanted->tells_read;
    const struct client_config config = { .env = env_system(),
                                          .home = &c->home,
                                          .identity = &c->identity,
                                          .store = kind != CLIENT_AUTH_ENROL ? c->store : NULL,
                                          .kind = kind,
                                          .comes_back = wanted->comes_back,
                                          .only = wanted->only != NULL ? &c->only : NULL };
    TRY(client_new(&config, &c->client));
    client_give_addresses(c->client, &c->addresses);
    return client_connect(c->client);
}

enum mlt_error mlt_connect(struct mlt_client *client, const struct mlt_connection *connection)
{
    CRYPTO_KEEP_ERRORS();
    struct mlt_connection wanted;
    enum mlt_err err =
        public_take(connection, PUBLIC_UP_TO(struct mlt_connection, only), &wanted, sizeof(wanted));
    if (err == MLT_OK)
        err = connect_client(client, &wanted);
    return public_error(err);
}

static enum mlt_err set_addresses(struct mlt_client *c, const char *const *addresses, size_t count)
{
    struct dial_list list = { 0 };
    ENSURE(count <= LIMIT_ADDRESSES, MLT_ERR_TOO_MANY);
    uint16_t port = public_server(c)->port;
    ENSURE(count == 0 || port != 0, MLT_ERR_STATE);
    for (; list.count < count; list.count++)
        TRY(dial_numeric(addresses[list.count], port, &list.at[list.count]));
    c->addresses = list;
    if (c->client != NULL)
        client_give_addresses(c->client, &list);
    return MLT_OK;
}

enum mlt_error mlt_set_addresses(struct mlt_client *client, const char *const *addresses,
                                 size_t count)
{
    return public_error(set_addresses(client, addresses, count));
}

int mlt_fd(const struct mlt_client *client)
{
    return client->client != NULL ? client_fd(client->client) : -1;
}

unsigned mlt_want(const struct mlt_client *client)
{
    return client->client != NULL ? client_want(client->client) : (unsigned)MLT_WANT_NOTHING;
}

int mlt_timeout_ms(const struct mlt_client *client)
{
    return client->client != NULL ? client_timeout_ms(client->client) : -1;
}

void mlt_process(struct mlt_client *client)
{
    if (client->client == NULL)
        return;
    CRYPTO_KEEP_ERRORS();
    client_process(client->client);
    public_refresh(client); /* a certificate may have been issued */
}

bool mlt_is_logged_in(const struct mlt_client *client)
{
    return client->client != NULL && client_is_logged_in(client->client);
}

bool mlt_is_over(const struct mlt_client *client)
{
    return !public_is_connected(client);
}

const char *mlt_connection_id(const struct mlt_client *client)
{
    return client->client != NULL ? client_id(client->client) : "--------";
}

const char *mlt_detail(const struct mlt_client *client)
{
    return client->client != NULL ? client_detail(client->client) : "";
}

void mlt_leave(struct mlt_client *client)
{
    CRYPTO_KEEP_ERRORS();
    if (client->client != NULL)
        client_close(client->client);
}

void mlt_again(struct mlt_client *client)
{
    if (client->client != NULL)
        client_again(client->client);
}
