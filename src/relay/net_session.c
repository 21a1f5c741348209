/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net_conn.h"

#include "base/limits.h"
#include "base/log.h"
#include "relay/net.h"

int64_t net_session_ends_ms(const struct net *net, const struct cert *cert)
{
    int64_t left_ms = cert->fields.not_after_s * 1000 - env_wall_ms(net->env);
    return env_mono_ms(net->env) + left_ms;
}

enum mlt_err net_session_start(struct net_conn *conn, struct hs_result *result)
{
    struct route_facts facts = { .kind = conn->kind,
                                 .cert = &result->peer,
                                 .link = conn,
                                 .ends_ms = net_session_ends_ms(conn->net, &result->peer) };
    TRY(router_join(conn->net->router, &facts, &conn->route));
    conn->phase = NET_PHASE_SESSION;
    net_grant_ask(conn, result);
    net_seen_add(conn->net, &conn->name);
    log_debug("connection %s from %s name %s logged in to %s", conn->hs_id, conn->peer,
              conn->name.text, conn->kind == CLIENT_AUTH_RECEIVE ? "receive" : "send");
    return MLT_OK;
}

enum mlt_err net_session_seal(struct net_conn *conn, enum record_kind kind, struct span body)
{
    TRY(session_seal(&conn->session, kind, body, &conn->out));
    net_conn_touch(conn);
    ENSURE(conn->out.len + conn->writing <= LIMIT_SESSION_QUEUE, MLT_ERR_TOO_MANY);
    return MLT_OK;
}

static enum mlt_err err_of_close(enum close_reason reason)
{
    switch (reason) {
    case CLOSE_REVOKED:
        return MLT_ERR_CERT_REVOKED;
    case CLOSE_EXPIRED:
        return MLT_ERR_CERT_EXPIRED;
    case CLOSE_SILENT:
        return MLT_ERR_TIMEOUT;
    case CLOSE_SLOW:
        return MLT_ERR_TOO_MANY;
    default:
        return MLT_OK;
    }
}

void net_session_close(struct net_conn *conn, enum close_reason reason)
{
    if (conn->phase != NET_PHASE_SESSION && conn->phase != NET_PHASE_RENEWAL)
        return;
    enum mlt_err err = session_close(&conn->session, reason, &conn->out);
    net_conn_end(conn, err != MLT_OK ? err : err_of_close(reason), close_reason_text(reason));
}

/* ---- from the client ---- */

static enum mlt_err handle_send(struct net_conn *conn, struct span body)
{
    struct envelope e = { 0 };
    TRY(envelope_decode_send(body, &e));
    router_send(conn->net->router, conn->route, &e, env_wall_ms(conn->net->env));
    return MLT_OK;
}

static enum mlt_err handle_receipt(struct net_conn *conn, struct span body)
{
    struct receipt receipt = { 0 };
    TRY(receipt_decode(body, &receipt));
    return router_receipt(conn->net->router, conn->route, &receipt, env_wall_ms(conn->net->env));
}

static enum mlt_err handle_noted(struct net_conn *conn, struct span body)
{
    struct noted noted = { 0 };
    TRY(noted_decode(body, &noted));
    router_noted(conn->net->router, conn->route, &noted);
    return MLT_OK;
}

/* What the certificate has a say in, or the CA. */
static enum mlt_err handle_question(struct net_conn *conn, enum record_kind kind, struct span body)
{
    switch (kind) {
    case RECORD_RENEW:
        return net_renew_asked(conn, body);
    case RECORD_CRL_WANTED:
        return net_crl_wanted(conn, body);
    case RECORD_PROVE:
        return net_ledger_prove(conn, body);
    case RECORD_LEAVES_WANTED:
        return net_ledger_leaves(conn, body);
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

static bool is_allowed(const struct net_conn *conn, enum record_kind kind)
{
    return conn->phase == NET_PHASE_SESSION || kind == RECORD_RENEW || kind == RECORD_PING ||
           kind == RECORD_PONG;
}

static enum mlt_err handle_record(struct net_conn *conn, enum record_kind kind, struct span body)
{
    ENSURE(is_allowed(conn, kind), MLT_ERR_UNEXPECTED);
    switch (kind) {
    case RECORD_SEND:
        return handle_send(conn, body);
    case RECORD_RECEIPT:
        return handle_receipt(conn, body);
    case RECORD_NOTED:
        return handle_noted(conn, body);
    case RECORD_PING:
        return net_session_seal(conn, RECORD_PONG, (struct span) { 0 });
    case RECORD_PONG:
        return MLT_OK;
    default:
        return handle_question(conn, kind, body);
    }
}

static void fail(struct net_conn *conn, enum mlt_err err)
{
    session_abort(&conn->session, alert_of_err(err), &conn->out);
    net_conn_end(conn, err, NULL);
}

void net_session_input(struct net_conn *conn, struct span bytes, size_t *used)
{
    struct net *net = conn->net;
    enum record_kind kind = 0;
    enum mlt_err err = session_open(&conn->session, bytes, used, &kind, &net->plain, &conn->out);
    if (err != MLT_OK) { /* session_open has put its alert */
        net_conn_end(conn, err, NULL);
        return;
    }
    if (*used == 0)
        return;
    if (conn->session.receive_closed) {
        net_session_close(conn, CLOSE_DONE);
        return;
    }
    if (kind != 0)
        err = handle_record(conn, kind, buf_span(&net->plain));
    buf_reset(&net->plain);
    /* The router speaks through callbacks: what went wrong for this very session waits there. */
    if (err == MLT_OK)
        err = conn->doom;
    if (err == MLT_ERR_TOO_MANY)
        net_session_close(conn, CLOSE_SLOW);
    else if (err != MLT_OK)
        fail(conn, err);
}

/* ---- from the router ---- */

void net_session_on_deliver(void *ctx, void *link, const struct envelope *e)
{
    struct net *net = ctx;
    struct net_conn *conn = link;
    buf_reset(&net->body);
    enum mlt_err err = envelope_encode_deliver(e, &net->body);
    if (err == MLT_OK)
        err = net_session_seal(conn, RECORD_DELIVER, buf_span(&net->body));
    buf_reset(&net->body);
    net_conn_doom(conn, err);
}

void net_session_on_outcome(void *ctx, void *link, const struct outcome *o)
{
    struct net *net = ctx;
    struct net_conn *conn = link;
    buf_reset(&net->body);
    enum mlt_err err = outcome_encode(o, &net->body);
    if (err == MLT_OK)
        err = net_session_seal(conn, RECORD_OUTCOME, buf_span(&net->body));
    net_conn_doom(conn, err);
}

void net_session_on_end(void *ctx, void *link, enum close_reason reason)
{
    struct net_conn *conn = link;
    (void)ctx;
    conn->route = NULL;
    net_session_close(conn, reason);
}
