/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_ENROL_H
#define MALOTE_CMD_ENROL_H

#include "cmd/host.h"

/*
 * Asks the server to enrol the loaded identity (join, and status while it is not joined yet) and
 * says what came of it on stdout, unless that is `quiet`.  EXIT_REFUSED while the administrator
 * has not approved.
 */
MUST_CHECK enum exit_code enrol_run(struct host *host, bool quiet);

#endif
