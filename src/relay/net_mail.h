/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_NET_MAIL_H
#define MALOTE_RELAY_NET_MAIL_H

#include <sys/queue.h>
#include <uv.h>

#include "ipc/messages.h"
#include "mail/mail_store.h"
#include "relay/net_ask.h"
#include "relay/net_refused.h"
#include "relay/net_share.h"
#include "relay/router.h"

/*
 * Between the router, which decides, mail_store, which keeps, and ca, which alone can open:
 *
 *   net_mail.c      the store: jobs to it, completions from it
 *   net_mail_key.c  messages that wait for the public key of a mailbox
 *   net_mail_erase.c mailboxes that ca has erased, until the store has done it
 *   net_mail_read.c a session's way through its mailbox
 *   net_grant.c     nonces from ca, and what they earn a login
 *
 * The router is called from the loop only, never from inside its own callbacks: what cannot be
 * done at once waits in `undone` for the next turn.
 */

struct hs_result;
struct net;
struct net_conn;

struct net_undone; /* an answer that the router gets at the next turn */
STAILQ_HEAD(net_undone_list, net_undone);
TAILQ_HEAD(net_key_list, net_key_wait);
TAILQ_HEAD(net_reading_list, net_reading);
TAILQ_HEAD(net_erasure_list, net_erasure);

struct net_nonces {
    uint8_t ready[LIMIT_NONCES][MAILBOX_NONCE];
    size_t count;
    int64_t asked_ms, of_ms; /* when the next were asked for, and these */
    struct net_ask ask;
};

struct net_mail {
    struct mail_store *store; /* NULL: not open yet */
    struct mail_limits limits;
    bool configured;
    bool ready;               /* open, and the router knows what is in it */
    int64_t open_ms, tick_ms; /* monotonic: when the next is due */
    int64_t said_ms;          /* that it cannot be opened: not before */
    uv_async_t wake;
    struct net_shares shares; /* of whoever has something waiting for the disk */
    struct net_undone_list undone;
    struct net_refusals refusals; /* of the puts among them */
    struct net_key_list keys;
    size_t key_bytes; /* of messages that wait for one */
    struct net_reading_list readings;
    struct net_erasure_list erasures;
    struct net_nonces nonces;
};

/* ---- net_mail.c ---- */

MUST_CHECK enum mlt_err net_mail_init(struct net *net);

/* Opens mail.db in the working directory, now or as soon as it can be. */
void net_mail_configure(struct net *net, const struct ipc_net_start *start);

/* The second group of struct router_out; ctx is struct net, link is struct net_conn. */
void net_mail_on_put(void *ctx, const struct envelope *e, void *ticket);
void net_mail_on_read(void *ctx, void *link, const struct router_read *read);
void net_mail_on_remove(void *ctx, const struct name *recipient, int64_t row,
                        enum outcome_state state);
void net_mail_on_tell(void *ctx, const struct router_notice *notice);
void net_mail_on_noted(void *ctx, const struct name *sender, const struct noted *noted);
void net_mail_on_read_notices(void *ctx, const struct router_read_notices *read);

/* Once per turn of the loop: what could not be done at once. */
void net_mail_turn(struct net *net);
bool net_mail_is_pending(const struct net *net);
void net_mail_tick(struct net *net);

/* The end of the process: finishes what was given. */
void net_mail_close(struct net *net);

/* ca speaks again, or no more. */
void net_mail_ca_is_here(struct net *net);
void net_mail_ca_is_lost(struct net *net);

/* To the store; an error means that nothing was given. */
MUST_CHECK enum mlt_err net_mail_give(struct net *net, const struct envelope *e,
                                      struct net_put *put);
/* What a sender is told of it. */
enum outcome_reason net_mail_reason(enum mlt_err err);

/* ---- net_mail_key.c ---- */

bool net_mail_key_awaits(const struct net *net, const struct name *recipient);
/* Keeps a copy until ca has named the key. */
MUST_CHECK enum mlt_err net_mail_key_wait(struct net *net, const struct envelope *e,
                                          struct net_put *put);
void net_mail_key_tick(struct net *net);

/* ---- net_mail_erase.c ---- */

/*
 * ca's word that a mailbox pair is gone, and with it what it sealed.  Kept until the store has
 * committed that (MAILBOX_GONE, whereupon ca forgets it); meanwhile nothing is put for that name
 * and no key is asked for.  MLT_ERR_NOMEM: ca has to say it again.
 */
MUST_CHECK enum mlt_err net_mail_erased(struct net *net, struct span body);
bool net_mail_erase_awaits(const struct net *net, const struct name *recipient);
/* The store's answer. */
void net_mail_erase_done(struct net *net, const struct mail_done *done);
void net_mail_erase_tick(struct net *net);
/* What was told to a ca that is gone is for its successor to say again. */
void net_mail_erase_ca_is_lost(struct net *net);
void net_mail_erase_close(struct net *net);

/* ---- net_mail_read.c ---- */

/* Into conn->reading.  An error means that nothing was begun. */
MUST_CHECK enum mlt_err net_mail_read_start(struct net_conn *conn, const struct router_read *read);
/* The store's answer. */
void net_mail_read_done(struct net *net, struct mail_done *done);
/* The session's grant has come, or will not come. */
void net_mail_read_go_on(struct net_conn *conn);
void net_mail_read_tick(struct net *net);
/* The session ends. */
void net_mail_read_leave(struct net_conn *conn);

/* ---- net_grant.c ---- */

/* May this login have stored mail opened?  The zero value may not. */
enum net_grant_state {
    NET_GRANT_NONE, /* a new login may earn one */
    NET_GRANT_ASKED,
    NET_GRANT_HELD,
    NET_GRANT_REFUSED /* ca would refuse the next login as well */
};

/* One of ca's nonces for a ServerHello; false when there is none. */
bool net_nonce_take(struct net *net, uint8_t nonce[static MAILBOX_NONCE]);
void net_nonce_tick(struct net *net);

/* A session that gets mail begins; takes the proof out of `result`. */
void net_grant_ask(struct net_conn *conn, struct hs_result *result);
void net_grant_leave(struct net_conn *conn);

#endif
