/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net_conn.h"

#include <poll.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "relay/net.h"

/* ---- the end ---- */

static void free_conn(struct net_conn *conn)
{
    hs_free(&conn->hs);
    server_identity_drop(&conn->identity);
    buf_clear(&conn->in);
    buf_clear(&conn->out);
    buf_clear(&conn->renewing.doubted);
    alloc_free(conn);
}

static void on_closed(uv_handle_t *handle)
{
    struct net_conn *conn = handle->data;
    struct net *net = conn->net;
    TAILQ_REMOVE(&net->connections, conn, of_all);
    /* Whatever led here: no list may hold what is about to be freed. */
    net_conn_settle(conn);
    if (conn->touched)
        TAILQ_REMOVE(&net->touched, conn, of_touched);
    free_conn(conn);
    net_check_stopped(net);
}

/* While a worker has the handshake the memory stays; net_handshake.c ends the work first. */
void net_conn_close(struct net_conn *conn)
{
    if (conn->closing || conn->on_worker)
        return;
    conn->closing = true;
    conn->net->connection_count--; /* its descriptor is free at once */
    uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

static void log_end(struct net_conn *conn, enum mlt_err err, const char *why)
{
    struct net *net = conn->net;
    int64_t now = env_mono_ms(net->env);
    if (!log_rate_take(&net->log_rate, err, now))
        return;
    const char *name = conn->name.text[0] != '\0' ? conn->name.text : "-";
    const char *text = why != NULL ? why : err_text(err);
    log_info("connection %s from %s name %s ended: %s: %s", conn->hs_id, conn->peer, name,
             err_name(err), text);
}

static void leave_lists(struct net_conn *conn)
{
    net_conn_settle(conn);
    net_handshake_forget(conn);
    net_grant_leave(conn);
    net_mail_read_leave(conn);
    net_request_leave(conn);
    net_crl_leave(conn);
    if (conn->route != NULL)
        router_leave(conn->net->router, conn->route);
    conn->route = NULL;
}

void net_conn_end(struct net_conn *conn, enum mlt_err err, const char *why)
{
    if (conn->phase == NET_PHASE_ENDED)
        return;
    conn->phase = NET_PHASE_ENDED;
    leave_lists(conn);
    log_end(conn, err, why);
    if (conn->has_session)
        session_clear(&conn->session);
    conn->has_session = false;
    if (!conn->on_worker) {
        hs_free(&conn->hs);
        server_identity_drop(&conn->identity);
    }
    buf_clear(&conn->in);
    conn->deadline_ms = env_mono_ms(conn->net->env) + LIMIT_FLUSH_MS;
    net_conn_touch(conn);
}

void net_conn_settle(struct net_conn *conn)
{
    if (!conn->half_open)
        return;
    TAILQ_REMOVE(&conn->net->half_open, conn, of_half_open);
    conn->net->half_open_count--;
    conn->half_open = false;
}

/* ---- reading ---- */

/* One space for all: what is complete is used from it, only an unfinished frame is kept. */
static void give_space(uv_handle_t *handle, size_t suggested, uv_buf_t *space)
{
    struct net_conn *conn = handle->data;
    (void)suggested;
    *space = uv_buf_init((char *)conn->net->read_space, NET_READ_SPACE);
}

static size_t look_at(struct net_conn *conn, struct span bytes)
{
    size_t total = 0, used = 0;
    do {
        used = 0;
        struct span rest = span_from(bytes, total);
        if (conn->on_worker || conn->waiting)
            break;
        if (conn->phase == NET_PHASE_HANDSHAKE)
            net_handshake_input(conn, rest, &used);
        else if (conn->phase == NET_PHASE_SESSION || conn->phase == NET_PHASE_RENEWAL)
            net_session_input(conn, rest, &used);
        total += used;
    } while (used > 0);
    return total;
}

/* Records may follow ClientAuth in the same breath; what is longer than that is no client's. */
static enum mlt_err check_early(const struct net_conn *conn)
{
    bool stranger = conn->phase == NET_PHASE_HANDSHAKE;
    ENSURE(!stranger || conn->in.len <= LIMIT_EARLY, MLT_ERR_UNEXPECTED);
    return MLT_OK;
}

static enum mlt_err take_bytes(struct net_conn *conn, struct span bytes)
{
    if (conn->in.len == 0) {
        size_t used = look_at(conn, bytes);
        if (conn->phase != NET_PHASE_ENDED)
            TRY(buf_put(&conn->in, span_from(bytes, used)));
        return check_early(conn);
    }
    TRY(buf_put(&conn->in, bytes));
    size_t used = look_at(conn, buf_span(&conn->in));
    buf_drop(&conn->in, used);
    if (conn->in.len == 0)
        buf_clear(&conn->in);
    return check_early(conn);
}

static void on_stream_end(struct net_conn *conn, ssize_t status)
{
    conn->reading = false;
    conn->heard_all = true;
    if (conn->phase == NET_PHASE_ENDED)
        net_conn_close(conn);
    else if (status == UV_EOF)
        net_conn_end(conn, MLT_ERR_CUT, NULL);
    else
        net_conn_end(conn, MLT_ERR_CUT, uv_strerror((int)status));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *space);

void net_conn_set_reading(struct net_conn *conn)
{
    bool wanted = !conn->closing && !conn->heard_all && !conn->on_worker && !conn->waiting;
    if (wanted == conn->reading)
        return;
    conn->reading = wanted;
    if (!wanted)
        uv_read_stop((uv_stream_t *)&conn->tcp);
    else if (uv_read_start((uv_stream_t *)&conn->tcp, give_space, on_read) != 0)
        net_conn_end(conn, MLT_ERR_SYSTEM, NULL);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *space)
{
    struct net_conn *conn = stream->data;
    if (n == 0)
        return;
    if (n < 0) {
        on_stream_end(conn, n);
        return;
    }
    if (conn->phase == NET_PHASE_ENDED)
        return;
    conn->heard_ms = env_mono_ms(conn->net->env);
    enum mlt_err err = take_bytes(conn, span_of(space->base, (size_t)n));
    if (err != MLT_OK)
        net_conn_end(conn, err, NULL);
    net_conn_set_reading(conn);
}

void net_conn_resume(struct net_conn *conn)
{
    size_t used = look_at(conn, buf_span(&conn->in));
    buf_drop(&conn->in, used);
    if (conn->in.len == 0)
        buf_clear(&conn->in);
    if (conn->phase == NET_PHASE_ENDED && conn->touched == false)
        net_conn_touch(conn);
    net_conn_set_reading(conn);
}

bool net_conn_hung_up(const struct net_conn *conn)
{
    uv_os_fd_t fd = -1;
    if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) != 0)
        return true;
    struct pollfd look = { .fd = fd, .events = POLLRDHUP };
    return poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* ---- writing ---- */

struct pending_write {
    uv_write_t request;
    struct net_conn *conn;
    struct buf bytes;
};

void net_conn_touch(struct net_conn *conn)
{
    if (conn->touched || conn->closing)
        return;
    conn->touched = true;
    TAILQ_INSERT_TAIL(&conn->net->touched, conn, of_touched);
}

void net_conn_doom(struct net_conn *conn, enum mlt_err err)
{
    if (err == MLT_OK)
        return;
    conn->doom = err;
    net_conn_touch(conn);
}

static void on_written(uv_write_t *request, int status)
{
    struct pending_write *write = request->data;
    struct net_conn *conn = write->conn;
    conn->writing = 0;
    buf_clear(&write->bytes);
    alloc_free(write);
    if (status == 0)
        net_conn_touch(conn);
    else if (conn->phase == NET_PHASE_ENDED)
        net_conn_close(conn);
    else
        net_conn_end(conn, MLT_ERR_CUT, uv_strerror(status));
}

/* What the kernel does not take at once waits in one request; more may gather behind it. */
static enum mlt_err write_rest(struct net_conn *conn)
{
    struct pending_write *write = NULL;
    TRY(ALLOC_NEW(&write));
    write->conn = conn;
    write->bytes = conn->out;
    write->request.data = write;
    conn->out = (struct buf) { 0 };
    conn->writing = write->bytes.len;
    uv_buf_t bytes = uv_buf_init((char *)write->bytes.p, (unsigned)write->bytes.len);
    int rc = uv_write(&write->request, (uv_stream_t *)&conn->tcp, &bytes, 1, on_written);
    if (rc == 0)
        return MLT_OK;
    conn->writing = 0;
    buf_clear(&write->bytes);
    alloc_free(write);
    return MLT_ERR_CUT;
}

static enum mlt_err write_out(struct net_conn *conn)
{
    if (conn->writing > 0 || conn->out.len == 0)
        return MLT_OK;
    uv_buf_t bytes = uv_buf_init((char *)conn->out.p, (unsigned)conn->out.len);
    int n = uv_try_write((uv_stream_t *)&conn->tcp, &bytes, 1);
    ENSURE(n >= 0 || n == UV_EAGAIN, MLT_ERR_CUT);
    if (n > 0)
        buf_drop(&conn->out, (size_t)n);
    if (conn->out.len > 0)
        return write_rest(conn);
    buf_clear(&conn->out);
    return MLT_OK;
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct net_conn *conn = request->data;
    if (status != 0)
        net_conn_close(conn);
}

/* A close with unread input would reset the connection and may eat our last words: so our side
 * is shut, and the peer has until the deadline to shut his. */
static void finish(struct net_conn *conn)
{
    if (conn->writing > 0 || conn->out.len > 0 || conn->shut || conn->on_worker)
        return;
    conn->shut = true;
    conn->shutdown.data = conn;
    if (conn->heard_all || uv_shutdown(&conn->shutdown, (uv_stream_t *)&conn->tcp, on_shut) != 0)
        net_conn_close(conn);
}

static void flush_one(struct net_conn *conn)
{
    if (conn->closing)
        return;
    if (conn->doom != MLT_OK && conn->phase != NET_PHASE_ENDED) {
        if (conn->doom == MLT_ERR_TOO_MANY)
            net_session_close(conn, CLOSE_SLOW);
        else
            net_conn_end(conn, conn->doom, NULL);
    }
    if (write_out(conn) != MLT_OK) {
        net_conn_end(conn, MLT_ERR_CUT, NULL);
        buf_clear(&conn->out);
        net_conn_close(conn);
        return;
    }
    net_conn_set_reading(conn);
    if (conn->phase == NET_PHASE_ENDED)
        finish(conn);
}

void net_conn_flush_all(struct net *net)
{
    while (!TAILQ_EMPTY(&net->touched)) {
        struct net_conn *conn = TAILQ_FIRST(&net->touched);
        TAILQ_REMOVE(&net->touched, conn, of_touched);
        conn->touched = false;
        flush_one(conn);
    }
}

/* ---- time ---- */

static void tick_one(struct net_conn *conn, int64_t now)
{
    switch (conn->phase) {
    case NET_PHASE_HANDSHAKE:
        if (now >= conn->deadline_ms)
            net_handshake_timeout(conn);
        return;
    case NET_PHASE_SESSION:
        net_request_tick(conn, now);
        if (now - conn->heard_ms >= LIMIT_SILENCE_MS)
            net_session_close(conn, CLOSE_SILENT);
        return;
    case NET_PHASE_RENEWAL:
        net_request_tick(conn, now);
        net_renew_tick(conn, now);
        return;
    case NET_PHASE_ENDED:
        if (now >= conn->deadline_ms)
            net_conn_close(conn);
        return;
    }
}

void net_conn_tick_all(struct net *net)
{
    int64_t now = env_mono_ms(net->env);
    struct net_conn *next = NULL;
    for (struct net_conn *conn = TAILQ_FIRST(&net->connections); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, of_all);
        tick_one(conn, now);
    }
}

void net_conn_stop_all(struct net *net)
{
    struct net_conn *next = NULL;
    for (struct net_conn *conn = TAILQ_FIRST(&net->connections); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, of_all);
        if (conn->phase == NET_PHASE_SESSION || conn->phase == NET_PHASE_RENEWAL)
            net_session_close(conn, CLOSE_SHUTDOWN);
        else if (conn->phase == NET_PHASE_HANDSHAKE)
            net_handshake_timeout(conn);
    }
}
