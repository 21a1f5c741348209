/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_EXPLAIN_H
#define MALOTE_CMD_EXPLAIN_H

#include "cmd/host.h"

/*
 * Failures as one line a person can act on: what failed, who refused whom, what to do, and the
 * connection's id, which also stands in the server's log.  Each returns the exit code.
 */

/* What the CA did.  Static. */
const char *explain_alarm(enum mlt_alarm alarm);

/* Errors of our own (base/err), about a file or stream. */
enum exit_code explain_file(const char *path, enum mlt_err err);
enum exit_code explain_passphrase(const struct passphrase_source *source, enum mlt_err err);

/* Errors of the library; with errno for MLT_ERROR_SYSTEM. */
enum exit_code explain_home(const char *path, enum mlt_error error);
enum exit_code explain_identity(const struct host *host, enum mlt_error error);
enum exit_code explain_store(const struct host *host, enum mlt_error error);
/* The database did not take a message. */
enum exit_code explain_not_kept(const struct host *host, enum mlt_error error);

/* Nobody reads our output any more (quiet), or it could not be written. */
enum exit_code explain_output(enum mlt_err err);

/* Why there is no connection. */
enum exit_code explain_failure(const struct host *host, enum mlt_error error, int system_errno);

/*
 * MLT_EVENT_LOST, _REFUSED, _CLOSED.  Where a message waits for the connection (host->waits_for)
 * the line says so, and what will pass is EXIT_OUTBOX.
 */
enum exit_code explain_lost(const struct host *host, const struct mlt_event *event);
enum exit_code explain_refused(const struct host *host, const struct mlt_event *event);
enum exit_code explain_closed(const struct host *host, const struct mlt_event *event);

/* The connection comes back by itself.  True: this machine was the cause, and that was said. */
bool explain_own_fault(const struct host *host, const struct mlt_event *event);

#endif
