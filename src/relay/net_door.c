/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "relay/net.h"

/* The door: who comes in, and who makes room for him. */

/* ---- who it is ---- */

/* A /64 is one house; an IPv4 address in IPv6 clothes is itself. */
static void set_source(struct net_conn *conn, const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        memcpy(conn->source, address->s6_addr + 12, 4);
    else
        memcpy(conn->source, address->s6_addr, sizeof(conn->source));
}

static void describe_peer(struct net_conn *conn)
{
    struct sockaddr_storage address = { 0 };
    int n = sizeof(address);
    char text[INET6_ADDRSTRLEN] = "?";
    unsigned port = 0;
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &n) == 0) {
        if (address.ss_family == AF_INET6) {
            const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address;
            inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
            set_source(conn, &six->sin6_addr);
            port = ntohs(six->sin6_port);
        } else {
            const struct sockaddr_in *four = (const struct sockaddr_in *)&address;
            inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
            memcpy(conn->source, &four->sin_addr, sizeof(four->sin_addr));
            port = ntohs(four->sin_port);
        }
    }
    snprintf(conn->peer, sizeof(conn->peer), strchr(text, ':') ? "[%s]:%u" : "%s:%u", text, port);
}

/* ---- room ---- */

static bool is_neighbour(const struct net_conn *a, const struct net_conn *b)
{
    return span_eq(SPAN_OF(a->source), SPAN_OF(b->source));
}

/* The oldest unfinished one, of `like`'s address if given; better one that never said a word. */
static struct net_conn *oldest_stranger(struct net *net, const struct net_conn *like, size_t *count)
{
    struct net_conn *conn = NULL;
    struct net_conn *first = NULL;
    struct net_conn *silent = NULL;
    *count = 0;
    TAILQ_FOREACH(conn, &net->half_open, of_half_open)
    {
        if (like != NULL && !is_neighbour(conn, like))
            continue;
        ++*count;
        if (first == NULL)
            first = conn;
        if (silent == NULL && !conn->spoke)
            silent = conn;
    }
    return silent != NULL ? silent : first;
}

static void evict(struct net_conn *conn)
{
    net_conn_end(conn, MLT_ERR_TOO_MANY, "made room for a newer connection");
    buf_clear(&conn->out);
    net_conn_close(conn);
}

/* Whoever only has last bytes to get goes before whoever still has something to say. */
static void drop_an_ended(struct net *net, const struct net_conn *newest)
{
    struct net_conn *conn = NULL;
    TAILQ_FOREACH(conn, &net->connections, of_all)
    {
        if (conn != newest && conn->phase == NET_PHASE_ENDED && !conn->closing) {
            net_conn_close(conn);
            return;
        }
    }
}

/* Beyond the bounds a stranger makes room: of the same address first, so that one host can
 * crowd out nobody but itself.  `conn` is the newest and not among them yet. */
static void make_room(struct net *net, const struct net_conn *conn)
{
    size_t neighbours = 0, strangers = 0;
    struct net_conn *oldest = oldest_stranger(net, conn, &neighbours);
    if (neighbours >= LIMIT_HALF_OPEN_OF_ONE)
        evict(oldest);
    oldest = oldest_stranger(net, NULL, &strangers);
    bool full = net->connection_count > net->connection_most;
    if (full)
        drop_an_ended(net, conn);
    full = net->connection_count > net->connection_most;
    if (oldest != NULL && (full || strangers >= LIMIT_HALF_OPEN))
        evict(oldest);
}

/* ---- in ---- */

static enum mlt_err open_conn(struct net *net, uv_stream_t *listener, struct net_conn **out)
{
    struct net_conn *conn = NULL;
    TRY(ALLOC_NEW(&conn));
    conn->net = net;
    memcpy(conn->hs_id, "--------", sizeof(conn->hs_id));
    if (uv_tcp_init(&net->loop, &conn->tcp) != 0) {
        alloc_free(conn);
        return MLT_ERR_NOMEM;
    }
    conn->tcp.data = conn;
    TAILQ_INSERT_TAIL(&net->connections, conn, of_all);
    net->connection_count++;
    if (uv_accept(listener, (uv_stream_t *)&conn->tcp) != 0) {
        net_conn_close(conn);
        return MLT_ERR_SYSTEM;
    }
    *out = conn;
    return MLT_OK;
}

void net_conn_accept(struct net *net, uv_stream_t *listener)
{
    struct net_conn *conn = NULL;
    enum mlt_err err = open_conn(net, listener, &conn);
    if (err != MLT_OK) {
        if (log_rate_take(&net->log_rate, err, env_mono_ms(net->env)))
            log_warning("a connection could not be accepted: %s", err_text(err));
        /* What uv_accept never took keeps libuv from listening on: better to start anew. */
        if (err == MLT_ERR_NOMEM)
            net_give_up(net);
        return;
    }
    uv_tcp_nodelay(&conn->tcp, 1);
    describe_peer(conn);
    make_room(net, conn);
    if (net->connection_count > net->connection_most || net->identity == NULL) {
        net_conn_close(conn);
        return;
    }
    conn->phase = NET_PHASE_HANDSHAKE;
    conn->started_ms = conn->heard_ms = env_mono_ms(net->env);
    conn->deadline_ms = conn->started_ms + LIMIT_HANDSHAKE_MS;
    TAILQ_INSERT_TAIL(&net->half_open, conn, of_half_open);
    net->half_open_count++;
    conn->half_open = true;
    net_handshake_start(conn);
    net_conn_set_reading(conn);
}
