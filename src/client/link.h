/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_LINK_H
#define MALOTE_CLIENT_LINK_H

#include "protocol/handshake.h"
#include "protocol/session.h"

/*
 * One TCP connection with its handshake and session, driven without ever blocking: the owner
 * polls link_fd for link_wants_*, calls link_process, then takes records with link_next until
 * there is none.  What ends a link is an error; only an announced end is link_is_ended.
 */
struct link; /* opaque */

/*
 * Over a connected, non-blocking socket, which it owns from now on (also on failure).  `config`
 * is borrowed for the life of the link.  The handshake, up to link_settle, has
 * LIMIT_HANDSHAKE_MS from here, twice that for an enrolment.
 */
MUST_CHECK enum mlt_err link_new(const struct hs_client_config *config, int fd, struct link **link);

/* Closes the socket without a word; say link_close or link_fail first. */
void link_free(struct link **link);

int link_fd(const struct link *link);
bool link_wants_read(const struct link *link);
bool link_wants_write(const struct link *link);

/* Monotonic time at which link_process must be called even if nothing moved. */
int64_t link_due_ms(const struct link *link);

/*
 * Writes, reads, runs the handshake, pings, and watches the clock: MLT_ERR_TIMEOUT for a
 * handshake too slow or a link gone silent.  An end of file shows in link_next.
 */
MUST_CHECK enum mlt_err link_process(struct link *link);

/*
 * The next record (*kind 0: none now), its body in `plain`.  MLT_ERR_CUT when the connection
 * ended without an announced end.
 */
MUST_CHECK enum mlt_err link_next(struct link *link, enum record_kind *kind, struct buf *plain);

/* True once the handshake is done and records flow. */
bool link_is_up(const struct link *link);

/* The Welcome was good: the handshake's deadline is lifted, pings begin. */
void link_settle(struct link *link, uint32_t silence_ms);

/* Queues a record; link_flush or link_process writes it. */
MUST_CHECK enum mlt_err link_send(struct link *link, enum record_kind kind, struct span body);

/* Writes what the socket takes. */
void link_flush(struct link *link);

/* Queues an authenticated close and, as far as the socket takes it, writes it. */
MUST_CHECK enum mlt_err link_close(struct link *link, enum close_reason reason);

/* Our close is said, or our alert: nothing may follow it. */
bool link_is_closed(const struct link *link);

/* Tells the server, if it can still be told, that `err` is why we hang up. */
void link_fail(struct link *link, enum mlt_err err);

/* The server announced the end, and everything before it was taken. */
bool link_is_ended(const struct link *link);
enum close_reason link_close_reason(const struct link *link);

/* Both sides' name for this connection in errors and logs (hs_id); and the server's alert. */
const char *link_id(const struct link *link);
enum alert link_peer_alert(const struct link *link);

/* What the handshake proved; borrowed, valid once link_is_up. */
const struct hs_result *link_result(const struct link *link);

#endif
