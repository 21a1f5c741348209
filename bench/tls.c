/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "stopwatch.h"

static void free_x509(X509 **x)
{
    X509_free(*x);
}

static void free_ctx(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static void free_ssl(SSL **ssl)
{
    SSL_free(*ssl);
}

static enum mlt_err set_identity(SSL_CTX *ctx, struct span der, EVP_PKEY *key, X509 *ca)
{
    const uint8_t *at = der.p;
    CLEANUP(free_x509) X509 *own = d2i_X509(NULL, &at, (long)der.n);
    ENSURE(own != NULL && SSL_CTX_use_certificate(ctx, own) == 1, MLT_ERR_CRYPTO);
    ENSURE(SSL_CTX_use_PrivateKey(ctx, key) == 1, MLT_ERR_CRYPTO);
    ENSURE(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1, MLT_ERR_CRYPTO);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return MLT_OK;
}

static enum mlt_err set_protocol(SSL_CTX *ctx, enum dh_group group)
{
    ENSURE(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1, MLT_ERR_CRYPTO);
    ENSURE(SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1, MLT_ERR_CRYPTO);
    char name[16]; /* the macro wants it writable */
    snprintf(name, sizeof(name), "%s", dh_group_name(group));
    ENSURE(SSL_CTX_set1_groups_list(ctx, name) == 1, MLT_ERR_CRYPTO);
    ENSURE(SSL_CTX_set_num_tickets(ctx, 0) == 1, MLT_ERR_CRYPTO);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    /* Or libssl would build, and verify, its own chain in every handshake. */
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    return MLT_OK;
}

enum mlt_err tls_open(const struct identities *ids, enum dh_group group, struct tls *tls)
{
    CLEANUP(free_ctx) SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    CLEANUP(free_ctx) SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    ENSURE(server != NULL && client != NULL, MLT_ERR_NOMEM);
    TRY(set_protocol(server, group));
    TRY(set_protocol(client, group));
    TRY(set_identity(server, buf_span(&ids->server_der), ids->server_key, ids->ca.x509));
    TRY(set_identity(client, buf_span(&ids->client_der), ids->client_key, ids->ca.x509));
    *tls = (struct tls) { server, client };
    server = NULL;
    client = NULL;
    return MLT_OK;
}

void tls_close(struct tls *tls)
{
    SSL_CTX_free(tls->server);
    SSL_CTX_free(tls->client);
    *tls = (struct tls) { 0 };
}

/* Each end reads what the other writes; both own both. */
static enum mlt_err connect_ends(SSL *server, SSL *client)
{
    BIO *to_server = BIO_new(BIO_s_mem());
    BIO *to_client = BIO_new(BIO_s_mem());
    bool shared = to_server != NULL && to_client != NULL && BIO_up_ref(to_server) == 1 &&
                  BIO_up_ref(to_client) == 1;
    if (!shared) {
        BIO_free(to_server);
        BIO_free(to_client);
        return MLT_ERR_NOMEM;
    }
    SSL_set_bio(server, to_server, to_client);
    SSL_set_bio(client, to_client, to_server);
    return MLT_OK;
}

static bool step(SSL *ssl, double *us)
{
    double start = cpu_us();
    int rc = SSL_do_handshake(ssl);
    *us += cpu_us() - start;
    return rc == 1 || SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ;
}

/* A comparison with anything less would flatter us. */
static bool is_as_wanted(SSL *ssl)
{
    return SSL_is_init_finished(ssl) && SSL_version(ssl) == TLS1_3_VERSION &&
           SSL_get0_peer_certificate(ssl) != NULL && SSL_get_verify_result(ssl) == X509_V_OK &&
           !SSL_session_reused(ssl);
}

static SSL *new_end(SSL_CTX *ctx, double *us)
{
    double start = cpu_us();
    SSL *ssl = SSL_new(ctx);
    *us += cpu_us() - start;
    return ssl;
}

enum mlt_err tls_handshake(const struct tls *tls, double *server_us, double *client_us)
{
    CLEANUP(free_ssl) SSL *server = new_end(tls->server, server_us);
    CLEANUP(free_ssl) SSL *client = new_end(tls->client, client_us);
    ENSURE(server != NULL && client != NULL, MLT_ERR_NOMEM);
    TRY(connect_ends(server, client));
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    while (!SSL_is_init_finished(server) || !SSL_is_init_finished(client)) {
        ENSURE(step(client, client_us), MLT_ERR_CRYPTO);
        ENSURE(step(server, server_us), MLT_ERR_CRYPTO);
    }
    ENSURE(is_as_wanted(server) && is_as_wanted(client), MLT_ERR_CRYPTO);
    return MLT_OK;
}
