/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "must.h"
#include "protocol/actions.h"

void connection_start(struct connection *c, const struct given *g, const char *label,
                      enum dh_group group, enum client_auth_kind kind)
{
    /* What ca would make: random bytes, a time, a MAC.  Nobody here can tell. */
    static const uint8_t nonce[MAILBOX_NONCE] = "nonce of ca, ...........................";
    *c = (struct connection) { .label = label };
    if (kind == CLIENT_AUTH_RECEIVE)
        c->nonce = nonce;
    c->server_config = (struct hs_server_config) {
        .env = &g->env,
        .group = group,
        .ca = &g->ca,
        .ca_der = buf_span(&g->root.der),
        .server_der = buf_span(&g->server.der),
        .server_key = g->keys[KEY_SERVER],
    };
    c->client_config = (struct hs_client_config) {
        .env = &g->env,
        .min_group = group,
        .pin = g->ca.spki_hash,
        .key = g->keys[KEY_CLIENT],
        .kind = kind,
        .certificate = buf_span(&g->client.der),
    };
}

void connection_clear(struct connection *c)
{
    hs_free(&c->server);
    hs_free(&c->client);
    buf_clear(&c->server_hello);
    buf_clear(&c->client_hello);
    buf_clear(&c->server_auth);
    buf_clear(&c->client_auth);
    buf_clear(&c->x_s);
    buf_clear(&c->x_c);
    hs_result_clear(&c->server_result);
    hs_result_clear(&c->client_result);
}

static void start_drawing(const struct connection *c, const char *step)
{
    static char label[96];
    snprintf(label, sizeof label, "%s: %s", c->label, step);
    given_random(label);
}

static void feed(struct handshake *hs, const struct buf *frame)
{
    CLEANUP(buf_clear) struct buf out = { 0 };
    size_t used = 0;
    must_ok(hs_input(hs, buf_span(frame), &used, &out));
    must(used == frame->len && out.len == 0);
}

static void work(struct handshake *hs, struct buf *out)
{
    hs_work(hs);
    must_ok(hs_worked(hs, out));
}

/* As long as it is, without zero bytes in front. */
static void note_exponent(const struct handshake *hs, struct buf *x)
{
    BIGNUM *exponent = NULL;
    uint8_t *at = NULL;
    must(EVP_PKEY_get_bn_param(hs->ephemeral, OSSL_PKEY_PARAM_PRIV_KEY, &exponent) == 1);
    must_ok(buf_extend(x, (size_t)BN_num_bytes(exponent), &at));
    must(BN_bn2bin(exponent, at) == (int)x->len);
    BN_free(exponent);
}

void connection_hellos(struct connection *c)
{
    must_ok(hs_server_new(&c->server_config, &c->server));
    must_ok(hs_client_new(&c->client_config, &c->client));
    if (c->nonce != NULL)
        must_ok(hs_give_nonce(c->server, c->nonce));
    start_drawing(c, "ServerHello");
    must_ok(hs_begin(c->server, &c->server_hello));
    feed(c->client, &c->server_hello);
    start_drawing(c, "ClientHello");
    work(c->client, &c->client_hello);
    note_exponent(c->client, &c->x_c);
}

void connection_server_auth(struct connection *c)
{
    feed(c->server, &c->client_hello);
    start_drawing(c, "server's pair");
    hs_work(c->server);
    note_exponent(c->server, &c->x_s);
    hs_work(c->server);
    start_drawing(c, "ServerAuth");
    work(c->server, &c->server_auth);
}

void connection_take_server_auth(struct connection *c)
{
    feed(c->client, &c->server_auth);
    hs_work(c->client);
    hs_work(c->client);
}

void connection_client_auth(struct connection *c)
{
    start_drawing(c, "ClientAuth");
    work(c->client, &c->client_auth);
}

void connection_finish(struct connection *c)
{
    CLEANUP(buf_clear) struct buf out = { 0 };
    feed(c->server, &c->client_auth);
    work(c->server, &out);
    if (hs_want(c->server) == HS_WANT_ISSUE)
        must_ok(hs_issued(c->server));
    must(out.len == 0);
    must_ok(hs_take_result(c->server, &c->server_result));
}

void connection_see_record(struct connection *c, struct span record)
{
    CLEANUP(buf_clear) struct buf out = { 0 };
    size_t used = 0;
    must_ok(hs_input(c->client, record, &used, &out));
    must(used == 0 && out.len == 0);
    must_ok(hs_take_result(c->client, &c->client_result));
}
