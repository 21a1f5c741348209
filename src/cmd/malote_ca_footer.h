/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_FOOTER_H
#define MALOTE_CMD_MALOTE_CA_FOOTER_H

#include "ipc/admin.h"

/* What malote-ca says of the CA itself, beside what was asked: its list of revoked certificates,
 * its ledger and root, and what the administrator has to look at. */

/* An AUTHORITY row as lines, or as a JSON object a line. */
MUST_CHECK enum mlt_err footer_put_authority(const struct admin_row *row, bool json);

/* An ALARM row on stdout. */
MUST_CHECK enum mlt_err footer_put_alarm(const struct admin_row *row, bool json);

/* The same on stderr, where stdout has something else. */
void footer_say_alarm(const struct admin_row *row);

#endif
