/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "relay/net.h"

void net_request_drop(struct net_request **request)
{
    struct net_request *gone = *request;
    *request = NULL;
    if (gone == NULL)
        return;
    struct net_conn *conn = gone->conn;
    if (conn->requests[gone->row->kind] == gone)
        conn->requests[gone->row->kind] = NULL;
    net_ask_forget(&conn->net->ca.asks, &gone->ask);
    buf_clear(&gone->question);
    buf_clear(&gone->shown_bytes);
    ledger_witness_clear(&gone->newest);
    alloc_free(gone);
}

enum mlt_err net_request_new(struct net_conn *conn, const struct net_request_row *row,
                             struct net_request **request)
{
    struct net_request *made = NULL;
    ENSURE(!net_request_is_open(conn, row->kind), MLT_ERR_UNEXPECTED);
    TRY(ALLOC_NEW(&made));
    made->conn = conn;
    made->row = row;
    made->ask.kind = &row->ask;
    made->ask.owner = made;
    *request = made;
    return MLT_OK;
}

void net_request_ask(struct net_request *request)
{
    struct net *net = request->conn->net;
    request->conn->requests[request->row->kind] = request;
    request->deadline_ms = env_mono_ms(net->env) + LIMIT_HANDSHAKE_MS;
    net_ask_add(&net->ca.asks, &request->ask);
}

bool net_request_is_open(const struct net_conn *conn, enum net_request_kind kind)
{
    return conn->requests[kind] != NULL;
}

enum mlt_err net_request_encode(void *owner, struct buf *body)
{
    const struct net_request *request = owner;
    return buf_put(body, buf_span(&request->question));
}

/* What the client is told may end its connection, and with it what is still open of it. */
static void settle(struct net_request *request)
{
    request->conn->requests[request->row->kind] = NULL;
}

enum mlt_err net_request_answered(void *owner, struct span body)
{
    struct net_request *request = owner;
    settle(request);
    enum mlt_err err = request->row->take(request, body);
    if (err != MLT_OK)
        request->row->busy(request);
    net_request_drop(&request);
    return err;
}

void net_request_lost(void *owner)
{
    struct net_request *request = owner;
    settle(request);
    request->row->busy(request);
    net_request_drop(&request);
}

void net_request_tick(struct net_conn *conn, int64_t now_ms)
{
    for (size_t i = 0; i < NET_REQUESTS; i++)
        if (conn->requests[i] != NULL && now_ms >= conn->requests[i]->deadline_ms)
            net_request_lost(conn->requests[i]);
}

void net_request_leave(struct net_conn *conn)
{
    for (size_t i = 0; i < NET_REQUESTS; i++)
        net_request_drop(&conn->requests[i]);
}
