/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "relay/admission.h"
#include "relay/net.h"
#include "wire/renew.h"

/* PROTOCOL.md 11.5: ca decides; net sees to it that a session stands on what was issued for it. */

static void answer(struct net_conn *conn, const struct renewed *renewed)
{
    struct buf *body = &conn->net->body;
    buf_reset(body);
    enum mlt_err err = renewed_encode(renewed, body);
    if (err == MLT_OK)
        err = net_session_seal(conn, RECORD_RENEWED, buf_span(body));
    buf_reset(body);
    if (err != MLT_OK)
        net_conn_doom(conn, err);
    else if (conn->phase == NET_PHASE_RENEWAL)
        net_session_close(conn, CLOSE_DONE);
}

static void tell_busy(struct net_request *request)
{
    struct renewed renewed = { 0 };
    admission_renew_busy(&renewed);
    answer(request->conn, &renewed);
}

/* ---- what ca issued ---- */

static enum mlt_err check_own(const struct net_conn *conn, const struct cert *cert)
{
    ENSURE(name_eq(&conn->name, &cert->fields.name) &&
               span_eq(SPAN_OF(conn->renewing.spki_hash), SPAN_OF(cert->spki_hash)),
           MLT_ERR_AUTH);
    ENSURE(!router_is_revoked(conn->net->router, cert), MLT_ERR_CERT_REVOKED);
    ENSURE(!router_is_in_doubt(conn->net->router, cert), MLT_ERR_UNEXPECTED);
    return MLT_OK;
}

static enum mlt_err take_certificate(struct net_conn *conn, struct span der)
{
    const struct net *net = conn->net;
    CLEANUP(cert_clear) struct cert cert = { 0 };
    int64_t now_s = env_wall_ms(net->env) / 1000;
    enum mlt_err err = cert_read_leaf_late(der, &net->ca.root, CERT_CLIENT, now_s, &cert);
    /* One that was renewed before, and the answer lost: a later one, which has ended since. */
    if (conn->phase == NET_PHASE_RENEWAL && (err == MLT_OK || err == MLT_ERR_CERT_EXPIRED))
        return check_own(conn, &cert);
    TRY(err);
    return router_renewed(net->router, conn->route, &cert, net_session_ends_ms(net, &cert));
}

static enum mlt_err take_renewed(struct net_request *request, struct span body)
{
    struct net_conn *conn = request->conn;
    struct ipc_enrolled got = { 0 };
    struct renewed renewed = { 0 };
    TRY(ipc_enrolled_decode(body, &got));
    ENSURE(got.result != WELCOME_PENDING, MLT_ERR_UNEXPECTED);
    admission_renew(&got, &renewed);
    if (got.result == WELCOME_ISSUED) {
        enum mlt_err err = take_certificate(conn, got.certificate);
        /* Revoked, or ended, between ca's two words; or our clock was set back since it issued
         * this one, which is nobody's fault. */
        if (err == MLT_ERR_CERT_REVOKED)
            renewed = (struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_REVOKED };
        else if (err == MLT_ERR_CERT_EXPIRED)
            renewed = (struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_EXPIRED };
        else if (err == MLT_ERR_CERT_NOT_YET)
            admission_renew_busy(&renewed);
        else
            TRY(err);
    }
    answer(conn, &renewed);
    return MLT_OK;
}

/* ---- what the client asks ---- */

static bool is_own(const struct net_conn *conn, const struct renew *renew)
{
    if (conn->phase == NET_PHASE_RENEWAL)
        return span_eq(SPAN_OF(conn->renewing.serial), SPAN_OF(renew->serial));
    return router_is_of(conn->route, renew->serial);
}

enum mlt_err net_renew_asked(struct net_conn *conn, struct span body)
{
    static const struct net_request_row row = { NET_REQUEST_RENEW,
                                                NET_REQUEST_ASK(IPC_RENEW, IPC_RENEWED),
                                                take_renewed, tell_busy };
    struct renew renew = { 0 };
    CLEANUP(net_request_drop) struct net_request *request = NULL;
    TRY(renew_decode(body, &renew));
    ENSURE(is_own(conn, &renew), MLT_ERR_UNEXPECTED);
    TRY(net_request_new(conn, &row, &request));
    struct ipc_renew question = { .signature = renew.signature,
                                  .certificate = buf_span(&conn->renewing.doubted) };
    memcpy(question.serial, renew.serial, CERT_SERIAL);
    TRY(ipc_renew_encode(&question, &request->question));
    net_request_ask(request);
    request = NULL;
    return MLT_OK;
}

/* ---- the session of one that is expired, or in doubt ---- */

enum mlt_err net_renew_begin(struct net_conn *conn, const struct cert *own)
{
    if (router_is_in_doubt(conn->net->router, own))
        TRY(cert_der(own->x509, &conn->renewing.doubted));
    conn->phase = NET_PHASE_RENEWAL;
    memcpy(conn->renewing.serial, own->fields.serial, CERT_SERIAL);
    memcpy(conn->renewing.spki_hash, own->spki_hash, HASH_LEN);
    conn->deadline_ms = env_mono_ms(conn->net->env) + LIMIT_HANDSHAKE_MS;
    return MLT_OK;
}

void net_renew_tick(struct net_conn *conn, int64_t now_ms)
{
    if (!net_request_is_open(conn, NET_REQUEST_RENEW) && now_ms >= conn->deadline_ms)
        net_session_close(conn, CLOSE_EXPIRED);
}
