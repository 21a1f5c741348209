/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU of one LOGIN on either side, from nothing to the first record, beside the bare primitives
 * that side cannot do without, and beside libssl's TLS 1.3 with the same group, certificates and
 * keys.  All in one run, interleaved; medians.
 */
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "figure.h"
#include "identities.h"
#include "protocol/session.h"
#include "stopwatch.h"
#include "tls.h"

#define ROUNDS 60

struct sides {
    double server[ROUNDS], client[ROUNDS];
};

/* Pooled: the server's one-use key was made in idle time, as the relay does. */
struct figures {
    struct sides login, pooled, bare, bare_pooled, tls;
};

struct end {
    struct handshake *hs;
    struct session session;
    double us;
};

struct login {
    struct end server, client;
    EVP_PKEY *given; /* the pooled key, or NULL */
    struct buf to_server, to_client;
};

static void clear_end(struct end *end)
{
    hs_free(&end->hs);
    session_clear(&end->session);
}

static void clear_login(struct login *l)
{
    clear_end(&l->server);
    clear_end(&l->client);
    dh_key_free(&l->given);
    buf_clear(&l->to_server);
    buf_clear(&l->to_client);
}

/* One thing this side can do now; *moved says whether there was one. */
static enum mlt_err step(struct login *l, struct end *end, struct buf *in, struct buf *out,
                         bool *moved)
{
    enum hs_want want = hs_want(end->hs);
    size_t used = 0;
    *moved = false;
    if (want == HS_WANT_INPUT && in->len > 0) {
        TRY(hs_input(end->hs, buf_span(in), &used, out));
        buf_drop(in, used);
        *moved = used > 0;
    } else if (want == HS_WANT_EPHEMERAL && end == &l->server && l->given != NULL) {
        TRY(hs_give_ephemeral(end->hs, &l->given));
        *moved = true;
    } else if (want >= HS_WANT_EPHEMERAL && want <= HS_WANT_SIGN) {
        hs_work(end->hs);
        TRY(hs_worked(end->hs, out));
        *moved = true;
    }
    return MLT_OK;
}

static enum mlt_err drive(struct login *l, struct end *end, struct buf *in, struct buf *out)
{
    double start = cpu_us();
    enum mlt_err err = MLT_OK;
    for (bool moved = true; moved && err == MLT_OK;)
        err = step(l, end, in, out, &moved);
    end->us += cpu_us() - start;
    return err;
}

static enum mlt_err start_session(struct end *end)
{
    CLEANUP(hs_result_clear) struct hs_result result = { 0 };
    TRY(hs_take_result(end->hs, &result));
    TRY(session_init(&end->session, env_system(), &session_default_limits, &result.send,
                     &result.receive));
    hs_free(&end->hs);
    return MLT_OK;
}

/* The first record tells the client that the handshake is over; here it is a PONG. */
static enum mlt_err finish(struct login *l)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    enum record_kind kind = 0;
    size_t used = 0;
    double start = cpu_us();
    TRY(start_session(&l->server));
    TRY(session_seal(&l->server.session, RECORD_PONG, span_of(NULL, 0), &l->to_client));
    l->server.us += cpu_us() - start;

    TRY(drive(l, &l->client, &l->to_client, &l->to_server));
    start = cpu_us();
    TRY(start_session(&l->client));
    TRY(session_open(&l->client.session, buf_span(&l->to_client), &used, &kind, &plain,
                     &l->to_server));
    l->client.us += cpu_us() - start;
    ENSURE(kind == RECORD_PONG, MLT_ERR_STATE);
    return MLT_OK;
}

static enum mlt_err begin(struct login *l, const struct hs_server_config *sc,
                          const struct hs_client_config *cc)
{
    double start = cpu_us();
    TRY(hs_server_new(sc, &l->server.hs));
    TRY(hs_begin(l->server.hs, &l->to_client));
    double between = cpu_us();
    TRY(hs_client_new(cc, &l->client.hs));
    l->client.us = cpu_us() - between;
    l->server.us = between - start;
    return MLT_OK;
}

static enum mlt_err login(const struct hs_server_config *sc, const struct hs_client_config *cc,
                          bool pooled, double *server_us, double *client_us)
{
    CLEANUP(clear_login) struct login l = { 0 };
    if (pooled)
        TRY(dh_key_new(sc->group, &l.given));
    TRY(begin(&l, sc, cc));
    while (hs_want(l.server.hs) != HS_WANT_SESSION) {
        TRY(drive(&l, &l.client, &l.to_client, &l.to_server));
        TRY(drive(&l, &l.server, &l.to_server, &l.to_client));
        ENSURE(hs_want(l.server.hs) != HS_WANT_NOTHING, MLT_ERR_STATE);
    }
    TRY(finish(&l));
    *server_us = l.server.us;
    *client_us = l.client.us;
    return MLT_OK;
}

static enum mlt_err verify_once(const struct identities *ids, const uint8_t *digest,
                                struct span signature, double *us)
{
    for (int i = 0; i < 3; i++) {
        double from = cpu_us();
        TRY(rsa_verify(ids->server_key, RSA_SERVER_HANDSHAKE, digest, signature));
        *us = cpu_us() - from;
    }
    return MLT_OK;
}

/* Both sides: a DH pair, a derive, a signature made, and signatures checked. */
static enum mlt_err primitives(const struct identities *ids, enum dh_group group, struct figures *f,
                               size_t round)
{
    static const uint8_t digest[HASH_LEN] = "what a transcript hashes to.....";
    CLEANUP(dh_key_free) EVP_PKEY *own = NULL;
    CLEANUP(dh_key_free) EVP_PKEY *other = NULL;
    CLEANUP(buf_clear) struct buf y = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(secret_clear) struct secret z = { 0 };
    double verify_us = 0;
    TRY(dh_key_new(group, &other));
    TRY(dh_key_public(other, group, &y));
    double start = cpu_us();
    TRY(dh_key_new(group, &own));
    double made_at = cpu_us();
    TRY(dh_derive(own, group, buf_span(&y), &z));
    TRY(rsa_sign(ids->server_key, RSA_SERVER_HANDSHAKE, digest, &signature));
    double signed_at = cpu_us();
    TRY(verify_once(ids, digest, buf_span(&signature), &verify_us));
    /* The server checks certificate and signature; the client the CA's own signature as well. */
    f->bare.server[round] = signed_at - start + 2 * verify_us;
    f->bare.client[round] = signed_at - start + 3 * verify_us;
    f->bare_pooled.server[round] = signed_at - made_at + 2 * verify_us;
    return MLT_OK;
}

static enum mlt_err measure(const struct identities *ids, const struct tls *tls,
                            enum dh_group group, struct figures *f)
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
    *f = (struct figures) { 0 };
    for (size_t i = 0; i < ROUNDS; i++) {
        TRY(login(&sc, &cc, false, &f->login.server[i], &f->login.client[i]));
        TRY(tls_handshake(tls, &f->tls.server[i], &f->tls.client[i]));
        TRY(primitives(ids, group, f, i));
        TRY(login(&sc, &cc, true, &f->pooled.server[i], &f->pooled.client[i]));
    }
    return MLT_OK;
}

static void print(enum dh_group group, const char *side, double *ours, double *bare, double tls_us)
{
    char name[64];
    double us = median(ours, ROUNDS);
    snprintf(name, sizeof(name), "handshake %s %s", dh_group_name(group), side);
    figure_print(name, us, (struct beside) { "bare primitives", median(bare, ROUNDS) }, ROUNDS);
    figure_print(name, us, (struct beside) { "TLS 1.3 of libssl", tls_us }, ROUNDS);
}

static enum mlt_err measure_group(const struct identities *ids, enum dh_group group)
{
    static struct figures f;
    CLEANUP(tls_close) struct tls tls = { 0 };
    TRY(tls_open(ids, group, &tls));
    TRY(measure(ids, &tls, group, &f));
    double tls_server_us = median(f.tls.server, ROUNDS);
    double tls_client_us = median(f.tls.client, ROUNDS);
    print(group, "server", f.login.server, f.bare.server, tls_server_us);
    print(group, "server, pooled ephemeral", f.pooled.server, f.bare_pooled.server, tls_server_us);
    print(group, "client", f.login.client, f.bare.client, tls_client_us);
    return MLT_OK;
}

static enum mlt_err run(void)
{
    struct load load;
    bool locked = false;
    TRY(secret_start(&locked));
    TRY(crypto_start());
    CLEANUP(identities_clear) struct identities ids = { 0 };
    TRY(identities_make(&ids));
    load_start(&load);
    for (enum dh_group group = DH_FFDHE2048; group <= DH_FFDHE3072; group++)
        TRY(measure_group(&ids, group));
    load_print(&load, "processors others kept busy");
    return MLT_OK;
}

int main(void)
{
    enum mlt_err err = run();
    if (err != MLT_OK)
        fprintf(stderr, "bench_handshake: %s\n", err_text(err));
    return err == MLT_OK ? 0 : 1;
}
