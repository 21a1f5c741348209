/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"

static const size_t read_chunk = 65536;
/* Beyond this much unread by the server we read no more of it: a flood of pings must not make us
 * queue a flood of pongs. */
static const size_t out_most = 4 * LIMIT_FRAME;

struct link {
    const struct hs_client_config *config;
    int fd;
    struct handshake *hs;
    struct session session;
    struct hs_result result;
    bool up;      /* session and result are valid */
    bool settled; /* Welcome was taken */
    bool at_eof;
    struct buf in, out;
    size_t in_used; /* bytes of `in` already taken */
    int64_t deadline_ms, received_ms, sent_ms;
    int64_t ping_ms, silence_ms;
};

static int64_t now(const struct link *l)
{
    return env_mono_ms(l->config->env);
}

enum mlt_err link_new(const struct hs_client_config *config, int fd, struct link **link)
{
    CLEANUP(file_close) int owned = fd;
    CLEANUP(link_free) struct link *l = NULL;
    TRY(ALLOC_NEW(&l));
    l->fd = -1;
    l->config = config;
    TRY(hs_client_new(config, &l->hs));
    /* PROTOCOL.md 4: the CA has as long again for an enrolment. */
    int64_t whole = config->kind == CLIENT_AUTH_ENROL ? 2 : 1;
    l->deadline_ms = now(l) + whole * LIMIT_HANDSHAKE_MS;
    l->fd = owned;
    owned = -1;
    *link = l;
    l = NULL;
    return MLT_OK;
}

void link_free(struct link **link)
{
    struct link *l = *link;
    if (l == NULL)
        return;
    file_close(&l->fd);
    hs_free(&l->hs);
    session_clear(&l->session);
    hs_result_clear(&l->result);
    buf_clear(&l->in);
    buf_clear(&l->out);
    alloc_free(l);
    *link = NULL;
}

int link_fd(const struct link *link)
{
    return link->fd;
}

bool link_wants_read(const struct link *link)
{
    return !link->at_eof && link->out.len < out_most;
}

bool link_wants_write(const struct link *link)
{
    return link->out.len > 0;
}

/* A ping behind bytes the server does not take would say nothing they do not. */
static bool can_ping(const struct link *l)
{
    return l->out.len == 0 && !l->session.send_closed;
}

int64_t link_due_ms(const struct link *link)
{
    if (!link->settled)
        return link->deadline_ms;
    int64_t silence = link->received_ms + link->silence_ms;
    if (!can_ping(link))
        return silence;
    int64_t ping = link->sent_ms + link->ping_ms;
    return ping < silence ? ping : silence;
}

/* A peer that reset the connection can be told nothing; what it said before is still read. */
void link_flush(struct link *link)
{
    struct link *l = link;
    while (l->out.len > 0) {
        ssize_t n = send(l->fd, l->out.p, l->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0) {
            buf_reset(&l->out);
            return;
        }
        buf_drop(&l->out, (size_t)n);
        l->sent_ms = now(l);
    }
}

static enum mlt_err read_some(struct link *l)
{
    if (!link_wants_read(l))
        return MLT_OK;
    TRY(buf_reserve(&l->in, read_chunk));
    ssize_t n = recv(l->fd, l->in.p + l->in.len, read_chunk, 0);
    if (n > 0) {
        l->in.len += (size_t)n;
        l->received_ms = now(l);
    } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        l->at_eof = true;
    }
    return MLT_OK;
}

static struct span unread(const struct link *l)
{
    return span_from(buf_span(&l->in), l->in_used);
}

static enum mlt_err start_session(struct link *l)
{
    TRY(hs_take_result(l->hs, &l->result));
    TRY(session_init(&l->session, l->config->env, &session_default_limits, &l->result.send,
                     &l->result.receive));
    l->up = true;
    return MLT_OK;
}

/* One step; *again is false when the handshake waits for bytes, or is over. */
static enum mlt_err shake_once(struct link *l, bool *again)
{
    *again = true;
    switch (hs_want(l->hs)) {
    case HS_WANT_INPUT: {
        size_t used = 0;
        TRY(hs_input(l->hs, unread(l), &used, &l->out));
        l->in_used += used;
        *again = used > 0 || hs_want(l->hs) != HS_WANT_INPUT;
        return MLT_OK;
    }
    case HS_WANT_EPHEMERAL:
    case HS_WANT_DERIVE:
    case HS_WANT_VERIFY:
    case HS_WANT_SIGN:
        hs_work(l->hs);
        return hs_worked(l->hs, &l->out);
    case HS_WANT_SESSION:
        *again = false;
        return start_session(l);
    default:
        return MLT_ERR_STATE;
    }
}

static enum mlt_err shake(struct link *l)
{
    bool again = true;
    while (again && !l->up)
        TRY(shake_once(l, &again));
    ENSURE(l->up || !l->at_eof, MLT_ERR_CUT);
    return MLT_OK;
}

static enum mlt_err watch_clock(struct link *l)
{
    int64_t at = now(l);
    if (!l->settled)
        return at >= l->deadline_ms ? MLT_ERR_TIMEOUT : MLT_OK;
    ENSURE(at < l->received_ms + l->silence_ms, MLT_ERR_TIMEOUT);
    if (at >= l->sent_ms + l->ping_ms && can_ping(l)) {
        l->sent_ms = at;
        return link_send(l, RECORD_PING, span_of(NULL, 0));
    }
    return MLT_OK;
}

enum mlt_err link_process(struct link *link)
{
    link_flush(link);
    buf_drop(&link->in, link->in_used);
    link->in_used = 0;
    TRY(read_some(link));
    if (!link->up)
        TRY(shake(link));
    TRY(watch_clock(link));
    link_flush(link);
    return MLT_OK;
}

enum mlt_err link_next(struct link *link, enum record_kind *kind, struct buf *plain)
{
    enum record_kind got = 0;
    while (link->up && got == 0) {
        size_t used = 0;
        if (unread(link).n > 0)
            TRY(session_open(&link->session, unread(link), &used, &got, plain, &link->out));
        if (used == 0)
            break;
        link->in_used += used;
    }
    /* End of file: what is left unread, if anything, can never become whole. */
    if (link->up && got == 0 && link->at_eof)
        TRY(session_end(&link->session, unread(link)));
    *kind = got;
    return MLT_OK;
}

bool link_is_up(const struct link *link)
{
    return link->up;
}

void link_settle(struct link *link, uint32_t silence_ms)
{
    int64_t third = silence_ms / 3;
    link->settled = true;
    link->sent_ms = link->received_ms = now(link);
    link->silence_ms = LIMIT_SILENCE_MS;
    /* A server less patient than usual is pinged more often, within reason. */
    link->ping_ms = third < LIMIT_KEEPALIVE_MS ? third : LIMIT_KEEPALIVE_MS;
    if (link->ping_ms < 1000)
        link->ping_ms = 1000;
}

enum mlt_err link_send(struct link *link, enum record_kind kind, struct span body)
{
    ENSURE(link->up, MLT_ERR_STATE);
    return session_seal(&link->session, kind, body, &link->out);
}

enum mlt_err link_close(struct link *link, enum close_reason reason)
{
    ENSURE(link->up, MLT_ERR_STATE);
    if (!link->session.send_closed)
        TRY(session_close(&link->session, reason, &link->out));
    link_flush(link);
    return MLT_OK;
}

bool link_is_closed(const struct link *link)
{
    return link->session.send_closed;
}

void link_fail(struct link *link, enum mlt_err err)
{
    enum alert alert = alert_of_err(err);
    /* A machine that failed by itself has put its alert into `out` already. */
    if (link->up && !link->session.send_closed)
        session_abort(&link->session, alert, &link->out);
    if (!link->up && hs_want(link->hs) != HS_WANT_NOTHING)
        hs_abort(link->hs, alert, &link->out);
    link_flush(link); /* it hears it or not: we hang up */
}

bool link_is_ended(const struct link *link)
{
    return link->up && link->session.receive_closed;
}

enum close_reason link_close_reason(const struct link *link)
{
    return link->session.close_reason;
}

const char *link_id(const struct link *link)
{
    return hs_id(link->hs);
}

enum alert link_peer_alert(const struct link *link)
{
    return link->up ? link->session.peer_alert : hs_peer_alert(link->hs);
}

const struct hs_result *link_result(const struct link *link)
{
    return &link->result;
}
