/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_CLIENT_H
#define MALOTE_CLIENT_CLIENT_H

#include "client/dial.h"
#include "client/event.h"
#include "client/identity.h"
#include "wire/client_auth.h"

/*
 * The client as a machine that a host drives: no thread, no loop, no global state.  The host
 * polls client_fd for client_want, at most client_timeout_ms, calls client_process, and then
 * takes events until there is none.  client_process may wait for the disk, never for the network
 * or for a name.
 *
 * A message is on disk before the server is told so; it comes to the host from the store, first
 * those that were not shown in earlier runs.  What the host sends it puts into the store's outbox;
 * courier.h sends what is there.
 */
struct client; /* opaque */

/* All borrowed for the life of the client. */
struct client_config {
    const struct env *env;
    const struct home *home;
    struct identity *identity; /* completed when a certificate is issued */
    struct store *store;       /* NULL for CLIENT_AUTH_ENROL */
    enum client_auth_kind kind;
    bool comes_back;         /* reconnects, once it has been logged in */
    const struct name *only; /* messages of this sender alone; NULL: of all */
};

/* MLT_ERR_STATE when the identity does not fit the kind. */
MUST_CHECK enum mlt_err client_new(const struct client_config *config, struct client **client);
void client_free(struct client **client);

/*
 * Starts to look the server's name up and then towards its first address; the others are tried in
 * turn, and the name is looked up anew when none answered a client that comes back.  Failures are
 * events.  MLT_ERR_STATE unless it is over.
 */
MUST_CHECK enum mlt_err client_connect(struct client *client);

/* These instead of the name's own, from the next look-up on; an empty list: none. */
void client_give_addresses(struct client *client, const struct dial_list *list);

/* -1 when it is over. */
int client_fd(const struct client *client);

enum client_want { CLIENT_WANT_NOTHING = 0, CLIENT_WANT_READ = 1, CLIENT_WANT_WRITE = 2 };

/* A set of enum client_want. */
unsigned client_want(const struct client *client);

/* -1: no need to wake up. */
int client_timeout_ms(const struct client *client);

/* Every failure becomes an event.  Does nothing while events wait to be taken. */
void client_process(struct client *client);

/* CLIENT_EVENT_NONE when there is none.  Fails only on the store, which is left alone for
 * LIMIT_STORE_RETRY_MS then. */
MUST_CHECK enum mlt_err client_next_event(struct client *client, struct client_event *event);

/* From the next client_process on, the messages that were not shown come once more.  Nothing unless
 * a connection of CLIENT_AUTH_RECEIVE lasts. */
void client_again(struct client *client);

/* Something was put into the outbox, or shown with `tell`: it goes at once if it can.  What becomes
 * of it, of every message of this home, comes as CLIENT_EVENT_OUTCOME. */
void client_wake(struct client *client);

/* Begins an audit of the CA's ledger: CLIENT_EVENT_LEAF, CLIENT_EVENT_AUDITED.  MLT_ERR_STATE
 * unless logged in, or while one runs. */
MUST_CHECK enum mlt_err client_audit(struct client *client);

/* Says goodbye; over after the server hung up, or LIMIT_GOODBYE_MS. */
void client_close(struct client *client);

bool client_is_logged_in(const struct client *client);

/* Nothing will happen any more. */
bool client_is_over(const struct client *client);

/* Some wait to be taken, other than messages, which keep. */
bool client_has_events(const struct client *client);

/* The id of the last connection in errors and in the server's log; "--------" before one. */
const char *client_id(const struct client *client);

/* Where and why the last attempt to connect failed; empty if none did. */
const char *client_detail(const struct client *client);

#endif
