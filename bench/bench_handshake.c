/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU of one LOGIN on either side, beside the bare primitives that side cannot do without, in the
 * same run and interleaved.  One JSON line a figure; microseconds, medians.
 */
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "identities.h"
#include "stopwatch.h"

#define ROUNDS 60

struct figures {
    double server[ROUNDS], client[ROUNDS];
    double server_bare[ROUNDS], client_bare[ROUNDS];
};

/* Everything `side` can do with what it was sent; its CPU is added to *us. */
static enum mlt_err drive(struct handshake *side, struct buf *in, struct buf *out, double *us)
{
    double start = cpu_us();
    enum mlt_err err = MLT_OK;
    for (bool moved = true; moved && err == MLT_OK;) {
        enum hs_want want = hs_want(side);
        size_t used = 0;
        moved = false;
        if (want == HS_WANT_INPUT && in->len > 0) {
            err = hs_input(side, buf_span(in), &used, out);
            buf_drop(in, used);
            moved = used > 0;
        } else if (want >= HS_WANT_EPHEMERAL && want <= HS_WANT_SIGN) {
            hs_work(side);
            err = hs_worked(side, out);
            moved = true;
        }
    }
    *us += cpu_us() - start;
    return err;
}

static enum mlt_err login(const struct hs_server_config *sc, const struct hs_client_config *cc,
                          double *server_us, double *client_us)
{
    CLEANUP(hs_free) struct handshake *server = NULL;
    CLEANUP(hs_free) struct handshake *client = NULL;
    CLEANUP(buf_clear) struct buf to_client = { 0 };
    CLEANUP(buf_clear) struct buf to_server = { 0 };
    TRY(hs_server_new(sc, &server));
    TRY(hs_client_new(cc, &client));
    TRY(hs_begin(server, &to_client));
    while (hs_want(server) != HS_WANT_SESSION) {
        TRY(drive(client, &to_client, &to_server, client_us));
        TRY(drive(server, &to_server, &to_client, server_us));
        ENSURE(hs_want(server) != HS_WANT_NOTHING, MLT_ERR_STATE);
    }
    return MLT_OK;
}

/* Both sides: a DH pair, a derive, a signature made, and signatures checked. */
static enum mlt_err primitives(const struct identities *ids, enum dh_group group, double *server_us,
                               double *client_us)
{
    static const uint8_t digest[HASH_LEN] = "what a transcript hashes to.....";
    CLEANUP(dh_key_free) EVP_PKEY *own = NULL;
    CLEANUP(dh_key_free) EVP_PKEY *other = NULL;
    CLEANUP(buf_clear) struct buf y = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(secret_clear) struct secret z = { 0 };
    TRY(dh_key_new(group, &other));
    TRY(dh_key_public(other, group, &y));
    double start = cpu_us();
    TRY(dh_key_new(group, &own));
    TRY(dh_derive(own, group, buf_span(&y), &z));
    TRY(rsa_sign(ids->server_key, RSA_SERVER_HANDSHAKE, digest, &signature));
    double signed_at = cpu_us();
    double verify_us = 0;
    for (int i = 0; i < 3; i++) {
        double from = cpu_us();
        TRY(rsa_verify(ids->server_key, RSA_SERVER_HANDSHAKE, digest, buf_span(&signature)));
        verify_us = cpu_us() - from;
    }
    /* The server checks certificate and signature; the client the CA's own signature as well. */
    *server_us = signed_at - start + 2 * verify_us;
    *client_us = signed_at - start + 3 * verify_us;
    return MLT_OK;
}

static enum mlt_err measure(const struct identities *ids, enum dh_group group, struct figures *f)
{
    const struct hs_server_config sc = {
        .env = env_system(),
        .group = group,
        .ca = &ids->ca,
        .ca_der = buf_span(&ids->ca_der),
        .server_der = buf_span(&ids->server_der),
        .server_key = ids->server_key,
    };
    const struct hs_client_config cc = {
        .env = env_system(),
        .min_group = DH_FFDHE2048,
        .pin = ids->ca.spki_hash,
        .key = ids->client_key,
        .kind = CLIENT_AUTH_SEND,
        .certificate = buf_span(&ids->client_der),
    };
    for (size_t i = 0; i < ROUNDS; i++) {
        f->server[i] = 0;
        f->client[i] = 0;
        TRY(login(&sc, &cc, &f->server[i], &f->client[i]));
        TRY(primitives(ids, group, &f->server_bare[i], &f->client_bare[i]));
    }
    return MLT_OK;
}

static void print(enum dh_group group, const char *side, double *ours, double *bare)
{
    double us = median(ours, ROUNDS);
    double bare_us = median(bare, ROUNDS);
    printf("{\"bench\":\"handshake\",\"group\":\"%s\",\"side\":\"%s\",\"login_us\":%.0f,"
           "\"primitives_us\":%.0f,\"ratio\":%.2f}\n",
           dh_group_name(group), side, us, bare_us, us / bare_us);
}

static enum mlt_err run(void)
{
    bool locked = false;
    TRY(secret_start(&locked));
    TRY(crypto_start());
    CLEANUP(identities_clear) struct identities ids = { 0 };
    TRY(identities_make(&ids));
    for (enum dh_group group = DH_FFDHE2048; group <= DH_FFDHE3072; group++) {
        static struct figures f;
        TRY(measure(&ids, group, &f));
        print(group, "server", f.server, f.server_bare);
        print(group, "client", f.client, f.client_bare);
    }
    return MLT_OK;
}

int main(void)
{
    enum mlt_err err = run();
    if (err != MLT_OK)
        fprintf(stderr, "bench_handshake: %s\n", err_text(err));
    return err == MLT_OK ? 0 : 1;
}
