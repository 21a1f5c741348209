/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "relay/net.h"

/*
 * PROTOCOL.md 9.4: ca opens stored mail only for somebody who logged in now.  Its nonces go out in
 * ServerHellos, the signatures over them come back to it, and its grants are kept with the session.
 */

/* A nonce is still good when the handshake has taken all its time, and ca as much again. */
static const int64_t nonce_ms = LIMIT_NONCE_MS - 2 * LIMIT_HANDSHAKE_MS;

/* ---- nonces ---- */

static enum mlt_err encode_wish(void *owner, struct buf *body)
{
    (void)owner;
    (void)body;
    return MLT_OK;
}

static enum mlt_err take_nonces(void *owner, struct span body)
{
    struct net *net = owner;
    struct net_nonces *nonces = &net->mail.nonces;
    struct ipc_nonces got = { 0 };
    TRY(ipc_nonces_decode(body, &got));
    size_t count = got.nonces.n / MAILBOX_NONCE;
    ENSURE(count > 0 && count <= LIMIT_NONCES && got.nonces.n % MAILBOX_NONCE == 0, MLT_ERR_RANGE);
    memcpy(nonces->ready, got.nonces.p, got.nonces.n);
    nonces->count = count;
    nonces->of_ms = nonces->asked_ms;
    return MLT_OK;
}

static void lose_wish(void *owner)
{
    (void)owner; /* asked again when ca is back */
}

static void want_nonces(struct net *net)
{
    static const struct net_ask_kind kind = { IPC_NONCES_WANTED, IPC_NONCES, encode_wish,
                                              take_nonces, lose_wish };
    struct net_nonces *nonces = &net->mail.nonces;
    if (!net->ca.synced || net_ask_is_open(&nonces->ask))
        return;
    nonces->ask.kind = &kind;
    nonces->ask.owner = net;
    nonces->asked_ms = env_mono_ms(net->env);
    net_ask_add(&net->ca.asks, &nonces->ask);
}

static void drop_old(struct net *net)
{
    if (env_mono_ms(net->env) - net->mail.nonces.of_ms > nonce_ms)
        net->mail.nonces.count = 0;
}

/*
 * The last one is handed out again until others come, or whoever connects often enough would leave
 * receivers without.  That weakens nothing: a nonce says only that the login is of now, which ca
 * judges by its age, and the server's own random keeps one transcript from passing for another.
 */
bool net_nonce_take(struct net *net, uint8_t nonce[static MAILBOX_NONCE])
{
    struct net_nonces *nonces = &net->mail.nonces;
    drop_old(net);
    bool any = nonces->count > 0;
    if (any)
        memcpy(nonce, nonces->ready[nonces->count - 1], MAILBOX_NONCE);
    if (nonces->count > 1)
        nonces->count--;
    if (nonces->count < LIMIT_NONCES / 2)
        want_nonces(net);
    return any;
}

void net_nonce_tick(struct net *net)
{
    struct net_nonces *nonces = &net->mail.nonces;
    drop_old(net);
    if (nonces->count < LIMIT_NONCES / 2 ||
        env_mono_ms(net->env) - nonces->of_ms > nonce_ms - LIMIT_HANDSHAKE_MS)
        want_nonces(net);
}

/* ---- grants ---- */

/* Kept until ca has judged it. */
struct net_proof {
    struct net_conn *conn;
    struct net_ask ask;
    struct buf transcript, signature;
};

static void drop_proof(struct net_conn *conn)
{
    struct net_proof *proof = conn->proof;
    if (proof == NULL)
        return;
    conn->proof = NULL;
    net_ask_forget(&conn->net->ca.asks, &proof->ask);
    buf_clear(&proof->transcript);
    buf_clear(&proof->signature);
    alloc_free(proof);
}

static enum mlt_err encode_proof(void *owner, struct buf *body)
{
    const struct net_proof *proof = owner;
    const struct ipc_login_proof m = { buf_span(&proof->transcript), buf_span(&proof->signature) };
    return ipc_login_proof_encode(&m, body);
}

static void settle(struct net_conn *conn, enum net_grant_state state)
{
    conn->grant_state = state;
    drop_proof(conn);
    net_mail_read_go_on(conn);
}

static void log_refused(const struct net_conn *conn, enum mlt_err err)
{
    if (!log_rate_take(&conn->net->log_rate, err, env_mono_ms(conn->net->env)))
        return;
    log_warning("connection %s name %s: ca opens no stored mail for this login: %s", conn->hs_id,
                conn->name.text,
                err == MLT_ERR_MISSING
                    ? "its certificate is not in the ledger (was an older ledger.db put back?)"
                    : err_text(err));
}

static void refuse(struct net_conn *conn, enum mlt_err err)
{
    log_refused(conn, err);
    switch (err) {
    case MLT_ERR_CERT_REVOKED:
    case MLT_ERR_MISSING:
        net_session_close(conn, CLOSE_REVOKED);
        return;
    case MLT_ERR_CERT_EXPIRED:
        net_session_close(conn, CLOSE_EXPIRED);
        return;
    case MLT_ERR_AUTH: /* the nonce was an earlier ca's, or is too old: the next one is not */
    case MLT_ERR_TIMEOUT:
        settle(conn, NET_GRANT_NONE);
        return;
    default:
        settle(conn, NET_GRANT_REFUSED);
        return;
    }
}

static enum mlt_err take_grant(void *owner, struct span body)
{
    struct net_proof *proof = owner;
    struct net_conn *conn = proof->conn;
    struct ipc_login_grant got = { 0 };
    TRY(ipc_login_grant_decode(body, &got));
    if (got.err != MLT_OK) {
        refuse(conn, got.err);
        return MLT_OK;
    }
    memcpy(conn->grant, got.grant, MAILBOX_GRANT);
    settle(conn, NET_GRANT_HELD);
    return MLT_OK;
}

/* Whoever comes after this ca knows nothing of the nonce: the client will log in anew if need be.
 */
static void lose_proof(void *owner)
{
    struct net_proof *proof = owner;
    struct net_conn *conn = proof->conn;
    conn->grant_state = NET_GRANT_NONE;
    drop_proof(conn);
}

void net_grant_ask(struct net_conn *conn, struct hs_result *result)
{
    static const struct net_ask_kind kind = { IPC_LOGIN_PROOF, IPC_LOGIN_GRANT, encode_proof,
                                              take_grant, lose_proof };
    struct net_proof *proof = NULL;
    if (conn->kind != CLIENT_AUTH_RECEIVE || result->transcript.len == 0 ||
        ALLOC_NEW(&proof) != MLT_OK)
        return;
    proof->conn = conn;
    proof->ask.kind = &kind;
    proof->ask.owner = proof;
    proof->transcript = result->transcript;
    proof->signature = result->signature;
    result->transcript = result->signature = (struct buf) { 0 };
    conn->proof = proof;
    conn->grant_state = NET_GRANT_ASKED;
    net_ask_add(&conn->net->ca.asks, &proof->ask);
}

void net_grant_leave(struct net_conn *conn)
{
    drop_proof(conn);
    conn->grant_state = NET_GRANT_NONE;
    alloc_wipe(conn->grant, sizeof(conn->grant));
}
