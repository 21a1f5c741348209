/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_NET_CONN_H
#define MALOTE_RELAY_NET_CONN_H

#include <sys/queue.h>
#include <uv.h>

#include "ipc/messages.h"
#include "protocol/handshake.h"
#include "protocol/session.h"
#include "relay/net_ask.h"
#include "relay/net_authority.h"
#include "relay/net_mail.h"
#include "wire/envelope.h"
#include "wire/outcome.h"

/*
 * One TCP connection: handshake, then session, then the last bytes, then gone.
 *
 *   net_door.c       accepting, and making room
 *   net_conn.c       the socket: reading, coalesced writing, the end
 *   net_handshake.c  bytes and workers to the handshake machine, and Welcome
 *   net_session.c    records to the router, and back
 *   net_authority.h  what a session asks of ca
 */

struct net;
struct net_conn;
struct route;
struct server_identity;

/* What one read takes at most. */
#define NET_READ_SPACE 65536

TAILQ_HEAD(net_conn_list, net_conn);

/* The zero value takes no input. */
enum net_phase {
    NET_PHASE_ENDED, /* the last bytes leave, then the socket is closed; input is thrown away */
    NET_PHASE_HANDSHAKE,
    NET_PHASE_SESSION,
    NET_PHASE_RENEWAL /* a session that may do nothing but RENEW: the router does not know it */
};

struct net_conn {
    struct net *net;
    uv_tcp_t tcp;
    uv_shutdown_t shutdown;
    TAILQ_ENTRY(net_conn) of_all, of_half_open, of_touched;
    bool half_open, touched; /* is in that list */
    bool waiting;            /* for ca to answer `enrol` */
    bool reading, closing;   /* closing: uv_close was called */
    bool on_worker;          /* hs belongs to a worker now */
    bool heard_all;          /* the peer's side of the stream is closed */
    bool shut;               /* ours is */
    enum net_phase phase;
    struct handshake *hs;
    struct server_identity *identity; /* what hs borrows from */
    struct net_ask enrol;
    struct session session;
    bool has_session;
    struct route *route;
    enum client_auth_kind kind;
    enum net_grant_state grant_state;
    uint8_t grant[MAILBOX_GRANT];
    struct net_proof *proof;  /* while ca judges it */
    struct net_reading *mail; /* while it reads its mailbox */
    struct net_request *requests[NET_REQUESTS];
    TAILQ_ENTRY(net_conn) of_readers; /* while reads_crl */
    bool reads_crl;
    struct crl_cursor crl;
    struct {
        uint8_t serial[CERT_SERIAL];
        uint8_t spki_hash[HASH_LEN];
        struct buf doubted; /* the certificate, if ca has to see it */
    } renewing;             /* RENEWAL */
    enum mlt_err doom;      /* met inside a callback of the router: ends at the next flush */
    struct name name;
    char hs_id[9];
    char peer[64];
    uint8_t source[8]; /* the address, or the network part of an IPv6 one */
    bool spoke;        /* said something legal: no bare connect */
    struct buf in;     /* an incomplete frame */
    struct buf out;    /* not given to the kernel yet */
    size_t writing;    /* bytes that uv_write has */
    int64_t started_ms, heard_ms, deadline_ms;
};

/* A new connection waits at `listener` (net_door.c). */
void net_conn_accept(struct net *net, uv_stream_t *listener);

/* Something was appended to conn->out: it leaves before the loop sleeps. */
void net_conn_touch(struct net_conn *conn);

/* Gives what was touched to the kernel; called once per turn of the loop. */
void net_conn_flush_all(struct net *net);

/* Deadlines and silence. */
void net_conn_tick_all(struct net *net);

/* Everybody is told that the server stops. */
void net_conn_stop_all(struct net *net);

/*
 * The end of a connection, whatever it is: logged once, taken out of the router, what is in
 * conn->out still leaves.  Must not be called from inside the router: set conn->doom there.
 */
void net_conn_end(struct net_conn *conn, enum mlt_err err, const char *why);
/* Ends at the next flush: for whoever is called from the router, or speaks to many. */
void net_conn_doom(struct net_conn *conn, enum mlt_err err);

/* ---- net_handshake.c ---- */

void net_handshake_start(struct net_conn *conn);
/* Takes what it can of `bytes`; *used says how much.  May end the connection. */
void net_handshake_input(struct net_conn *conn, struct span bytes, size_t *used);
/* Its time is over. */
void net_handshake_timeout(struct net_conn *conn);
/* If it stands on a certificate of ours that was revoked. */
void net_handshake_revoke(struct net_conn *conn);
/* The connection goes away before ca has answered. */
void net_handshake_forget(struct net_conn *conn);

/* ---- net_session.c ---- */

/* Welcome was sent and the client is in: from now on the router knows it.  Takes from `result`. */
MUST_CHECK enum mlt_err net_session_start(struct net_conn *conn, struct hs_result *result);
void net_session_input(struct net_conn *conn, struct span bytes, size_t *used);
/* When this certificate expires, in monotonic time. */
int64_t net_session_ends_ms(const struct net *net, const struct cert *cert);
/* An authenticated end, then the end of the connection. */
void net_session_close(struct net_conn *conn, enum close_reason reason);
/* One record into conn->out. */
MUST_CHECK enum mlt_err net_session_seal(struct net_conn *conn, enum record_kind kind,
                                         struct span body);

/* What the router decided (struct router_out); ctx is struct net, link is struct net_conn. */
void net_session_on_deliver(void *ctx, void *link, const struct envelope *e);
void net_session_on_outcome(void *ctx, void *link, const struct outcome *o);
void net_session_on_end(void *ctx, void *link, enum close_reason reason);

/* ---- net_conn.c, for the others ---- */

/* Closes the socket, unless a worker has the handshake: then its end does. */
void net_conn_close(struct net_conn *conn);

/* Reads or stops reading, as the state wants it. */
void net_conn_set_reading(struct net_conn *conn);

/* Input that came while a worker had the handshake is looked at now. */
void net_conn_resume(struct net_conn *conn);

/* Has the peer closed its side?  Asked of the kernel, since nobody reads while a worker is busy. */
bool net_conn_hung_up(const struct net_conn *conn);

/* The handshake is over: no half-open connection any more. */
void net_conn_settle(struct net_conn *conn);

#endif
