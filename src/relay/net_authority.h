/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_NET_AUTHORITY_H
#define MALOTE_RELAY_NET_AUTHORITY_H

#include <sys/queue.h>

#include "mail/mail_map.h"
#include "relay/crl_held.h"
#include "relay/ledger_witness.h"
#include "relay/net_ask.h"
#include "wire/welcome.h"

/*
 * What net does for the CA's sake: PROTOCOL.md 10 and 11.
 *
 *   net_request.c   a session's question that ca answers, one of a kind at a time
 *   net_renew.c     RENEW, and the session of a certificate that has expired
 *   net_crl.c       the revocation list: from ca, checked, into net/crl.der; its age
 *   net_crl_send.c  notices and the list to sessions
 *   net_ledger.c    the newest signed head, in net/head too; PROVE, LEAVES_WANTED
 *   net_seen.c      who logged in, for ca
 */

struct net;
struct net_conn;

/* ---- net_request.c ---- */

enum net_request_kind { NET_REQUEST_RENEW, NET_REQUEST_PROVE, NET_REQUEST_LEAVES, NET_REQUESTS };

struct net_request {
    struct net_conn *conn;
    const struct net_request_row *row;
    struct net_ask ask;
    int64_t deadline_ms;
    struct buf question; /* for ca */
    /* PROVE: what the client showed, and what it is to be led to */
    struct ledger_head shown;
    struct buf shown_bytes;
    struct ledger_witness newest;
    uint64_t first; /* LEAVES_WANTED */
};

/*
 * `take` answers the client; an error means that ca would never have said this, and the client has
 * to be told that it is busy.  `busy` tells it.
 */
struct net_request_row {
    enum net_request_kind kind;
    struct net_ask_kind ask;
    enum mlt_err (*take)(struct net_request *request, struct span body);
    void (*busy)(struct net_request *request);
};

/* MLT_ERR_UNEXPECTED while one of this kind is unanswered, MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err net_request_new(struct net_conn *conn, const struct net_request_row *row,
                                        struct net_request **request);
/* Its question is complete. */
void net_request_ask(struct net_request *request);
/* Or it cannot be asked. */
void net_request_drop(struct net_request **request);
bool net_request_is_open(const struct net_conn *conn, enum net_request_kind kind);
/* ca had its time. */
void net_request_tick(struct net_conn *conn, int64_t now_ms);
/* The connection ends. */
void net_request_leave(struct net_conn *conn);

/* For the net_asks of every row. */
enum mlt_err net_request_encode(void *owner, struct buf *body);
enum mlt_err net_request_answered(void *owner, struct span body);
void net_request_lost(void *owner);
#define NET_REQUEST_ASK(asks, answers)                                                             \
    {                                                                                              \
        asks, answers, net_request_encode, net_request_answered, net_request_lost                  \
    }

/* ---- net_renew.c ---- */

/* Welcome has said RENEW: nothing else is possible in this session. */
MUST_CHECK enum mlt_err net_renew_begin(struct net_conn *conn, const struct cert *own);
MUST_CHECK enum mlt_err net_renew_asked(struct net_conn *conn, struct span body);
void net_renew_tick(struct net_conn *conn, int64_t now_ms);

/* ---- net_crl.c ---- */

TAILQ_HEAD(net_crl_readers, net_conn);

struct net_crl {
    struct crl_held held;
    struct crl_notices notices;
    uint64_t pushed; /* the highest number that sessions were told */
    struct crl_parts parts;
    struct crl_parts next;    /* complete, not checked yet; empty: there is none */
    bool loaded;              /* net/crl.der was looked at */
    bool saved;               /* it holds what is held */
    bool busy;                /* a worker is at it */
    bool unconfirmed;         /* saved, and the head with its leaf not */
    bool behind;              /* ca is: said once */
    int64_t save_ms, warn_ms; /* monotonic: not before */
    struct net_crl_readers readers;
};

void net_crl_init(struct net *net);
void net_crl_clear(struct net *net);
/* ca's certificate is known: what is kept can be checked. */
void net_crl_root_is_known(struct net *net);
MUST_CHECK enum mlt_err net_crl_part(struct net *net, struct span body);
void net_crl_tick(struct net *net);
/* net/head may hold the newest head now. */
void net_crl_head_is_saved(struct net *net);

/* ---- net_crl_send.c ---- */

MUST_CHECK enum mlt_err net_crl_notice(struct net *net, struct span body);
MUST_CHECK enum mlt_err net_crl_wanted(struct net_conn *conn, struct span body);
/* Once per turn: who takes the list gets a little more of it. */
void net_crl_turn(struct net *net);
/* Somebody could take more at once. */
bool net_crl_is_pending(const struct net *net);
void net_crl_leave(struct net_conn *conn);

/* ---- net_ledger.c ---- */

#define NET_PROOFS 16

struct net_proven {
    uint64_t epoch, from, to;
    uint8_t root[LEDGER_HASH]; /* of `from` leaves */
    struct buf hashes;
};

struct net_ledger {
    struct ledger_witness witness;
    struct buf loaded; /* net/head, until it can be checked */
    struct buf shown;  /* the last that this ca was shown */
    bool shown_waits;  /* for a ca */
    bool unsaved, busy;
    bool complained; /* about this ca: said once */
    int64_t save_ms;
    struct net_proven proofs[NET_PROOFS];
    size_t next_proof;
};

/* Reads net/head: before the sandbox or after. */
void net_ledger_load(struct net *net);
/* Writes what is not written yet. */
void net_ledger_close(struct net *net);
void net_ledger_root_is_known(struct net *net);
MUST_CHECK enum mlt_err net_ledger_head(struct net *net, struct span body);
MUST_CHECK enum mlt_err net_ledger_prove(struct net_conn *conn, struct span body);
MUST_CHECK enum mlt_err net_ledger_leaves(struct net_conn *conn, struct span body);
void net_ledger_tick(struct net *net);
/* Whether net/head holds what is held; it is written at once if it can be. */
bool net_ledger_is_saved(const struct net *net);
void net_ledger_hurry(struct net *net);

/* ---- net_seen.c ---- */

TAILQ_HEAD(net_seen_list, net_seen_one);

struct net_seen {
    struct mail_map names;
    struct net_seen_list order;
    int64_t next_ms;
};

MUST_CHECK enum mlt_err net_seen_init(struct net *net);
void net_seen_clear(struct net *net);
void net_seen_add(struct net *net, const struct name *name);
void net_seen_tick(struct net *net);

/* ---- for all ---- */

/* What every Welcome says. */
void net_authority_welcome(const struct net *net, struct welcome *w);

/* To ca, if it is there; a failure ends the channel at its next use. */
void net_authority_tell_ca(struct net *net, enum ipc_type type, struct span body);

#endif
