/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_EXPLAIN_H
#define MALOTE_CMD_EXPLAIN_H

#include "base/timefmt.h"
#include "cmd/host.h"

/*
 * Failures as one line a person can act on: what failed, who refused whom, what to do, and the
 * connection's id, which also stands in the server's log.  Each returns the exit code.
 */

/* "2026-11-23T04:15:24Z (2 hours ago)" */
#define EXPLAIN_WHEN (TIMEFMT_RFC3339 + TIMEFMT_RELATIVE + 4)
void explain_when(int64_t at_s, char out[static EXPLAIN_WHEN]);

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

/* What became of a message of ours.  Texts are static. */

/* It did not reach its recipient, and will not. */
bool explain_is_failure(enum mlt_outcome outcome);

/* Why it did not, or not yet; NULL where there is nothing to say. */
const char *explain_why(enum mlt_outcome outcome, enum mlt_why why);

/* Why the message of an OUTCOME event with MLT_OUTCOME_WAITING has to be sent again. */
const char *explain_waiting(const struct mlt_event *event);

/* Says that this command's message did not arrive, and why; gives the reason alone, or NULL. */
const char *explain_fate(const struct host *host, const char *to, enum mlt_outcome outcome,
                         enum mlt_why why);

/* The same of one message among several: which one it was is said too. */
void explain_ended(const struct host *host, const uint8_t *message);

/* The same of a message of an earlier command, if the event says so; else nothing.  The event says
 * it to every process of the home. */
void explain_earlier(const struct host *host, const struct mlt_event *event);

#endif
