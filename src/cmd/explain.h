/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_EXPLAIN_H
#define MALOTE_CMD_EXPLAIN_H

#include "cmd/host.h"

/*
 * Failures as one line a person can act on: what failed, who refused whom, what to do, and the
 * connection's id, which also stands in the server's log.  Each returns the exit code.
 */

enum exit_code explain_file(const char *path, enum mlt_err err);
enum exit_code explain_identity(const char *home, enum mlt_err err);
enum exit_code explain_store(const char *home, enum mlt_err err);
enum exit_code explain_passphrase(enum mlt_err err);

/* Nobody reads our output any more (quiet), or it could not be written. */
enum exit_code explain_output(enum mlt_err err);

/* CLIENT_EVENT_LOST, _REFUSED, _CLOSED. */
enum exit_code explain_lost(const struct host *host, const struct client_event *event);
enum exit_code explain_refused(const struct host *host, const struct client_event *event);
enum exit_code explain_closed(const struct host *host, const struct client_event *event);

/* Why a message did not arrive, for people; static storage. */
const char *explain_outcome(const struct client_event *event);

#endif
