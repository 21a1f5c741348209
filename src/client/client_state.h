/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_CLIENT_STATE_H
#define MALOTE_CLIENT_CLIENT_STATE_H

#include "client/ca_watch.h"
#include "client/client.h"
#include "client/comeback.h"
#include "client/offer.h"
#include "client/post.h"
#include "client/reach.h"

/*
 * What the files of the client share; nobody else includes it.
 *
 *   client.c          its life and its host: what is due, what there is to tell
 *   client_way.c      the way to the server, and every end of it
 *   client_welcome.c  what Welcome lets us do; the session that may only renew
 *   client_session.c  the link: its records, and what is due in it
 */

enum client_state {
    STATE_OVER = 0,
    STATE_WAITING, /* to come back, until due_ms */
    STATE_REACHING,
    STATE_LINKED,
    STATE_LEAVING, /* waits for what the CA has to say, until due_ms */
    STATE_CLOSING  /* our close is said; until due_ms */
};

struct client {
    struct client_config config;
    struct hs_client_config handshake;
    enum client_state state;
    int64_t due_ms;
    struct reach reach;
    struct link *link;
    int watch;
    bool logged_in; /* now */
    bool was_logged_in;
    bool renews; /* let in for that alone, until due_ms */
    struct comeback comeback;
    struct post post;        /* without a courier while enrolling */
    struct ca_watch watches; /* not while enrolling */
    struct event_queue events;
    struct offer offer;
    bool again; /* offer_anew at the next client_process */
    char id[9];
};

static inline int64_t client_now_ms(const struct client *c)
{
    return env_mono_ms(c->config.env);
}

static inline void client_tell(struct client *c, const struct client_event *event)
{
    event_queue_add(&c->events, event);
}

static inline bool client_is_enrolling(const struct client *c)
{
    return c->config.kind == CLIENT_AUTH_ENROL;
}

static inline bool client_is_leaving(const struct client *c)
{
    return c->state == STATE_CLOSING || c->state == STATE_LEAVING;
}

/* ---- client_way.c ---- */

MUST_CHECK enum mlt_err client_way_look_up(struct client *c);

/* To the first address that is known, if the clock and the home allow. */
MUST_CHECK enum mlt_err client_way_begin(struct client *c);

/* This address did not answer as it should: the next one may.  Otherwise `err` stands. */
MUST_CHECK enum mlt_err client_way_next(struct client *c, enum mlt_err err);

/* Without a word and without an event. */
void client_way_hang_up(struct client *c);

/* Over, or waiting to come back: `why` says how long. */
void client_way_return(struct client *c, struct client_event *why);

/* The session ended with `err`, or as its close announced; the host is told. */
void client_way_lose(struct client *c, enum mlt_err err);
void client_way_end(struct client *c, enum close_reason reason);

/* A new login is the one way on: as if the server had asked for it. */
MUST_CHECK enum mlt_err client_way_begin_anew(struct client *c);

/* We have no more to say; what crosses it is still taken. */
void client_way_goodbye(struct client *c);

/* ---- client_welcome.c ---- */

MUST_CHECK enum mlt_err client_welcome_take(struct client *c, struct span body);

/* In a session that may only renew. */
MUST_CHECK enum mlt_err client_welcome_run_renewing(struct client *c);

/* ---- client_session.c ---- */

/* Goes on with the link; ends what has to end, or fails. */
MUST_CHECK enum mlt_err client_session_run(struct client *c);

/* What came is confirmed; unless the session is at its end, what may go goes. */
MUST_CHECK enum mlt_err client_session_run_post(struct client *c, bool at_end);

#endif
