/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_AUTHORITY_H
#define MALOTE_CMD_AUTHORITY_H

#include "cmd/host.h"

/*
 * What a connection tells of the CA and of one's own certificate, in words: the same for every
 * subcommand.
 */

/* A certificate that was not renewed, a CA that was restored, a clock that is a little wrong: said
 * here.  False: the event is the subcommand's. */
bool authority_tell(const struct host *host, const struct mlt_event *event);

/* `malote --accept-clock`. */
MUST_CHECK enum exit_code authority_accept_clock(const struct host *host);

/* When our certificate was made, by the CA's clock: where that is the time that mlt_event_signed_s
 * says, the certificate itself is what is of the future. */
int64_t authority_issued_s(const struct mlt_client *client);

/* The lines of `status` about it.  refused: the server said so of the certificate just now. */
MUST_CHECK enum mlt_err authority_show(const struct mlt_client *client,
                                       const struct mlt_authority *a, bool refused);

/* The same as members of a JSON object: a json_t *, or NULL. */
void *authority_json(const struct mlt_authority *a);

#endif
