/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/log.h"
#include "pki/statement.h"
#include "relay/net.h"

/* PROTOCOL.md 11.4: a notice to everybody at once; the list only to who is behind, a piece when the
 * last one has left. */

static const size_t ahead = LIMIT_CRL_PIECE; /* bytes of one session that may wait meanwhile */
static const size_t pieces_per_turn = 16;    /* for all: the loop serves others too */

static enum mlt_err put_notice(struct net_conn *conn, const struct crl_notice *notice)
{
    return net_session_seal(conn, RECORD_REVOKED, buf_span(&notice->record));
}

/* ---- from ca ---- */

static void push(struct net *net, uint64_t number)
{
    const struct crl_notice *notice = crl_notices_find(&net->crl.notices, number);
    struct net_conn *conn = NULL;
    if (notice == NULL || number <= net->crl.pushed)
        return;
    net->crl.pushed = number;
    TAILQ_FOREACH(conn, &net->connections, of_all)
    {
        enum mlt_err err = MLT_OK;
        if (conn->phase == NET_PHASE_SESSION)
            err = put_notice(conn, notice);
        if (err != MLT_OK)
            net_conn_doom(conn, err);
    }
}

enum mlt_err net_crl_notice(struct net *net, struct span body)
{
    struct revocation got = { 0 };
    ENSURE(net->ca.root.x509 != NULL, MLT_ERR_UNEXPECTED);
    TRY(revocation_decode(body, &got));
    TRY(statement_check_revocation(&net->ca.root, &got));
    TRY(crl_notices_add(&net->crl.notices, got.number, body));
    push(net, got.number);
    return MLT_OK;
}

/* ---- to a client ---- */

static enum mlt_err send_notices(struct net_conn *conn, uint64_t from, uint64_t to)
{
    const struct crl_notices *notices = &conn->net->crl.notices;
    for (uint64_t number = from; number <= to; number++) {
        const struct crl_notice *notice = crl_notices_find(notices, number);
        ENSURE(notice != NULL, MLT_ERR_STATE);
        TRY(put_notice(conn, notice));
    }
    return MLT_OK;
}

enum mlt_err net_crl_wanted(struct net_conn *conn, struct span body)
{
    struct net_crl *crl = &conn->net->crl;
    struct crl_wanted wanted = { 0 };
    uint64_t newest = crl_newest(&crl->held, &crl->notices);
    uint64_t from = 0;
    TRY(crl_wanted_decode(body, &wanted));
    /* A second one, or when there is nothing that could be wanted: Welcome said so. */
    ENSURE(!conn->reads_crl && newest > 0, MLT_ERR_UNEXPECTED);
    if (wanted.have > newest &&
        log_rate_take(&conn->net->log_rate, MLT_ERR_STALE, env_mono_ms(conn->net->env)))
        log_error("connection %s name %s holds revocation list number %" PRIu64 ", and %" PRIu64
                  " is the newest here: were older files put back?",
                  conn->hs_id, conn->name.text, wanted.have, newest);
    if (crl_notices_serve(&crl->notices, wanted.have, newest, &from))
        return send_notices(conn, from, newest);
    conn->reads_crl = true;
    conn->crl = (struct crl_cursor) { 0 };
    TAILQ_INSERT_TAIL(&crl->readers, conn, of_readers);
    return MLT_OK;
}

void net_crl_leave(struct net_conn *conn)
{
    if (!conn->reads_crl)
        return;
    conn->reads_crl = false;
    TAILQ_REMOVE(&conn->net->crl.readers, conn, of_readers);
}

/* ---- in pieces ---- */

/* A newer one that is being checked is what he wants. */
static bool is_coming(const struct net_crl *crl)
{
    return crl->held.number == 0 || (crl->held.number < crl_notices_newest(&crl->notices) &&
                                     (crl->next.bytes.len > 0 || crl->busy));
}

static bool has_room(const struct net_conn *conn)
{
    return conn->out.len + conn->writing < ahead;
}

static enum mlt_err put_piece(struct net_conn *conn, const struct crl_piece *piece)
{
    struct buf *body = &conn->net->body;
    buf_reset(body);
    TRY(crl_piece_encode(piece, body));
    enum mlt_err err = net_session_seal(conn, RECORD_CRL, buf_span(body));
    buf_reset(body);
    return err;
}

static void serve(struct net_conn *conn)
{
    const struct crl_held *held = &conn->net->crl.held;
    struct crl_piece piece = { 0 };
    enum mlt_err err = MLT_OK;
    if (crl_cursor_next(&conn->crl, held, &piece))
        err = put_piece(conn, &piece);
    if (err != MLT_OK)
        net_conn_doom(conn, err);
    if (err != MLT_OK || conn->crl.offset >= held->der.len)
        net_crl_leave(conn);
}

/* Everybody in turn, beginning where the last turn ended. */
void net_crl_turn(struct net *net)
{
    struct net_crl *crl = &net->crl;
    size_t pieces = pieces_per_turn;
    struct net_conn *last = TAILQ_LAST(&crl->readers, net_crl_readers);
    struct net_conn *conn = NULL;
    if (is_coming(crl))
        return;
    while (pieces > 0 && conn != last && (conn = TAILQ_FIRST(&crl->readers)) != NULL) {
        TAILQ_REMOVE(&crl->readers, conn, of_readers);
        TAILQ_INSERT_TAIL(&crl->readers, conn, of_readers);
        if (!has_room(conn))
            continue;
        pieces--;
        serve(conn);
    }
}

bool net_crl_is_pending(const struct net *net)
{
    const struct net_conn *conn = NULL;
    if (is_coming(&net->crl))
        return false;
    TAILQ_FOREACH(conn, &net->crl.readers, of_readers)
    {
        if (has_room(conn))
            return true;
    }
    return false;
}
