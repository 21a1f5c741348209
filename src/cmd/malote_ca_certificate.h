/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_CERTIFICATE_H
#define MALOTE_CMD_MALOTE_CA_CERTIFICATE_H

#include "ipc/admin.h"

/* A CERT or NAME row of an answer, as words and as JSON. */

/* valid, late, grace, expired, revoked, waiting, future, closed; false for another word. */
bool certificate_take_state(const char *word, enum cert_state *state);

/* The same for people. */
const char *certificate_state_text(enum cert_state state);

MUST_CHECK enum mlt_err certificate_put_json(const struct admin_row *row);

/* A line each, then the PEM if the row has it. */
MUST_CHECK enum mlt_err certificate_put_page(const struct admin_row *row);

/* Of a name without a certificate. */
MUST_CHECK enum mlt_err certificate_put_name_json(const struct admin_row *row);
void certificate_put_name_page(const struct admin_row *row);

#endif
