/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net_conn.h"

#include <string.h>

#include "relay/admission.h"
#include "relay/net.h"

static void step(struct net_conn *conn);

static void fail(struct net_conn *conn, enum mlt_err err)
{
    net_conn_end(conn, err, NULL);
}

static void abort_with(struct net_conn *conn, enum alert alert, enum mlt_err err)
{
    if (conn->hs != NULL && !conn->on_worker)
        hs_abort(conn->hs, alert, &conn->out);
    fail(conn, err);
}

void net_handshake_start(struct net_conn *conn)
{
    conn->identity = server_identity_share(conn->net->identity);
    uint8_t nonce[MAILBOX_NONCE];
    enum mlt_err err = hs_server_new(&conn->identity->config, &conn->hs);
    if (err == MLT_OK && net_nonce_take(conn->net, nonce))
        err = hs_give_nonce(conn->hs, nonce);
    if (err == MLT_OK)
        err = hs_begin(conn->hs, &conn->out);
    if (err != MLT_OK) {
        fail(conn, err);
        return;
    }
    memcpy(conn->hs_id, hs_id(conn->hs), sizeof(conn->hs_id) - 1);
    net_conn_touch(conn);
}

/* ---- heavy steps ---- */

static void work(void *ctx)
{
    struct net_conn *conn = ctx;
    hs_work(conn->hs);
}

static void on_worked(void *ctx)
{
    struct net_conn *conn = ctx;
    conn->on_worker = false;
    if (conn->phase == NET_PHASE_ENDED) { /* its time was over meanwhile */
        hs_free(&conn->hs);
        server_identity_drop(&conn->identity);
        net_conn_touch(conn);
        return;
    }
    enum mlt_err err = hs_worked(conn->hs, &conn->out);
    net_conn_touch(conn);
    if (err != MLT_OK) {
        fail(conn, err);
        return;
    }
    step(conn);
    net_conn_resume(conn);
}

/* Whoever asked and hung up gets nothing computed: that would be the cheapest of floods. */
static bool is_still_there(void *ctx)
{
    struct net_conn *conn = ctx;
    if (conn->phase != NET_PHASE_ENDED && net_conn_hung_up(conn))
        net_conn_end(conn, MLT_ERR_CUT, NULL);
    return conn->phase != NET_PHASE_ENDED;
}

static void send_to_worker(struct net_conn *conn)
{
    conn->on_worker = true;
    const struct net_task task = { conn, is_still_there, work, on_worked };
    enum mlt_err err = net_work_add(&conn->net->work, &task);
    if (err == MLT_OK)
        return;
    conn->on_worker = false;
    abort_with(conn, err == MLT_ERR_TOO_MANY ? ALERT_BUSY : ALERT_INTERNAL, err);
}

static void give_ephemeral(struct net_conn *conn)
{
    EVP_PKEY *key = net_work_take_ephemeral(&conn->net->work);
    if (key == NULL) {
        send_to_worker(conn);
        return;
    }
    enum mlt_err err = hs_give_ephemeral(conn->hs, &key);
    dh_key_free(&key);
    if (err != MLT_OK)
        abort_with(conn, ALERT_INTERNAL, err);
    else
        step(conn);
}

/* ---- Welcome ---- */

static enum mlt_err send_welcome(struct net_conn *conn, struct welcome *w)
{
    struct buf *body = &conn->net->body;
    net_authority_welcome(conn->net, w);
    buf_reset(body);
    TRY(welcome_encode(w, body));
    return net_session_seal(conn, RECORD_WELCOME, buf_span(body));
}

/* Refused, pending or issued: the session ends with what Welcome says. */
static void welcome_and_end(struct net_conn *conn, struct welcome *w)
{
    enum mlt_err err = send_welcome(conn, w);
    if (err == MLT_OK)
        err = session_close(&conn->session, CLOSE_DONE, &conn->out);
    if (err != MLT_OK) {
        fail(conn, err);
        return;
    }
    switch (w->result) {
    case WELCOME_ISSUED:
        net_conn_end(conn, MLT_OK, "certificate issued");
        return;
    case WELCOME_PENDING:
        net_conn_end(conn, MLT_OK, "enrolment waits for approval");
        return;
    default:
        net_conn_end(conn, MLT_ERR_REFUSED, refusal_text(w->reason));
        return;
    }
}

static enum mlt_err begin_session(struct net_conn *conn, struct hs_result *result)
{
    TRY(hs_take_result(conn->hs, result));
    TRY(session_init(&conn->session, conn->net->env, &session_default_limits, &result->send,
                     &result->receive));
    conn->has_session = true;
    hs_free(&conn->hs);
    server_identity_drop(&conn->identity);
    net_conn_settle(conn);
    return MLT_OK;
}

static enum mlt_err log_in(struct net_conn *conn, struct hs_result *result)
{
    struct net *net = conn->net;
    struct welcome w = { 0 };
    int64_t now_ms = env_wall_ms(net->env);
    const struct admission_facts facts = {
        .verdict = result->peer_verdict,
        .revoked = router_is_revoked(net->router, &result->peer),
        .in_doubt = router_is_in_doubt(net->router, &result->peer),
        .stale = !crl_held_admits(&net->crl.held, &result->peer.fields, now_ms / 1000)
    };
    admission_login(&facts, now_ms, &w);
    if (w.result == WELCOME_LOGGED_IN && !router_has_room(net->router, &conn->name))
        admission_busy(now_ms, &w);
    if (w.result == WELCOME_REFUSED) {
        welcome_and_end(conn, &w);
        return MLT_OK;
    }
    TRY(send_welcome(conn, &w));
    if (w.result == WELCOME_LOGGED_IN)
        return net_session_start(conn, result);
    return net_renew_begin(conn, &result->peer);
}

static void welcome_login(struct net_conn *conn)
{
    conn->kind = hs_client_auth(conn->hs)->kind;
    CLEANUP(hs_result_clear) struct hs_result result = { 0 };
    enum mlt_err err = begin_session(conn, &result);
    if (err == MLT_OK) {
        conn->name = result.peer.fields.name;
        err = log_in(conn, &result);
    }
    if (err != MLT_OK)
        fail(conn, err);
}

/* ---- ENROL ---- */

static enum mlt_err encode_enrol(void *owner, struct buf *body)
{
    const struct net_conn *conn = owner;
    const struct client_auth *asked = hs_client_auth(conn->hs);
    struct ipc_enrol enrol = { .name = asked->name,
                               .request = asked->request,
                               .has_invite = asked->has_invite };
    memcpy(enrol.invite_id, asked->invite_id, INVITE_ID);
    memcpy(enrol.proof, asked->proof, INVITE_PROOF);
    return ipc_enrol_encode(&enrol, body);
}

/* `answer`: NULL when ca did not give any. */
static void enrolled(struct net_conn *conn, const struct ipc_enrolled *answer)
{
    struct welcome w = { 0 };
    int64_t now = env_wall_ms(conn->net->env);
    conn->waiting = false;
    if (answer != NULL)
        admission_enrol(answer, now, &w);
    else
        admission_busy(now, &w);
    CLEANUP(hs_result_clear) struct hs_result result = { 0 };
    enum mlt_err err = hs_issued(conn->hs);
    if (err == MLT_OK)
        err = begin_session(conn, &result);
    if (err != MLT_OK)
        fail(conn, err);
    else
        welcome_and_end(conn, &w);
}

static enum mlt_err take_enrolled(void *owner, struct span body)
{
    struct ipc_enrolled answer = { 0 };
    TRY(ipc_enrolled_decode(body, &answer));
    enrolled(owner, &answer);
    return MLT_OK;
}

static void lose_enrol(void *owner)
{
    enrolled(owner, NULL);
}

static void ask_ca(struct net_conn *conn)
{
    static const struct net_ask_kind kind = { IPC_ENROL, IPC_ENROLLED, encode_enrol, take_enrolled,
                                              lose_enrol };
    /* A slow ca is not the client's fault: his time starts anew. */
    conn->deadline_ms = env_mono_ms(conn->net->env) + LIMIT_HANDSHAKE_MS;
    conn->kind = CLIENT_AUTH_ENROL;
    conn->name = hs_client_auth(conn->hs)->name;
    conn->waiting = true;
    conn->enrol.kind = &kind;
    conn->enrol.owner = conn;
    net_ask_add(&conn->net->ca.asks, &conn->enrol);
}

void net_handshake_forget(struct net_conn *conn)
{
    net_ask_forget(&conn->net->ca.asks, &conn->enrol);
    conn->waiting = false;
}

/* ---- the machine ---- */

static void step(struct net_conn *conn)
{
    switch (hs_want(conn->hs)) {
    case HS_WANT_INPUT:
        return;
    case HS_WANT_EPHEMERAL:
        give_ephemeral(conn);
        return;
    case HS_WANT_DERIVE:
    case HS_WANT_VERIFY:
    case HS_WANT_SIGN:
        send_to_worker(conn);
        return;
    case HS_WANT_ISSUE:
        ask_ca(conn);
        return;
    case HS_WANT_SESSION:
        welcome_login(conn);
        return;
    case HS_WANT_NOTHING:
        fail(conn, MLT_ERR_STATE);
        return;
    }
}

void net_handshake_input(struct net_conn *conn, struct span bytes, size_t *used)
{
    enum mlt_err err = hs_input(conn->hs, bytes, used, &conn->out);
    net_conn_touch(conn);
    if (err != MLT_OK) {
        fail(conn, err);
    } else if (*used > 0) {
        conn->spoke = true;
        step(conn);
    }
}

void net_handshake_revoke(struct net_conn *conn)
{
    if (conn->phase == NET_PHASE_HANDSHAKE && conn->identity != NULL &&
        conn->identity != conn->net->identity)
        abort_with(conn, ALERT_BUSY, MLT_ERR_CERT_REVOKED);
}

void net_handshake_timeout(struct net_conn *conn)
{
    if (conn->waiting) { /* ca is slow: told in a Welcome, as the keys allow it */
        net_handshake_forget(conn);
        enrolled(conn, NULL);
        return;
    }
    abort_with(conn, ALERT_TIMEOUT, MLT_ERR_TIMEOUT);
}
