/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_NET_H
#define MALOTE_RELAY_NET_H

#include <sys/queue.h>
#include <uv.h>

#include "base/log_rate.h"
#include "ipc/channel.h"
#include "relay/net_ask.h"
#include "relay/net_authority.h"
#include "relay/net_conn.h"
#include "relay/net_mail.h"
#include "relay/net_work.h"
#include "relay/router.h"
#include "relay/server_identity.h"

/*
 * The net process, as its own files see it.  One event loop owns everything here; workers get
 * nothing but a job.  Only relay/net*.c know libuv.
 */

struct net_ca {
    struct channel channel; /* fd -1: lost */
    uv_poll_t *poll;
    struct buf received;
    struct buf ca_der;
    struct cert root; /* what ca_der says */
    bool synced;
    struct net_asks asks;
    EVP_PKEY *new_key;   /* made, and not certified yet */
    uint32_t key_tag;    /* of the SERVER_REQUEST that ca has; 0: none */
    bool making_key;     /* a worker is at it */
    int64_t next_try_ms; /* monotonic: when the next certificate may be asked for */
    int64_t warn_ms;     /* monotonic: when to say again that there is none; 0: nothing to say */
};

struct net {
    uv_loop_t loop;
    const struct env *env;
    struct channel parent;
    uv_poll_t parent_poll;
    uv_prepare_t flush;
    uv_timer_t tick;
    uv_tcp_t *listeners;
    size_t listener_count;
    enum dh_group group;
    struct net_ca ca;
    struct net_work work;
    struct server_identity *identity; /* NULL until ca has certified one */
    struct router *router;
    struct net_mail mail;
    int dir; /* net/ */
    struct net_crl crl;
    struct net_ledger ledger;
    struct net_seen seen;
    struct log_rate log_rate;
    struct net_conn_list connections, half_open, touched;
    size_t connection_count, half_open_count, connection_most;
    struct buf plain; /* of the record that is being looked at */
    struct buf body;  /* of the record that is being made */
    uint8_t *read_space;
    bool serving, stopping, told; /* told: that we stop */
    int64_t tell_ms, stop_ms;
    int status;
};

/* When we stop: mail is kept, then everybody is told, then the loop ends. */
void net_check_stopped(struct net *net);

/* It cannot go on: the parent starts it anew. */
void net_give_up(struct net *net);

/* Once ca has certified a key and the mailboxes are open, connections are accepted. */
void net_serve(struct net *net);

/* ---- net_ca.c: the channel to the ca process ---- */

/* Takes the new channel's descriptor; the old one, if any, is dropped. */
void net_ca_connect(struct net *net, int fd);
void net_ca_tick(struct net *net);
/* Once per turn of the loop: what is asked of ca is sent. */
void net_ca_turn(struct net *net);
void net_ca_clear(struct net *net);

#endif
