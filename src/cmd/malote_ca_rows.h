/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_ROWS_H
#define MALOTE_CMD_MALOTE_CA_ROWS_H

#include "base/buf.h"
#include "ipc/admin.h"

/* The rows of an answer, all of them before the first is shown: a pager must not hold the CA. */
struct ca_rows {
    struct buf bytes;
    size_t at;
};

void ca_rows_clear(struct ca_rows *rows);

/* One more, encoded. */
MUST_CHECK enum mlt_err ca_rows_keep(struct ca_rows *rows, struct span encoded);

/* The next row, borrowed; false after the last. */
bool ca_rows_next(struct ca_rows *rows, struct admin_row *row);

#endif
